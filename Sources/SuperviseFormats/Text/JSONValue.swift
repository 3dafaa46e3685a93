/// Any JSON value, for what passes through us unread (`metadata`).
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

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

/// An optional that is written as `null` where it is absent, and may be missing when read.
///
/// `Value` has no requirements: the runtime would look each of them up in all conformances of the
/// program when it builds the type, and a start would wait for that.
@propertyWrapper
package struct Null<Value> {
    package var wrappedValue: Value?

    package init(wrappedValue: Value? = nil) {
        self.wrappedValue = wrappedValue
    }
}

extension Null: Equatable where Value: Equatable {}

extension Null: Sendable where Value: Sendable {}

extension Null: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one, and so a missing key is nil and no error.
    package func decode<Value: Codable>(
        _ type: Null<Value>.Type, forKey key: Key
    ) throws -> Null<Value> {
        Null(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
    }
}

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
