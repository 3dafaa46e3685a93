/// Bare `NaN`, `Infinity` and `-Infinity`, which many JSON writers emit, read as null.
package enum NonFinite {
    private static let words = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }

    /// `line` with each such word outside a string replaced; nil where it holds none.
    package static func replaced(in line: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        guard line.contains(where: { $0 == UInt8(ascii: "N") || $0 == UInt8(ascii: "I") }) else {
            return nil
        }
        var result: [UInt8] = []
        var inString = false
        var found = false
        var rest = line[...]
        while let byte = rest.first {
            if !inString, let word = words.first(where: { rest.starts(with: $0) }) {
                result += Array("null".utf8)
                rest = rest.dropFirst(word.count)
                found = true
                continue
            }
            result.append(byte)
            rest = rest.dropFirst()
            if inString, byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
                result.append(escaped)
            } else if byte == UInt8(ascii: "\"") {
                inString.toggle()
            }
        }
        return found ? result : nil
    }
}
