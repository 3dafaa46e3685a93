extension Status {
    /// Why a run was given up after failures, and what would have counted as progress.
    package struct GivenUp: Codable, Equatable, Sendable {
        /// `max_failures` or `same_each_time`.
        package var reason: RunEvent.FailureCounted.Final
        /// How many attempts failed without progress, or in the same way.
        package var failures: Int
        /// The highest step that the job has ever reported; null where it has reported none.
        @Null package var reportedStep: Int64?
        /// How many checkpoints were ever committed.
        package var commits: Int
        /// The highest step of these; null where they have no steps.
        @Null package var committedStep: Int64?
        /// How long an attempt has to live to count, in seconds; null where lifetimes do not count,
        /// because the job reports steps or makes checkpoints.
        @Null package var healthyAfter: Double?

        package init(
            reason: RunEvent.FailureCounted.Final, failures: Int, reportedStep: Int64?,
            commits: Int, committedStep: Int64?, healthyAfter: Double?
        ) {
            self.reason = reason
            self.failures = failures
            self.reportedStep = reportedStep
            self.commits = commits
            self.committedStep = committedStep
            self.healthyAfter = healthyAfter
        }

        package enum CodingKeys: String, CodingKey {
            case reason, failures, commits
            case reportedStep = "reported_step"
            case committedStep = "committed_step"
            case healthyAfter = "healthy_after_s"
        }
    }
}

/// A truth value that may be missing when read, and is false then.
@propertyWrapper
package struct OrFalse: Codable, Equatable, Sendable {
    package var wrappedValue: Bool

    package init(wrappedValue: Bool = false) {
        self.wrappedValue = wrappedValue
    }

    package init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode(Bool.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one, and so a missing key is false and no error.
    package func decode(_ type: OrFalse.Type, forKey key: Key) throws -> OrFalse {
        OrFalse(wrappedValue: try decodeIfPresent(Bool.self, forKey: key) ?? false)
    }
}
