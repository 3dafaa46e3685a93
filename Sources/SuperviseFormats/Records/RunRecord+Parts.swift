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

extension RunRecord {
    /// What progress is judged by, besides commits: reported steps, and how attempts ended.
    package struct Progress: Codable, Equatable, Sendable {
        /// The highest step that the job has ever reported; null where it has reported none.
        ///
        /// A supervisor that is killed may have heard of higher ones.
        @Null package var reportedStep: Int64?
        /// The newest attempts that ended in the same way; null where the newest did not fail.
        @Null package var sameEnds: SameEnds?

        package init(reportedStep: Int64? = nil, sameEnds: SameEnds? = nil) {
            self.reportedStep = reportedStep
            self.sameEnds = sameEnds
        }

        package enum CodingKeys: String, CodingKey {
            case reportedStep = "reported_step"
            case sameEnds = "same_ends"
        }
    }

    /// Attempts in a row that ended with the same status after about the same time.
    package struct SameEnds: Codable, Equatable, Sendable {
        @Null package var exitCode: Int?
        @Null package var signal: String?
        /// How long each lived, in seconds, the newest last.
        package var lived: [Double]

        package init(exitCode: Int?, signal: String?, lived: [Double]) {
            self.exitCode = exitCode
            self.signal = signal
            self.lived = lived
        }

        package enum CodingKeys: String, CodingKey {
            case signal
            case exitCode = "exit_code"
            case lived = "lived_s"
        }
    }
}

extension RunRecord.Progress {
    func write(_ json: inout JSONWriter) {
        json.member("reported_step", reportedStep)
        if let sameEnds {
            json.member("same_ends") { json in
                json.member("exit_code", sameEnds.exitCode.map(Int64.init))
                json.member("lived_s", sameEnds.lived)
                json.member("signal", sameEnds.signal)
            }
        } else {
            json.null("same_ends")
        }
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one: records of older versions have none.
    package func decode(
        _ type: RunRecord.Progress.Type, forKey key: Key
    ) throws -> RunRecord.Progress {
        try decodeIfPresent(type, forKey: key) ?? RunRecord.Progress()
    }
}
