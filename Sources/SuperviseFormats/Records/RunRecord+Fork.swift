extension RunRecord {
    /// A place where a run went on from another checkpoint than its newest.
    ///
    /// Checkpoints from `first` on continue from `parent`, up to the next fork.
    package struct Fork: Codable, Equatable, Sendable {
        /// No checkpoint after the fork has a lower sequence number.
        package var first: Int64
        /// The sequence number of the checkpoint that was gone on from; null for the beginning.
        @Null package var parent: Int64?
        /// True if a person asked for it, false if attempts from newer checkpoints had failed.
        package var asked: Bool

        package init(first: Int64, parent: Int64?, asked: Bool) {
            self.first = first
            self.parent = parent
            self.asked = asked
        }
    }
}

/// A list that may be missing when read, and is empty then.
@propertyWrapper
package struct OrEmpty<Element> {
    package var wrappedValue: [Element]

    package init(wrappedValue: [Element] = []) {
        self.wrappedValue = wrappedValue
    }
}

extension OrEmpty: Equatable where Element: Equatable {}

extension OrEmpty: Sendable where Element: Sendable {}

extension OrEmpty: Codable where Element: Codable {
    package init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode([Element].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one, and so a missing key is an empty list.
    package func decode<Element: Codable>(
        _ type: OrEmpty<Element>.Type, forKey key: Key
    ) throws -> OrEmpty<Element> {
        OrEmpty(wrappedValue: try decodeIfPresent([Element].self, forKey: key) ?? [])
    }
}
