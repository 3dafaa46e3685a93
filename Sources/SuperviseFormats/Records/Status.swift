/// `status.json`: how a run is going, for people and tools. Absent values are null.
package struct Status: Codable, Equatable, Sendable {
    package var format = FormatVersion()
    package var name: String
    package var phase: Phase
    package var command: [String]
    package var supervisorPID: Int
    /// Where that pid counts; null where an older version runs.
    @Null package var place: SupervisorPlace?
    @Null package var jobPID: Int?
    @Null package var socket: String?
    package var attempt: Int
    /// In a row, without progress.
    package var failures: Int
    package var started: Timestamp
    package var updated: Timestamp
    package var progress: Progress
    @Null package var checkpoint: Checkpoint?
    /// How many are on the disk, with those to be removed.
    package var checkpoints: Int
    /// How much of the disk they take.
    package var checkpointBytes: Int64
    /// How many of them are to be removed, and still there.
    @OrZero package var toBeRemoved: Int
    /// When the next one will be asked for.
    @Null package var nextCheckpoint: Timestamp?
    /// Why it will be asked for then; null where the run has not told.
    @Null package var schedule: Schedule?
    @Null package var resumedFrom: CheckpointID?
    /// The newest ones, where attempts from them failed in a row and an older one is used instead.
    package var suspect: [CheckpointID]
    /// Checkpoints that were bad and this supervisor has set aside, the newest two.
    package var setAside: [SetAside]
    /// Directories that fit `--watch` and were not taken, as they lack what `--watch-complete` asks for:
    /// as they were when an attempt last ended, and so many at most. Relative to the job's directory.
    @OrEmpty package var incomplete: [FilePath]
    package var requests: Requests
    /// Checkpoints that the job made by itself.
    package var ownSaves: OwnSaves
    @Null package var lastFailure: Failure?
    package var totals: Totals
    /// Why the run was given up, and what would have counted; null where it was not.
    @Null package var givenUp: GivenUp?
    /// The job died before it answered the request for the final checkpoint.
    @OrFalse package var finalCheckpointLost: Bool
    /// The job had handed these over when the run ended, and the disk had not made them durable.
    @OrEmpty package var unfinished: [CheckpointID]
    /// Of the job's output; null where all that passed through the supervisor was passed on.
    @Null package var output: Output?
    /// Whether the machine is taken away; null where nobody watches for it.
    @Null package var preemption: Preemption?
    @Null package var outcome: Outcome?

    package enum Phase: String, Codable, Sendable {
        case starting, running, stopping, backoff, paused, finished
    }

    /// The newest good checkpoint.
    package struct Checkpoint: Codable, Equatable, Sendable {
        package var id: CheckpointID
        @Null package var step: Int64?
        package var path: String
        package var committed: Timestamp
        package var bytes: Int64

        package init(id: CheckpointID, path: String, committed: Timestamp, bytes: Int64) {
            self.id = id
            step = id.step
            self.path = path
            self.committed = committed
            self.bytes = bytes
        }
    }

    package struct Output: Codable, Equatable, Sendable {
        /// Nobody read them, or they could not be written; over all attempts of the supervisor.
        package var discardedBytes: Int64

        package init(discardedBytes: Int64) { self.discardedBytes = discardedBytes }

        package enum CodingKeys: String, CodingKey {
            case discardedBytes = "discarded_bytes"
        }
    }

    package struct SetAside: Codable, Equatable, Sendable {
        package var id: CheckpointID
        /// Such as `data/model.bin: SHA-256 differs`.
        package var reason: String

        package init(id: CheckpointID, reason: String) {
            self.id = id
            self.reason = reason
        }
    }

    package enum CodingKeys: String, CodingKey {
        case format, name, phase, command, socket, attempt, failures, started, updated, progress
        case checkpoint, checkpoints, schedule, suspect, requests, totals, preemption, outcome
        case incomplete, output, unfinished
        case supervisorPID = "supervisor_pid"
        case place = "supervisor_place"
        case jobPID = "job_pid"
        case checkpointBytes = "checkpoint_bytes"
        case toBeRemoved = "to_be_removed"
        case ownSaves = "own_saves"
        case setAside = "set_aside"
        case nextCheckpoint = "next_checkpoint"
        case resumedFrom = "resumed_from"
        case givenUp = "given_up"
        case finalCheckpointLost = "final_checkpoint_lost"
        case lastFailure = "last_failure"
    }

    package init(
        name: String, phase: Phase, command: [String], supervisorPID: Int, attempt: Int,
        started: Timestamp, updated: Timestamp
    ) {
        self.name = name
        self.phase = phase
        self.command = command
        self.supervisorPID = supervisorPID
        self.attempt = attempt
        self.started = started
        self.updated = updated
        failures = 0
        progress = Progress()
        checkpoints = 0
        checkpointBytes = 0
        suspect = []
        setAside = []
        requests = Requests()
        ownSaves = OwnSaves()
        totals = Totals()
    }
}

extension Status {
    /// What the job last told of itself.
    package struct Progress: Codable, Equatable, Sendable {
        @Null package var step: Int64?
        /// The step at the beginning; null counts as 0.
        @Null package var first: Int64?
        @Null package var total: Int64?
        @Null package var unit: String?
        /// See ``ProgressFraction``.
        @Null package var fraction: Double?
        /// Steps a second, over this attempt.
        @Null package var rate: Double?
        /// Seconds until `total` at that rate.
        @Null package var eta: Double?
        package var metrics: [String: Double] = [:]
        /// How many more the job told when it last told any.
        @OrZero package var metricsLeftOut: Int
        @Null package var message: String?

        package init() {}

        package enum CodingKeys: String, CodingKey {
            case step, first, total, unit, fraction, metrics, message
            case rate = "rate_per_s"
            case eta = "eta_s"
            case metricsLeftOut = "metrics_left_out"
        }
    }
}

extension KeyedDecodingContainer {
    /// The synthesized initializers find this one: an older supervisor told of none.
    package func decode(
        _ type: [Status.SetAside].Type, forKey key: Key
    ) throws -> [Status.SetAside] {
        try decodeIfPresent(type, forKey: key) ?? []
    }
}

extension Status {
    /// Who is asked whether the machine is about to be taken away, and what was said.
    package struct Preemption: Codable, Equatable, Sendable {
        package var sources: [Source]
        /// What this supervisor acts on; null where nobody has said so.
        @Null package var notice: Notice?

        package init(sources: [Source], notice: Notice?) {
            self.sources = sources
            self.notice = notice
        }
    }

    /// One of those who are asked.
    package struct Source: Codable, Equatable, Sendable {
        /// Such as `aws`.
        package var name: String
        package var state: State
        /// Why it fails; null where it does not.
        @Null package var error: String?
        /// In a row.
        package var failures: Int

        package enum State: String, Codable, Sendable {
            /// It has not answered yet.
            case asking
            case watching
            case failing
            /// It is not asked any more: the run has ended.
            case ended
        }

        package init(name: String, state: State, error: String?, failures: Int) {
            self.name = name
            self.state = state
            self.error = error
            self.failures = failures
        }
    }

    /// That the machine is taken away, and what has come of it.
    package struct Notice: Codable, Equatable, Sendable {
        /// Such as `aws` or `SIGUSR2`.
        package var source: String
        /// `terminate` or `stop`.
        package var action: String
        package var noticed: Timestamp
        /// When the machine is gone.
        package var deadline: Timestamp
        /// When the final checkpoint is asked for at the latest; null where that has been done.
        @Null package var finalCheckpoint: Timestamp?
        /// The newest checkpoint; null where there is none.
        @Null package var saved: CheckpointID?
        /// Work that has to be done again, in seconds; null while that is not known.
        @Null package var lostSeconds: Double?

        package enum CodingKeys: String, CodingKey {
            case source, action, noticed, deadline, saved
            case finalCheckpoint = "final_checkpoint"
            case lostSeconds = "lost_s"
        }

        package init(
            source: String, action: String, noticed: Timestamp, deadline: Timestamp,
            finalCheckpoint: Timestamp?, saved: CheckpointID?, lostSeconds: Double?
        ) {
            self.source = source
            self.action = action
            self.noticed = noticed
            self.deadline = deadline
            self.finalCheckpoint = finalCheckpoint
            self.saved = saved
            self.lostSeconds = lostSeconds
        }
    }
}
