/// `run.json`: the durable record of a run, and the only state that is read when one starts.
package struct RunRecord: Codable, Equatable, Sendable {
    package var format = RecordFormat()
    package var name: String
    package var command: [String]
    /// Where the command runs: an absolute path.
    package var directory: String
    /// The options given for the run, by their long names without dashes, as they were written.
    package var options: [String: String]
    /// The program of the command as it was found: an absolute path; null where it was not found.
    @Null package var program: String?
    /// The variables that the run began with; null in records of versions that kept none.
    @Null package var environment: KeptEnvironment?
    /// Where `checkpoints/`, `staging/`, `trash/` and `set-aside/` are, if the user named a directory
    /// for them: an absolute path. null: beside this record, wherever that is.
    ///
    /// In format 1 it may also be the run's own directory, as it was called then.
    @Null package var checkpointDirectory: String?
    /// Not written: the run's own directory as a record of format 1 calls it, where nobody named one.
    package var formerDirectory: String?
    package var created: Timestamp
    package var host: String
    /// The run's own directory at the last start; null in records of older versions.
    @Null package var home: Home?
    /// The kernel's `boot_id`: processes of another boot are gone.
    package var bootID: String
    package var supervisorPID: Int
    /// 16 hexadecimal digits: the run's half of every attempt's token.
    package var runToken: String
    /// The number of the newest attempt, 0 before the first.
    package var attempt: Int
    /// No later supervisor gives an attempt a number up to this one; null in records of older versions.
    ///
    /// A restart does not wait for its record, so there may have been attempts beyond ``attempt``.
    @Null package var attemptsReserved: Int?
    /// The newest attempt; null once it has ended cleanly and before the first.
    @Null package var current: Attempt?
    /// The highest sequence number that was given to a checkpoint.
    package var sequence: Int64
    /// Another state may also own payloads outside of the state, of checkpoints up to this number: this
    /// state is a copy, and never deletes those.
    @Null package var sharedThrough: Int64?
    /// How many checkpoints were ever committed.
    package var commits: Int
    /// Where the run did not go on from its newest checkpoint, in order of `first`.
    @OrEmpty package var branches: [Fork]
    /// The highest step that was ever committed.
    @Null package var bestStep: Int64?
    /// What else tells that the run goes forward.
    package var progress: Progress
    /// Whether the numbers in the names of watched files are steps; null before any has risen.
    @Null package var namedSteps: StepTrust?
    package var failures: Failures
    package var totals: Totals
    package var experience: Experience
    /// How the run ended; null while it has not.
    @Null package var outcome: Outcome?

    /// An attempt that has not ended, as far as is recorded.
    package struct Attempt: Codable, Equatable, Sendable {
        /// 32 hexadecimal digits: the run's half and the attempt's.
        package var token: String
        @Null package var resumedFrom: CheckpointID?
        package var started: Timestamp
        /// It moved a step forward, or committed: a machine that died under it is not its fault.
        package var progressed: Bool

        package init(
            token: String, resumedFrom: CheckpointID?, started: Timestamp, progressed: Bool
        ) {
            self.token = token
            self.resumedFrom = resumedFrom
            self.started = started
            self.progressed = progressed
        }
    }

    /// What counts toward giving up and toward stepping back.
    package struct Failures: Codable, Equatable, Sendable {
        /// In a row, without progress.
        package var withoutProgress = 0
        /// In a row from each checkpoint, by id; those of attempts from the beginning do not count.
        package var suspects: [String: Int] = [:]
        package var total = 0
        @Null package var last: Failure?

        package init() {}
    }

    /// What the numbers in the names of watched files have shown.
    package enum StepTrust: String, Codable, Sendable {
        case rising
        /// They did not rise, and so are no steps.
        case ended
    }

    package enum CodingKeys: String, CodingKey {
        case format, name, command, directory, options, program, environment, created, host, home
        case attempt, current, sequence, commits, branches, failures, totals, experience, outcome
        case progress
        case attemptsReserved = "attempts_reserved"
        case checkpointDirectory = "checkpoint_directory"
        case bootID = "boot_id"
        case supervisorPID = "supervisor_pid"
        case runToken = "run_token"
        case bestStep = "best_step"
        case namedSteps = "named_steps"
        case sharedThrough = "shared_through"
    }

    package init(
        name: String, command: [String], directory: String, options: [String: String],
        checkpointDirectory: String? = nil, created: Timestamp, host: String, bootID: String,
        supervisorPID: Int, runToken: String
    ) {
        self.name = name
        self.command = command
        self.directory = directory
        self.options = options
        self.checkpointDirectory = checkpointDirectory
        self.created = created
        self.host = host
        self.bootID = bootID
        self.supervisorPID = supervisorPID
        self.runToken = runToken
        attempt = 0
        sequence = 0
        commits = 0
        progress = Progress()
        failures = Failures()
        totals = Totals()
        experience = Experience()
    }
}

extension RunRecord.Attempt {
    package enum CodingKeys: String, CodingKey {
        case token, started, progressed
        case resumedFrom = "resumed_from"
    }
}

extension RunRecord.Failures {
    package enum CodingKeys: String, CodingKey {
        case suspects, total, last
        case withoutProgress = "without_progress"
    }
}

/// The `"format"` of a run record: reads 1 and 2, writes 2.
///
/// Format 1 always has a `checkpoint_directory`, also where nobody named one. With a null in it, an
/// older `supervise` would call the record damaged; of format 2 it says that a newer one wrote it.
package struct RecordFormat: Codable, Equatable, Sendable {
    package static let newest = 2

    private let number: Int

    package init() { number = Self.newest }

    /// It was read from a record of format 1.
    package var isFirst: Bool { number == 1 }

    package init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int.self)
        if number > Self.newest { throw FormatError.newerFormat(number) }
        if number < 1 { throw FormatError.unreadable("\(number) is no format") }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Self.newest)
    }
}

/// `init.json`: `supervise init` has made the run's directory, for a start that requires it.
///
/// It stays there. A run that has a status or a record has begun.
package struct InitialNote: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var created: Timestamp
    package var host: String

    package init(created: Timestamp, host: String) {
        self.created = created
        self.host = host
    }
}
