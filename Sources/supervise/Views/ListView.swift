import SuperviseFormats
import SuperviseHost
import SuperviseText

/// Several runs, one a line.
struct ListView {
    let glances: [Glance]
    let now: Timestamp
    /// The columns that there are; nil where nothing limits them.
    let width: Int?

    func render() -> String {
        guard !glances.isEmpty else { return "" }
        let header = ["NAME", "STATE", "PROGRESS", "CHECKPOINT", "CHANGED", "COMMAND"]
        let text = TextLayout.table([header] + glances.map(row))
        return text.split(separator: "\n").map { shortened(String($0)) + "\n" }.joined()
    }

    private func row(_ glance: Glance) -> [String] {
        let status = glance.status
        let percent = status.progress.fraction.map { "  \(HumanText.percent($0))" } ?? ""
        return [
            status.name, glance.word,
            StatusView.steps(of: status).map { $0 + percent } ?? "-",
            status.checkpoint.map { "\($0.id)" } ?? "-",
            "\(HumanText.age(now.seconds(since: status.updated))) ago",
            HumanText.commandLine(status.command),
        ]
    }

    private func shortened(_ line: String) -> String {
        guard let width, line.count > width else { return line }
        return line.prefix(max(0, width - 1)) + "…"
    }
}

/// A run as it is at this moment: its status, and what the record adds to it.
struct Glance: Equatable, Sendable {
    /// Lost where its supervisor is gone and it had not finished, settled or not.
    var status: Status
    /// How many checkpoints were ever committed; nil where the record cannot be read.
    var commits: Int?
    /// How many failures there ever were; nil where the record cannot be read.
    var failures: Int?

    /// Its supervisor died before the run had ended.
    var isLost: Bool { status.phase == .finished && status.outcome?.isLost == true }

    /// One word for where the run stands: the phase, or how it ended.
    var word: String {
        if isLost { return "lost" }
        if status.phase == .finished, let outcome = status.outcome { return outcome.kind.rawValue }
        return status.phase.rawValue
    }

    /// A supervisor is at work on it.
    var isRunning: Bool {
        switch status.phase {
        case .starting, .running, .stopping, .backoff, .paused: true
        case .finished: false
        }
    }

    /// Nobody is at work on it, and it has not come to its end.
    var isResumable: Bool { !isRunning && status.outcome?.kind != .completed }
}
