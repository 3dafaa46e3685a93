/// Writes JSON piece by piece, byte for byte as ``JSONText`` does.
///
/// One line, slashes plain, keys in the order in which they are given. Only for the run record,
/// which a start writes before the job: at the first use of `JSONEncoder` the runtime builds the types
/// that it needs, which takes about a millisecond.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// The next value is the first of its object or array.
    private var isFirst = true

    init() { bytes.reserveCapacity(1024) }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func key(_ key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func object(_ body: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        isFirst = false
    }

    mutating func member(_ key: String, object body: (inout JSONWriter) -> Void) {
        self.key(key)
        object(body)
    }

    mutating func member(_ key: String, _ value: String?) {
        self.key(key)
        if let value { quote(value) } else { null() }
    }

    mutating func member(_ key: String, _ value: Int64?) {
        self.key(key)
        if let value { bytes += "\(value)".utf8 } else { null() }
    }

    mutating func member(_ key: String, _ value: UInt64) {
        self.key(key)
        bytes += "\(value)".utf8
    }

    mutating func member(_ key: String, _ value: Int) { member(key, Int64(value)) }

    mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        bytes += (value ? "true" : "false").utf8
    }

    /// What is not finite cannot be said in JSON, and is 0.
    mutating func member(_ key: String, _ value: Double?) {
        self.key(key)
        guard let value else { return null() }
        number(value)
    }

    private mutating func number(_ value: Double) {
        var text = value.isFinite ? value.description : "0"
        if text.hasSuffix(".0") { text.removeLast(2) }
        bytes += text.utf8
    }

    mutating func member(_ key: String, _ values: [String]) {
        array(key, values) { $0.quote($1) }
    }

    mutating func member(_ key: String, _ values: [Double]) {
        array(key, values) { $0.number($1) }
    }

    mutating func member<Value>(
        _ key: String, _ values: [Value], object body: (Value, inout JSONWriter) -> Void
    ) {
        array(key, values) { json, value in json.object { body(value, &$0) } }
    }

    private mutating func array<Value>(
        _ key: String, _ values: [Value], _ write: (inout JSONWriter, Value) -> Void
    ) {
        self.key(key)
        bytes.append(UInt8(ascii: "["))
        isFirst = true
        for value in values {
            separate()
            write(&self, value)
        }
        bytes.append(UInt8(ascii: "]"))
        isFirst = false
    }

    mutating func null(_ key: String) {
        self.key(key)
        null()
    }

    private mutating func null() { bytes += "null".utf8 }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        // Nearly all are, and copied whole.
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain {
            bytes += text.utf8
            return
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += "\\\"".utf8
            case UInt8(ascii: "\\"): bytes += "\\\\".utf8
            case 0x08: bytes += "\\b".utf8
            case 0x09: bytes += "\\t".utf8
            case 0x0a: bytes += "\\n".utf8
            case 0x0c: bytes += "\\f".utf8
            case 0x0d: bytes += "\\r".utf8
            case 0..<0x20:
                bytes += (byte < 0x10 ? "\\u000" : "\\u00").utf8
                bytes += String(byte, radix: 16).utf8
            default: bytes.append(byte)
            }
        }
    }
}
