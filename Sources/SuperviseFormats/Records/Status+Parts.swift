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

extension Status {
    /// What the record tells of a run that has no readable status. Knows nothing of its checkpoints.
    package init(_ record: RunRecord) {
        let started = record.current?.started ?? record.created
        self.init(
            name: record.name, phase: record.outcome == nil ? .starting : .finished,
            command: record.command, supervisorPID: record.supervisorPID, attempt: record.attempt,
            started: started, updated: started)
        take(record)
        totals = record.totals
        outcome = record.outcome
    }

    /// Takes over who was at work on which attempt, and what had failed before.
    package mutating func take(_ record: RunRecord) {
        supervisorPID = record.supervisorPID
        attempt = record.attempt
        failures = record.failures.withoutProgress
        lastFailure = record.failures.last
        resumedFrom = record.current?.resumedFrom
    }
}

extension Status {
    /// How each checkpoint that was asked for ended; those still open are in `made` only.
    package struct Requests: Codable, Equatable, Sendable {
        package var made = 0
        package var committed = 0
        package var failed = 0
        /// Answered after their time.
        package var late = 0
        package var unanswered = 0
        /// The job ended first, or a final request took its place.
        package var moot = 0
        /// Final ones: the job died before it answered.
        package var lost = 0
        /// Final ones: the checkpoint was received, and not durable when the time was over.
        package var unfinished = 0

        package init() {}
    }
}

extension Status.Requests {
    /// An older supervisor counted none as lost or unfinished.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        made = try container.decode(Int.self, forKey: .made)
        committed = try container.decode(Int.self, forKey: .committed)
        failed = try container.decode(Int.self, forKey: .failed)
        late = try container.decode(Int.self, forKey: .late)
        unanswered = try container.decode(Int.self, forKey: .unanswered)
        moot = try container.decode(Int.self, forKey: .moot)
        lost = try container.decodeIfPresent(Int.self, forKey: .lost) ?? 0
        unfinished = try container.decodeIfPresent(Int.self, forKey: .unfinished) ?? 0
    }
}

extension Status {
    /// When checkpoints are asked for, and why then.
    package struct Schedule: Codable, Equatable, Sendable {
        package var mode: Mode
        /// From a commit to the next checkpoint, in seconds; null with `off`. With `auto` the request
        /// is sent earlier, by `wait_s` of the experience.
        @Null package var interval: Double?
        package var experience: Experience
        /// The mean time between failures that `auto` reckons with, in seconds.
        package var meanTimeBetweenFailures: Double
        /// What it reckons with before it has seen any, in seconds.
        package var expected: Double

        package enum Mode: String, Codable, Sendable { case auto, fixed, off }

        package init(
            mode: Mode, interval: Double?, experience: Experience,
            meanTimeBetweenFailures: Double, expected: Double
        ) {
            self.mode = mode
            self.experience = experience
            self.meanTimeBetweenFailures = meanTimeBetweenFailures
            self.expected = expected
            self.interval = interval
        }

        package enum CodingKeys: String, CodingKey {
            case mode, experience
            case interval = "interval_s"
            case meanTimeBetweenFailures = "mtbf_s"
            case expected = "expected_mtbf_s"
        }
    }
}
