/// A line that says `progress` with metrics, taken apart without parsing the metrics: they may be many,
/// and only the newest count.
package struct ProgressLine {
    /// The same message without them.
    package let rest: [UInt8]
    /// What stands behind `"metrics":`.
    package let metrics: ArraySlice<UInt8>

    /// - Returns: nil where it is another message, has no metrics, or is no JSON: then all of it is to be
    ///   parsed.
    package init?(_ line: ArraySlice<UInt8>) {
        var scanner = MemberScanner(line)
        var metrics: MemberScanner.Member?
        var isProgress = false
        var members: [MemberScanner.Member] = []
        while let member = scanner.next() {
            if line[member.key].elementsEqual(#""type""#.utf8) {
                guard line[member.value].elementsEqual(#""progress""#.utf8) else { return nil }
                isProgress = true
            }
            if line[member.key].elementsEqual(#""metrics""#.utf8) {
                guard metrics == nil, line[member.value].first == UInt8(ascii: "{") else {
                    return nil
                }
                metrics = member
            } else {
                members.append(member)
            }
        }
        guard scanner.isWhole, isProgress, let metrics else { return nil }
        self.metrics = line[metrics.value]
        var rest: [UInt8] = []
        for member in members {
            rest.append(UInt8(ascii: rest.isEmpty ? "{" : ","))
            rest += line[member.key]
            rest.append(UInt8(ascii: ":"))
            rest += line[member.value]
        }
        self.rest = rest + [UInt8(ascii: "}")]
    }

    /// A message that has nothing but the metrics.
    ///
    /// - Parameter seq: of the whole.
    package func message(seq: Int64?) -> [UInt8] {
        let number = seq.map { #""seq":\#($0),"# } ?? ""
        return Array(#"{"type":"progress",\#(number)"metrics":"#.utf8) + metrics
            + [UInt8(ascii: "}")]
    }
}

/// Finds the members of a JSON object, and looks at nothing in their values.
private struct MemberScanner {
    struct Member {
        /// With its quotes.
        let key: Range<Int>
        let value: Range<Int>
    }

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var isFirst = true
    /// The object has ended, and nothing follows.
    private(set) var isWhole = false

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    /// nil at the end of the object, and at the first mistake.
    mutating func next() -> Member? {
        skipSpace()
        guard take(isFirst ? "{" : ",") else {
            end()
            return nil
        }
        skipSpace()
        if isFirst, byte == UInt8(ascii: "}") {
            end()
            return nil
        }
        isFirst = false
        guard let key = string() else { return nil }
        skipSpace()
        guard take(":") else { return nil }
        skipSpace()
        guard let value = value() else { return nil }
        return Member(key: key, value: value)
    }

    private var byte: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    private mutating func end() {
        guard take("}") else { return }
        skipSpace()
        isWhole = at == bytes.endIndex
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || (0x09...0x0d).contains(byte) { at += 1 }
    }

    private mutating func string() -> Range<Int>? {
        guard byte == UInt8(ascii: "\""), let end = Self.endOfString(at, in: bytes) else {
            return nil
        }
        defer { at = end }
        return at..<end
    }

    private mutating func value() -> Range<Int>? {
        let start = at
        switch byte {
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard let end = Self.endOfBrackets(at, in: bytes) else { return nil }
            at = end
        default:
            while let byte, !Self.endsWord(byte) { at += 1 }
            if at == start { return nil }
        }
        return start..<at
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte <= 0x20
    }

    /// Behind the closing quote of the string that begins there.
    private static func endOfString(_ start: Int, in bytes: ArraySlice<UInt8>) -> Int? {
        var index = start + 1
        while index < bytes.endIndex {
            switch bytes[index] {
            case UInt8(ascii: "\\"): index += 2
            case UInt8(ascii: "\""): return index + 1
            default: index += 1
            }
        }
        return nil
    }

    /// Behind the bracket that closes the one there.
    private static func endOfBrackets(_ start: Int, in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBufferPointer { buffer in
            let base = bytes.startIndex
            var (index, depth, inString) = (start - base, 0, false)
            while index < buffer.count {
                let byte = buffer[index]
                index += 1
                if byte == UInt8(ascii: "\"") {
                    inString.toggle()
                } else if inString {
                    if byte == UInt8(ascii: "\\") { index += 1 }
                } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                    depth += 1
                } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                    depth -= 1
                    if depth == 0 { return base + index }
                }
            }
            return nil
        }
    }
}
