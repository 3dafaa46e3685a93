/// How deep arrays and objects stand in each other. Decoding costs much more than its share with each
/// level, and all of it on the stack.
enum Nesting {
    /// More than anybody means to say.
    static let limit = 100

    /// Whether a line of JSON opens more than ``limit`` brackets at once, outside of its strings.
    static func isTooDeep(_ line: some Sequence<UInt8>) -> Bool {
        var depth = 0
        var inString = false
        var isEscaped = false
        for byte in line {
            if inString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: continue
            }
            if depth > limit { return true }
        }
        return false
    }
}
