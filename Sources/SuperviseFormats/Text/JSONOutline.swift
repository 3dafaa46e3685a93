/// Where things stand in a JSON object that a person has written: the line of each key, or that of
/// the first mistake. What the values mean is for a decoder to say.
package struct JSONOutline: Equatable, Sendable {
    package struct Key: Equatable, Sendable {
        package let name: String
        /// From 1.
        package let line: Int
    }

    package struct Mistake: Error, Equatable, Sendable {
        /// From 1.
        package let line: Int
        /// Completes "on this line …".
        package let text: String
    }

    /// Of the object itself, in their order; names that stand twice are here twice.
    package private(set) var keys: [Key] = []

    /// - Throws: ``Mistake`` where the text is not that of an object.
    package init(_ text: some Sequence<UInt8>) throws(Mistake) {
        var scanner = Scanner(Array(text))
        scanner.skipSpace()
        guard scanner.next == UInt8(ascii: "{") else { throw scanner.mistake("is no JSON object") }
        var keys: [Key] = []
        try scanner.object(depth: 0) { keys.append($0) }
        scanner.skipSpace()
        guard scanner.next == nil else {
            throw scanner.mistake("goes on after the } that closes the object")
        }
        self.keys = keys
    }

    /// The first key whose name stood before.
    package var repeated: (key: Key, first: Key)? {
        for (index, key) in keys.enumerated() {
            if let first = keys[..<index].first(where: { $0.name == key.name }) {
                return (key, first)
            }
        }
        return nil
    }
}

/// Reads from the front to the first mistake.
private struct Scanner {
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var lastKey: String?

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    func mistake(_ text: String) -> JSONOutline.Mistake {
        if next == nil, at > 0 {
            return .init(line: line, text: "ends before the object is closed")
        }
        return .init(line: line, text: text)
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0d).contains(byte) { step() }
    }

    private mutating func step() {
        if next == UInt8(ascii: "\n") { line += 1 }
        at += 1
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        step()
        return true
    }

    private var after: String { lastKey.map { " after \"\($0)\"" } ?? "" }

    mutating func object(
        depth: Int, key found: (JSONOutline.Key) -> Void
    ) throws(JSONOutline.Mistake) {
        step()
        skipSpace()
        if take("}") { return }
        while true {
            let line = line
            guard next == UInt8(ascii: "\"") else {
                throw mistake(
                    next == UInt8(ascii: "}")
                        ? "has a comma before it that nothing follows"
                        : "wants a key in double quotes\(after)")
            }
            let name = try string()
            if depth == 0 {
                lastKey = name
                found(.init(name: name, line: line))
            }
            skipSpace()
            guard take(":") else { throw mistake("wants a colon after \"\(name)\"") }
            skipSpace()
            try value(depth: depth + 1)
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw mistake("wants a comma or a } before it\(after)") }
            skipSpace()
        }
    }

    private mutating func array(depth: Int) throws(JSONOutline.Mistake) {
        step()
        skipSpace()
        if take("]") { return }
        while true {
            try value(depth: depth + 1)
            skipSpace()
            if take("]") { return }
            guard take(",") else { throw mistake("wants a comma or a ] before it\(after)") }
            skipSpace()
        }
    }

    private mutating func value(depth: Int) throws(JSONOutline.Mistake) {
        guard depth < Nesting.limit else { throw mistake("has too many brackets\(after)") }
        switch next {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object(depth: depth) { _ in }
        case UInt8(ascii: "["): try array(depth: depth)
        default: try word()
        }
    }

    /// A number, true, false or null.
    private mutating func word() throws(JSONOutline.Mistake) {
        let start = at
        while let byte = next, Self.isOfWord(byte) { step() }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        guard ["true", "false", "null"].contains(text) || Self.isNumber(text) else {
            throw mistake("has no JSON value\(after); text stands in double quotes")
        }
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        let scalar = Unicode.Scalar(byte)
        return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            || "+-.".unicodeScalars.contains(scalar)
    }

    private static func isNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        return first != UInt8(ascii: "+") && !text.contains("x") && Double(text)?.isFinite == true
    }

    private mutating func string() throws(JSONOutline.Mistake) -> String {
        let start = at
        step()
        while let byte = next, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\n") { throw mistake("has a string that is not closed") }
            step()
            if byte == UInt8(ascii: "\\"), next != nil { step() }
        }
        guard take("\"") else { throw mistake("has a string that is not closed") }
        let literal = bytes[start..<at]
        let name = try? JSONText.decode(String.self, from: literal)
        return name ?? String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
    }
}
