import FoundationEssentials

/// JSON as it is written and read everywhere: keys sorted, slashes plain, one line.
package enum JSONText {
    /// - Throws: ``FormatError`` where the value cannot be said in JSON: a number is not finite.
    package static func encode(_ value: some Encodable) throws(FormatError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw FormatError.unreadable(sentence(for: error))
        }
    }

    /// - Throws: ``FormatError`` with a sentence that names the key that is missing or wrong.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: some Sequence<UInt8>
    ) throws(FormatError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as FormatError {
            throw error
        } catch {
            throw FormatError.unreadable(sentence(for: error))
        }
    }

    private static func sentence(for error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _):
            "the key \"\(key.stringValue)\" is missing"
        case DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context):
            context.codingPath.isEmpty
                ? "not a JSON object" : "\(path(context.codingPath)) has the wrong type"
        case DecodingError.dataCorrupted(let context)
        where context.debugDescription.hasPrefix("Cannot initialize"):
            "\(path(context.codingPath)) has a value that is not known"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            "\(path(context.codingPath)): \(context.debugDescription)"
        default:
            "not valid JSON"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        "\"" + keys.map(\.stringValue).joined(separator: ".") + "\""
    }
}

/// What is wrong with a file or a message.
package enum FormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It is not what it should be; the text says why.
    case unreadable(String)
    /// It was written by a newer version of `supervise`.
    case newerFormat(Int)

    package var description: String {
        switch self {
        case .unreadable(let reason): reason
        case .newerFormat(let format):
            "it has format \(format), which this version of supervise does not read; "
                + "use the newer supervise that wrote it"
        }
    }
}

/// The `"format"` of a file: decoded first, so that a newer file is told from a broken one.
package struct FormatVersion: Codable, Equatable, Sendable {
    package init() {}

    package init(from decoder: any Decoder) throws {
        let format = try decoder.singleValueContainer().decode(Int.self)
        if format > 1 { throw FormatError.newerFormat(format) }
        if format < 1 { throw FormatError.unreadable("\(format) is no format") }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(1)
    }
}
