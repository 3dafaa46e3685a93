import SuperviseFormats
import SuperviseText

/// The last line of a terminal, where we show how the run is going, while a job writes above it.
///
/// The line is drawn only where the cursor is at the start of a line: then it can be taken away
/// without a trace before the job writes on. A job that moves the cursor by itself has the terminal
/// to itself. All functions give the bytes to write.
struct StatusScreen: Sendable {
    /// What is to be shown; nil for nothing.
    var line: String?
    /// Where the terminal shows nothing of ours: bytes pass as they are.
    let isOff: Bool
    private var isShown = false
    private var isAtStart = true
    private var isMoved = false
    private var scanner = EscapeScanner()

    init(isOff: Bool) { self.isOff = isOff }

    /// Back to the start of the line, and away with it and what it was broken into when the
    /// terminal became smaller.
    private static let erasing = Array("\r\u{1B}[J".utf8)

    mutating func erase() -> [UInt8] {
        defer { isShown = false }
        return isShown ? Self.erasing : []
    }

    /// What the job wrote.
    mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
        if isOff || bytes.isEmpty { return bytes }
        let erased = erase()
        scan(bytes)
        isAtStart = bytes.last == UInt8(ascii: "\n")
        return erased.isEmpty ? bytes : erased + bytes
    }

    /// A line of ours, which begins a line where the job has begun one.
    mutating func say(_ bytes: [UInt8]) -> [UInt8] {
        if isOff { return bytes }
        let before = isAtStart || isMoved ? erase() : [UInt8(ascii: "\n")]
        isAtStart = true
        return before + bytes
    }

    /// The line, where it can be shown now.
    ///
    /// - Parameter columns: of the terminal.
    mutating func draw(columns: Int) -> [UInt8] {
        guard !isOff, isAtStart, !isMoved, scanner.isInText, let line, columns > 1 else {
            return []
        }
        let erased = erase()
        isShown = true
        // One column is left free, or some terminals would begin another line.
        return erased + Array(line.utf8.prefix(columns - 1))
    }

    /// Another attempt writes now.
    mutating func begin() {
        isMoved = false
        scanner = EscapeScanner()
    }

    private mutating func scan(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !isMoved {
            if scanner.isInText {
                guard let next = rest.firstIndex(of: EscapeScanner.escape) else { return }
                rest = rest[next...]
            }
            guard let byte = rest.popFirst() else { return }
            if scanner.feed(byte) == .moving { isMoved = true }
        }
    }
}

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
