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
