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
