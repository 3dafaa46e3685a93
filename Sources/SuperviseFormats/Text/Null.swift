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
