import SuperviseFormats

/// What names of files one part of a pattern fits, as in a shell: `*`, `?`, `[a-z]`, `[!a-z]`, and
/// `\` before a character that stands for itself; and `{step}`, which stands for one digit or more. A
/// name that begins with a dot is only fitted by a pattern that does.
package struct NamePattern: Equatable, Sendable {
    private enum Token: Equatable, Sendable {
        case anything
        case one
        case character(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
        /// `{step}`
        case step
    }

    private static let stepText = Array("{step}".unicodeScalars)

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
            case "{" where rest.starts(with: Self.stepText.dropFirst()):
                rest.removeFirst(Self.stepText.count - 1)
                tokens.append(.step)
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

    /// How many `{step}` there are in it.
    var steps: Int { tokens.count { $0 == .step } }

    package func fits(_ name: String) -> Bool {
        if let literal { return literal.utf8.elementsEqual(name.utf8) }
        if steps > 0 { return match(name) != nil }
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
        case .step: isDigit(scalar)
        case .character(let wanted): wanted == scalar
        case .oneOf(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}

/// What each wildcard of a pattern stands for in a name.
extension NamePattern {
    struct Match: Equatable {
        /// For each character of the name, whether a wildcard covers it.
        var isCovered: [Bool]
        /// Which characters `{step}` stands for.
        var step: Range<Int>?
    }

    /// nil if the name does not fit. Where it fits in several ways, the first `*` is the shortest, and
    /// a `{step}` is the longest.
    func match(_ name: String) -> Match? {
        let scalars = Array(name.unicodeScalars)
        if scalars.first == ".", tokens.first != .character(".") { return nil }
        let fits = suffixesThatFit(scalars)
        guard fits[0][0] else { return nil }
        var match = Match(isCovered: Array(repeating: false, count: scalars.count))
        var position = 0
        for (index, token) in tokens.enumerated() {
            let start = position
            let rest = fits[index + 1]
            switch token {
            case .anything: position = rest[start...].firstIndex(of: true) ?? start
            case .step:
                let end = scalars[start...].firstIndex { !isDigit($0) } ?? scalars.endIndex
                position = rest[...end].lastIndex(of: true) ?? end
                match.step = start..<position
            case .one, .character, .oneOf: position += 1
            }
            if case .character = token { continue }
            for covered in start..<position { match.isCovered[covered] = true }
        }
        return match
    }

    /// For each token and position, whether the tokens from there on fit the rest of the name.
    private func suffixesThatFit(_ scalars: [Unicode.Scalar]) -> [[Bool]] {
        let end = scalars.count
        var fits = Array(
            repeating: Array(repeating: false, count: end + 1), count: tokens.count + 1)
        fits[tokens.count][end] = true
        for index in tokens.indices.reversed() {
            let token = tokens[index]
            if token == .anything { fits[index][end] = fits[index + 1][end] }
            for position in (0..<end).reversed() {
                let next = fits[index + 1][position + 1]
                fits[index][position] =
                    switch token {
                    case .anything: fits[index + 1][position] || fits[index][position + 1]
                    case .step:
                        isDigit(scalars[position]) && (next || fits[index][position + 1])
                    case .one, .character, .oneOf: Self.fits(token, scalars[position]) && next
                    }
            }
        }
        return fits
    }
}

func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

/// A glob of `--watch`, such as `out/*/ckpt-{step}.pt`.
package struct WatchPattern: Equatable, Sendable {
    /// As it was written.
    package let text: String
    package let isAbsolute: Bool
    /// Of its parts between slashes; at least one.
    package let parts: [NamePattern]

    /// nil where nothing can fit: it is empty, ends with a slash or a point, or holds a NUL; and where
    /// it has more than one `{step}`.
    package init?(_ text: String) {
        let path = FilePath(text)
        let parts = path.components.filter { $0 != "." }
        guard let last = parts.last, last != "..", text.utf8.last != UInt8(ascii: "/"),
            !text.utf8.contains(0)
        else { return nil }
        self.text = text
        isAbsolute = path.isAbsolute
        self.parts = parts.map { NamePattern($0.text) }
        if self.parts.reduce(0, { $0 + $1.steps }) > 1 { return nil }
    }

    /// The number in a path that fits this pattern, as far as wildcards cover it.
    ///
    /// What `{step}` stands for is the number. Without it the number behind a word such as `step` is,
    /// and without such a word the last one. nil if there is none.
    package func step(in path: FilePath) -> Int64? {
        let names = path.components.suffix(parts.count)
        guard names.count == parts.count else { return nil }
        let hasStep = parts.contains { $0.steps > 0 }
        var numbers: [NameNumber] = []
        for (name, part) in zip(names, parts) where part.literal == nil {
            guard let match = part.match(name.text) else { return nil }
            let scalars = Array(name.text.unicodeScalars)
            if let step = match.step { return NameNumber.value(scalars[step]) }
            if !hasStep { numbers += NameNumber.all(in: scalars, covered: match.isCovered) }
        }
        return NameNumber.step(among: numbers)
    }
}

/// A glob of `--watch-complete`, such as `*/.metadata`: what in a watched directory says that it is
/// complete.
package struct CompletionPattern: Equatable, Sendable {
    /// As it was written.
    package let text: String
    private let parts: [NamePattern]

    /// nil where nothing in a directory can fit: it is empty, absolute, leads out of the directory,
    /// ends with a slash, or holds a NUL.
    package init?(_ text: String) {
        let path = FilePath(text)
        let names = path.components.filter { $0 != "." }
        guard !names.isEmpty, !path.isAbsolute, !names.contains(".."), !text.utf8.contains(0),
            text.utf8.last != UInt8(ascii: "/")
        else { return nil }
        self.text = text
        parts = names.map { NamePattern($0.text) }
    }

    /// - Parameter path: of something in the directory, relative to it.
    package func fits(_ path: FilePath) -> Bool {
        let names = path.components
        return names.count == parts.count && zip(parts, names).allSatisfy { $0.fits($1.text) }
    }
}

/// Where one `--watch` looks: a directory, and what of the pattern is below it.
package struct WatchedArea: Codable, Equatable, Sendable {
    /// Absolute.
    package var place: FilePath
    /// Parts of the pattern, as they were written; the last one is that of what is taken.
    package var rest: [String]

    package init(place: FilePath, rest: [String]) {
        self.place = place
        self.rest = rest
    }

    /// Whether something that is taken for one of them may be what is taken for the other, or hold it.
    ///
    /// In one directory anything may: two globs of the same name are not compared, nor are two names
    /// in the same directory.
    package func overlaps(_ other: WatchedArea) -> Bool {
        // The parents of a directory that a wildcard stands for are not known.
        if rest.contains("..") || other.rest.contains("..") {
            return place.isBelow(other.place) || other.place.isBelow(place)
        }
        var pairs = Array(zip(parts, other.parts))
        if parts.count == other.parts.count { pairs.removeLast() }
        return pairs.allSatisfy(Self.mayBeOne)
    }

    private var parts: [NamePattern] {
        place.components.map { NamePattern(literal: $0.text) } + rest.map { NamePattern($0) }
    }

    private static func mayBeOne(_ pair: (NamePattern, NamePattern)) -> Bool {
        if let name = pair.0.literal { return pair.1.fits(name) }
        if let name = pair.1.literal { return pair.0.fits(name) }
        return true
    }
}
