import SuperviseText

/// Tells the text that somebody writes to a terminal from the orders to it (ECMA-48): `ESC [ 3 1 m`,
/// `ESC ] 0 ; title BEL`. Fed byte by byte, so that a sequence may come in pieces.
struct EscapeScanner: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        case text
        /// Of a sequence that is not over yet.
        case inside
        /// The end of a sequence that changes colours, a title, or the rest of a line.
        case harmless
        /// The end of any other: it may have moved the cursor anywhere.
        case moving
    }

    private enum State: Equatable, Sendable { case text, escape, control, string, stringEscape }

    static let escape: UInt8 = 0x1B
    private static let bell: UInt8 = 0x07

    private var state = State.text

    /// Between sequences.
    var isInText: Bool { state == .text }

    mutating func feed(_ byte: UInt8) -> Kind {
        switch state {
        case .text:
            guard byte == Self.escape else { return .text }
            state = .escape
            return .inside
        case .escape: return afterEscape(byte)
        case .control:
            guard (0x40...0x7E).contains(byte) else { return .inside }
            state = .text
            return byte == UInt8(ascii: "m") || byte == UInt8(ascii: "K") ? .harmless : .moving
        case .string:
            if byte == Self.escape { state = .stringEscape }
            guard byte == Self.bell else { return .inside }
            state = .text
            return .harmless
        case .stringEscape:
            state = .text
            return byte == UInt8(ascii: "\\") ? .harmless : .moving
        }
    }

    private mutating func afterEscape(_ byte: UInt8) -> Kind {
        switch byte {
        case UInt8(ascii: "["):
            state = .control
            return .inside
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
            state = .string
            return .inside
        default:
            state = .text
            return .moving
        }
    }
}

/// The last lines that an attempt wrote, for whoever asks why it failed.
struct OutputTail: Sendable {
    static let mostLines = 20
    /// Of all lines together, as the job wrote them.
    static let mostBytes = 8192
    /// Of one line, in characters.
    static let longestLine = 300

    private var bytes: [UInt8] = []
    /// The first line of `bytes` has lost its beginning.
    private var isCut = false

    mutating func add(_ more: ArraySlice<UInt8>) {
        let last: ArraySlice<UInt8> = more.suffix(Self.mostBytes)
        bytes += last
        isCut = isCut || more.count > Self.mostBytes
        let excess = bytes.count - Self.mostBytes
        // Not each time, so that many small pieces cost little.
        guard excess > Self.mostBytes else { return }
        bytes.removeFirst(excess)
        isCut = true
    }

    /// As a person reads them: without colours, and of a line that was written over again and again
    /// only the last.
    var lines: [String] {
        let whole: ArraySlice<UInt8> = bytes.suffix(Self.mostBytes)
        var lines = whole.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if (isCut || whole.count < bytes.count), lines.count > 1 { lines.removeFirst() }
        let texts = lines.map(Self.readable)
        let rest = texts.reversed().drop { $0.isEmpty }.reversed()
        return Array(rest.suffix(Self.mostLines).drop { $0.isEmpty })
    }

    private static func readable(_ line: ArraySlice<UInt8>) -> String {
        var scanner = EscapeScanner()
        let plain = line.filter { scanner.feed($0) == .text }
        let last = plain.split(separator: UInt8(ascii: "\r")).last ?? []
        let text = String(decoding: last, as: UTF8.self)
        let expanded = text.split(separator: "\t", omittingEmptySubsequences: false)
            .joined(separator: "    ")
        let printable = HumanText.printable(expanded)
        guard printable.count > longestLine else { return printable }
        return printable.prefix(longestLine - 1) + "…"
    }
}
