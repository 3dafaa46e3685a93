import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What the value of an option may be, and how it is read.
///
/// Each start makes all of them, and hardly ever is one of them told of: so its words are put together
/// only then.
struct ValueKind<Value: Sendable>: Sendable {
    /// What stands for the value in help, such as `DURATION`; nil for a flag.
    let placeholder: @Sendable () -> String?
    /// Completes "this option takes …".
    let accepts: @Sendable () -> String
    /// The words that a value may be, where these are few.
    let choices: @Sendable () -> [String]
    /// Nil where the text is no such value.
    let parse: @Sendable (String) -> Value?

    init(
        placeholder: @autoclosure @escaping @Sendable () -> String?,
        accepts: @autoclosure @escaping @Sendable () -> String,
        choices: @autoclosure @escaping @Sendable () -> [String] = [],
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.placeholder = placeholder
        self.accepts = accepts
        self.choices = choices
        self.parse = parse
    }
}

private let aDuration = "a duration (500ms, 10s, 5m, 1h30m, 1d)"

extension ValueKind where Value == Bool {
    /// No value on the command line; `true` and the like in the environment and in a file.
    static let flag = ValueKind(placeholder: nil, accepts: "true or false") { text in
        switch text.lowercased() {
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: nil
        }
    }
}

extension ValueKind where Value == Duration {
    static let duration = ValueKind(placeholder: "DURATION", accepts: aDuration) {
        DurationText.parse($0)
    }

    static let positiveDuration = ValueKind(
        placeholder: "DURATION", accepts: "\(aDuration) of more than 0s"
    ) {
        DurationText.parse($0).flatMap { $0 > .zero ? $0 : nil }
    }
}

extension ValueKind where Value == Duration? {
    static let durationOrOff = ValueKind(
        placeholder: "DURATION|off", accepts: "\(aDuration) of more than 0s, or off"
    ) { text in
        text == "off"
            ? .some(nil) : ValueKind<Duration>.positiveDuration.parse(text).map { .some($0) }
    }
}

extension ValueKind where Value == ShellWords {
    static let command = ValueKind(
        placeholder: "COMMAND",
        accepts: "a command with quotes in pairs, such as 'py-spy dump --pid {pid}'"
    ) { ShellWords($0) }
}

extension ValueKind where Value == Settings.CheckpointEvery {
    static let durationAutoOrOff = ValueKind(
        placeholder: "DURATION|auto|off", accepts: "\(aDuration) of more than 0s, auto, or off"
    ) { text in
        switch text {
        case "auto": .auto
        case "off": .off
        default: ValueKind<Duration>.positiveDuration.parse(text).map { .every($0) }
        }
    }
}

extension ValueKind where Value == ClosedRange<Duration> {
    static let durations = ValueKind(
        placeholder: "MIN..MAX", accepts: "two durations, the longer one last, such as 1s..60s"
    ) { text in
        // Looked for by bytes: the other way begins with what regular expressions need.
        let bytes = text.utf8
        guard let dots = bytes.indices.first(where: { bytes[$0...].starts(with: "..".utf8) }),
            let least = DurationText.parse(String(text[..<dots])),
            let most = DurationText.parse(String(text[dots...].dropFirst(2))), least <= most
        else { return nil }
        return least...most
    }
}

extension ValueKind where Value == Int {
    static let count = ValueKind(placeholder: "N", accepts: "a whole number from 1 to 999999999") {
        text in
        guard (1...9).contains(text.utf8.count), text.allSatisfy({ $0.isASCII && $0.isNumber })
        else { return nil }
        return Int(text).flatMap { $0 >= 1 ? $0 : nil }
    }

    static let countFromZero = ValueKind(
        placeholder: "N", accepts: "a whole number from 0 to 999999999"
    ) { text in text == "0" ? 0 : count.parse(text) }
}

extension ValueKind where Value == Set<Int> {
    static let exitCodes = ValueKind(
        placeholder: "LIST", accepts: "exit statuses from 1 to 255, such as 2,64-78"
    ) { text in
        var codes: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                ValueKind<Int>.count.parse(String($0)) ?? 0
            }
            guard ends.count <= 2, let first = ends.first, let last = ends.last,
                first >= 1, first <= last, last <= 255
            else { return nil }
            codes.formUnion(first...last)
        }
        return codes
    }
}

extension ValueKind where Value == Int64 {
    static let size = ValueKind(
        placeholder: "SIZE",
        accepts: "a size of more than nothing with its unit, such as 500kB, 10MB or 5GiB"
    ) { text in
        SizeText.parse(text).flatMap { $0 > 0 ? $0 : nil }
    }
}

extension ValueKind where Value == Int64 {
    /// What is read at once has to fit into a file.
    static let captureSize = ValueKind(
        placeholder: "SIZE", accepts: "a size of 64KiB or more with its unit, such as 10MB"
    ) { text in
        SizeText.parse(text).flatMap { $0 >= 1 << 16 ? $0 : nil }
    }
}

extension ValueKind where Value == RetentionRules.Best {
    static let best = ValueKind(
        placeholder: "N:METRIC:min|max",
        accepts: "a count, a metric and min or max, as in 3:loss:min"
    ) { text in
        // A metric's name may have colons in it.
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, let first = parts.first, let last = parts.last,
            let count = ValueKind<Int>.count.parse(String(first)),
            let goal = RetentionRules.Best.Goal(rawValue: String(last))
        else { return nil }
        let metric = parts.dropFirst().dropLast().joined(separator: ":")
        return metric.isEmpty ? nil : .init(count: count, metric: metric, goal: goal)
    }
}

extension ValueKind where Value == String {
    static let directory = path(placeholder: "DIR", accepts: "the path of a directory")
    static let file = path(placeholder: "FILE", accepts: "the path of a file")

    private static func path(placeholder: StaticString, accepts: StaticString) -> ValueKind {
        ValueKind(placeholder: "\(placeholder)", accepts: "\(accepts)") {
            $0.isEmpty || $0.utf8.contains(0) ? nil : $0
        }
    }
}

extension ValueKind where Value == RunName {
    static let name = ValueKind(
        placeholder: "NAME",
        accepts: "1 to 64 letters, digits and . _ -, the first a letter, a digit or _"
    ) { RunName($0) }
}

extension ValueKind where Value == Settings.ResumeFrom {
    static let checkpointOrNone = ValueKind(
        placeholder: "ID|none", accepts: "a checkpoint's id, such as 000013-step-4520, or none"
    ) { text in
        text == "none" ? .beginning : CheckpointID(text).map { .checkpoint($0) }
    }
}

extension ValueKind where Value == String {
    /// Which checkpoint it is depends on the run.
    static let checkpointNameOrNone = ValueKind(
        placeholder: "ID|none",
        accepts: "a checkpoint's id, such as 000013-step-4520, its number, or none"
    ) { text in
        let isNumber = !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isNumber }
        return text == "none" || isNumber || CheckpointID(text) != nil ? text : nil
    }
}

extension ValueKind where Value == Int32? {
    static let signalOrNone = ValueKind(
        placeholder: "SIG|none",
        accepts: "a signal that means nothing else here (SIGUSR1, SIGUSR2, SIGQUIT, …), or none"
    ) { text in
        text == "none" ? .some(nil) : freeSignal(text).map { .some($0) }
    }
}

extension ValueKind where Value == [WatchPattern] {
    static let patterns = ValueKind(
        placeholder: "GLOB",
        accepts: "a pattern of paths, such as 'out/*/ckpt-*.pt', with {step} at most once"
    ) { text in
        eachLine(of: text) { WatchPattern($0) }
    }
}

extension ValueKind where Value == [CompletionPattern] {
    static let completionPatterns = ValueKind(
        placeholder: "GLOB",
        accepts: "a pattern of paths in a directory, such as _SUCCESS or '*/.metadata'"
    ) { text in
        eachLine(of: text) { CompletionPattern($0) }
    }
}

/// nil where one of them is none, or there are none.
private func eachLine<Pattern>(of text: String, _ parse: (String) -> Pattern?) -> [Pattern]? {
    let lines = text.split(separator: "\n")
    let patterns = lines.compactMap { parse(String($0)) }
    return patterns.isEmpty || patterns.count < lines.count ? nil : patterns
}

extension ValueKind where Value == Settings.RequestSignal {
    static let requestSignal = ValueKind(
        placeholder: "SIG",
        accepts: "a signal that means nothing else here (SIGUSR1, SIGUSR2, SIGQUIT, …)"
    ) { text in
        freeSignal(text).map { .init(number: $0, name: signalName($0)) }
    }
}

extension ValueKind where Value == ResumeArguments {
    static let resumeArguments = ValueKind(
        placeholder: "ARGS",
        accepts: "words, with quotes in pairs, such as '--resume {checkpoint}'"
    ) { ResumeArguments($0) }
}

extension ValueKind where Value == CompressionProgram? {
    static let compression = ValueKind(
        placeholder: "zstd|gzip|off", accepts: "zstd, gzip or off",
        choices: ["zstd", "gzip", "off"]
    ) { text in
        text == "off" ? .some(nil) : CompressionProgram(rawValue: text).map { .some($0) }
    }
}

extension ValueKind
where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
    /// One of the words that the type's cases are written as.
    static var choice: ValueKind {
        ValueKind(
            placeholder: joined(words, with: "|"), accepts: joined(words, with: " or "),
            choices: words
        ) { Value(rawValue: $0) }
    }

    private static var words: [String] { Value.allCases.map(\.rawValue) }
}
