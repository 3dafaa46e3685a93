import SuperviseFormats
import SuperviseText

/// How a run is going, on one line of plain characters.
enum StatusLine {
    /// nil where there is nothing to show.
    static func text(_ status: Status, at now: Timestamp) -> String? {
        guard status.phase != .finished else { return nil }
        // Not the case itself: reflection would look its name up, and a start would wait for that.
        var parts = ["\(status.name) \(status.phase.rawValue)", "attempt \(status.attempt)"]
        parts += words(of: status.progress)
        if let checkpoint = status.checkpoint {
            let age = HumanText.age(now.seconds(since: checkpoint.committed))
            parts.append("checkpoint \(age) ago")
        }
        if status.failures > 0 { parts.append(HumanText.count(status.failures, "failure")) }
        return "[\(plain(parts.joined(separator: "  ")))]"
    }

    /// For a service manager, which shows it beside the unit's name, perhaps for hours.
    static func ofService(_ status: Status) -> String {
        var parts = [status.outcome.map(end) ?? status.phase.rawValue, "attempt \(status.attempt)"]
        parts += words(of: status.progress)
        if let checkpoint = status.checkpoint { parts.append("checkpoint \(checkpoint.id)") }
        if status.failures > 0 { parts.append(HumanText.count(status.failures, "failure")) }
        if let message = status.progress.message { parts.append(HumanText.printable(message)) }
        return parts.joined(separator: ", ")
    }

    private static func end(_ outcome: Outcome) -> String {
        let status = outcome.exitCode.map { "exit status \($0)" }
        let how = outcome.reason?.text ?? outcome.signal ?? status
        guard outcome.kind == .failed, let how else { return "\(outcome.kind)" }
        return "failed (\(how))"
    }

    private static func words(of progress: Status.Progress) -> [String] {
        var parts: [String] = []
        if let step = progress.step {
            let total = progress.total.map { "/\($0)" } ?? ""
            parts.append("\(progress.unit ?? "step") \(step)\(total)")
        }
        if let fraction = progress.fraction { parts.append(HumanText.percent(fraction)) }
        if let rate = progress.rate { parts.append(HumanText.rate(perSecond: rate)) }
        if let left = progress.eta { parts.append("\(HumanText.age(left)) left") }
        return parts
    }

    /// What is wider than one column, or narrower, would move the cursor elsewhere than we think.
    private static func plain(_ text: String) -> String {
        String(
            decoding: text.unicodeScalars.map { scalar in
                (0x20...0x7E).contains(scalar.value) ? UInt8(scalar.value) : UInt8(ascii: "?")
            }, as: UTF8.self)
    }
}
