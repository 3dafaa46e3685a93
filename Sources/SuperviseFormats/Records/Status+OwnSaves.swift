extension Status {
    /// What became of checkpoints that the job made by itself, without a request.
    package struct OwnSaves: Codable, Equatable, Sendable {
        package var committed = 0
        /// Aborted by the job, failed on the disk, or open when their connection ended.
        package var failed = 0
        /// A newer one took their place before the disk had begun with them.
        @OrZero package var superseded: Int
        @Null package var lastError: Failed?

        package init() {}

        /// One that was not made.
        package struct Failed: Codable, Equatable, Sendable {
            /// null if the job had not begun it.
            @Null package var id: CheckpointID?
            package var error: String
            package var at: Timestamp

            package init(id: CheckpointID?, error: String, at: Timestamp) {
                self.id = id
                self.error = error
                self.at = at
            }
        }

        package enum CodingKeys: String, CodingKey {
            case committed, failed, superseded
            case lastError = "last_error"
        }
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one: an older supervisor did not count them.
    package func decode(_ type: Status.OwnSaves.Type, forKey key: Key) throws -> Status.OwnSaves {
        try decodeIfPresent(type, forKey: key) ?? Status.OwnSaves()
    }
}

/// A count that may be missing when read, and is 0 then.
@propertyWrapper
package struct OrZero: Codable, Equatable, Sendable {
    package var wrappedValue: Int

    package init(wrappedValue: Int = 0) {
        self.wrappedValue = wrappedValue
    }

    package init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one, and so a missing key is 0 and no error.
    package func decode(_ type: OrZero.Type, forKey key: Key) throws -> OrZero {
        OrZero(wrappedValue: try decodeIfPresent(Int.self, forKey: key) ?? 0)
    }
}
