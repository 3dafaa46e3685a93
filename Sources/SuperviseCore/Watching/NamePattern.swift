/// What names of files one part of a pattern fits, as in a shell: `*`, `?`, `[a-z]`, `[!a-z]`, and
/// `\` before a character that stands for itself. A name that begins with a dot is only fitted by a
/// pattern that does.
package struct NamePattern: Equatable, Sendable {
    private enum Token: Equatable, Sendable {
        case anything
        case one
        case character(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    private let tokens: [Token]
    /// The name itself, where only one name fits.
    package let literal: String?

    package init(_ text: String) {
        var tokens: [Token] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if tokens.last != .anything { tokens.append(.anything) }
            case "?": tokens.append(.one)
            case "[": tokens.append(Self.set(&rest) ?? .character(scalar))
            case "\\": tokens.append(.character(rest.popFirst() ?? scalar))
            default: tokens.append(.character(scalar))
            }
        }
        self.tokens = tokens
        var name = String.UnicodeScalarView()
        for case .character(let scalar) in tokens { name.append(scalar) }
        literal = name.count == tokens.count ? String(name) : nil
    }

    /// Fits this name only.
    package init(literal name: String) {
        tokens = name.unicodeScalars.map { .character($0) }
        literal = name
    }

    /// - Returns: nil where no `]` follows, and so the `[` stands for itself.
    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Token? {
        var left = rest
        let isNegated = left.first == "!" || left.first == "^"
        if isNegated { left.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let low = left.popFirst() {
            // The first one stands for itself.
            if low == "]", !ranges.isEmpty {
                rest = left
                return .oneOf(ranges, isNegated: isNegated)
            }
            if left.first == "-", let high = left.dropFirst().first, high != "]" {
                left.removeFirst(2)
                ranges.append(min(low, high)...max(low, high))
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }

    package func fits(_ name: String) -> Bool {
        if let literal { return literal.utf8.elementsEqual(name.utf8) }
        let scalars = Array(name.unicodeScalars)
        if scalars.first == ".", tokens.first != .character(".") { return false }
        // After a mismatch the last `*` takes one character more.
        var position = 0
        var token = 0
        var retry: (token: Int, position: Int)?
        while position < scalars.count {
            if token < tokens.count, tokens[token] == .anything {
                retry = (token, position)
                token += 1
            } else if token < tokens.count, Self.fits(tokens[token], scalars[position]) {
                token += 1
                position += 1
            } else if let last = retry {
                retry = (last.token, last.position + 1)
                token = last.token + 1
                position = last.position + 1
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .anything }
    }

    private static func fits(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
        switch token {
        case .anything, .one: true
        case .character(let wanted): wanted == scalar
        case .oneOf(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
