/// A line of `events.jsonl`: something that happened in a run.
package struct LoggedEvent: Equatable, Sendable {
    package var at: Timestamp
    package var event: RunEvent

    package init(at: Timestamp, event: RunEvent) {
        self.at = at
        self.event = event
    }
}

/// What can happen in a run, without progress.
package enum RunEvent: Equatable, Sendable {
    case attemptStarted(AttemptStarted)
    case jobExited(JobExited)
    case failed(FailureCounted)
    case hung(Hung)
    case checkpointRequested(CheckpointRequest)
    case checkpointCommitted(CheckpointCommitted)
    case checkpointFailed(CheckpointFailed)
    case requestEnded(RequestEnded)
    case setAside(SetAside)
    case rolledBack(RolledBack)
    case removed(Removed)
    case compressed(Compressed)
    case stopRequested(StopRequested)
    case noticed(Noticed)
    case restarting(Restarting)
    case paused(Paused)
    case unpaused(Unpaused)
    case gaveUp(GaveUp)
    case leftovers(Leftovers)
    case warning(Warning)
    /// - Parameter error: why the supervisor could not begin or go on, where that is the reason.
    case finished(Outcome, error: String? = nil)

    package struct AttemptStarted: Codable, Equatable, Sendable {
        package var attempt: Int
        @Null package var resumedFrom: CheckpointID?
        /// Of the checkpoint; 0 where there is none.
        package var bytes: Int64
        /// How deep it was verified; null where there is none.
        @Null package var verified: VerifyDepth?

        package init(
            attempt: Int, resumedFrom: CheckpointID?, bytes: Int64, verified: VerifyDepth? = nil
        ) {
            self.attempt = attempt
            self.resumedFrom = resumedFrom
            self.bytes = bytes
            self.verified = verified
        }
        package enum CodingKeys: String, CodingKey {
            case attempt, bytes, verified
            case resumedFrom = "resumed_from"
        }
    }

    package struct JobExited: Codable, Equatable, Sendable {
        package var attempt: Int
        @Null package var exitCode: Int?
        @Null package var signal: String?
        package var seconds: Double

        package init(attempt: Int, exitCode: Int?, signal: String?, seconds: Double) {
            self.attempt = attempt
            self.exitCode = exitCode
            self.signal = signal
            self.seconds = seconds
        }
        package enum CodingKeys: String, CodingKey {
            case attempt, signal, seconds
            case exitCode = "exit_code"
        }
    }

    package struct FailureCounted: Codable, Equatable, Sendable {
        package var failure: Failure
        /// How long the attempt had run, in seconds.
        package var ran: Double
        /// In a row, without progress, with this one.
        package var count: Int
        package var limit: Int
        /// Until the next attempt, in seconds; null where there will be none.
        @Null package var backoff: Double?
        /// Why there will be none; null where there will be one.
        @Null package var final: Final?

        package enum Final: String, Codable, Sendable {
            case maxFailures = "max_failures"
            case restartNever = "restart_never"
            case fatalExitCode = "fatal_exit_code"
            /// The job said so.
            case gaveUp = "gave_up"
        }

        package init(
            failure: Failure, ran: Double, count: Int, limit: Int, backoff: Double?,
            final: Final? = nil
        ) {
            self.failure = failure
            self.ran = ran
            self.count = count
            self.limit = limit
            self.backoff = backoff
            self.final = final
        }
        package enum CodingKeys: String, CodingKey {
            case failure, count, limit, final
            case ran = "ran_s"
            case backoff = "backoff_s"
        }
    }

    package struct CheckpointCommitted: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var bytes: Int64
        package var seconds: Double
        package var reason: Manifest.Reason
        @Null package var request: Int?

        package init(
            id: CheckpointID, bytes: Int64, seconds: Double, reason: Manifest.Reason, request: Int?
        ) {
            self.id = id
            self.bytes = bytes
            self.seconds = seconds
            self.reason = reason
            self.request = request
        }
    }

    package struct CheckpointFailed: Codable, Equatable, Sendable {
        @Null package var id: CheckpointID?
        @Null package var request: Int?
        package var error: String

        package init(id: CheckpointID?, request: Int?, error: String) {
            self.id = id
            self.request = request
            self.error = error
        }
    }

    package struct RequestEnded: Codable, Equatable, Sendable {
        package var request: Int
        /// `unanswered` or `moot`.
        package var result: Result
        /// How long was waited, in seconds.
        package var seconds: Double

        package enum Result: String, Codable, Sendable { case unanswered, moot }

        package init(request: Int, result: Result, seconds: Double) {
            self.request = request
            self.result = result
            self.seconds = seconds
        }
    }

    package struct SetAside: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var reason: String

        package init(id: CheckpointID, reason: String) {
            self.id = id
            self.reason = reason
        }
    }

    package struct Removed: Codable, Equatable, Sendable {
        package var ids: [CheckpointID]

        package init(ids: [CheckpointID]) { self.ids = ids }
    }

    package struct Compressed: Codable, Equatable, Sendable {
        package var id: CheckpointID
        /// Of the payload.
        package var bytes: Int64
        /// What it takes of the disk now.
        package var compressedBytes: Int64

        package init(id: CheckpointID, bytes: Int64, compressedBytes: Int64) {
            self.id = id
            self.bytes = bytes
            self.compressedBytes = compressedBytes
        }
        package enum CodingKeys: String, CodingKey {
            case id, bytes
            case compressedBytes = "compressed_bytes"
        }
    }

    /// An attempt has ended that is no failure, and another one follows.
    package struct Restarting: Codable, Equatable, Sendable {
        /// The one that ended.
        package var attempt: Int
        package var reason: Reason
        /// Until the next attempt, in seconds.
        package var backoff: Double

        package enum Reason: String, Codable, Sendable {
            /// An operator asked for it.
            case asked
            /// The job exited with status 0, and with `--restart always` that is no end.
            case always
        }

        package init(attempt: Int, reason: Reason, backoff: Double) {
            self.attempt = attempt
            self.reason = reason
            self.backoff = backoff
        }
        package enum CodingKeys: String, CodingKey {
            case attempt, reason
            case backoff = "backoff_s"
        }
    }

    package struct Paused: Codable, Equatable, Sendable {
        package var attempt: Int

        package init(attempt: Int) { self.attempt = attempt }
    }

    package struct Unpaused: Codable, Equatable, Sendable {
        package var attempt: Int
        /// How long the pause was.
        package var seconds: Double

        package init(attempt: Int, seconds: Double) {
            self.attempt = attempt
            self.seconds = seconds
        }
    }

    /// The job said that another attempt is of no use.
    package struct GaveUp: Codable, Equatable, Sendable {
        package var attempt: Int
        package var error: String

        package init(attempt: Int, error: String) {
            self.attempt = attempt
            self.error = error
        }
    }

    package struct StopRequested: Codable, Equatable, Sendable {
        /// The signal's name, `control stop` or `control restart`.
        package var by: String
        /// Seconds for a final checkpoint; null where none is asked for.
        @Null package var deadline: Double?
        /// 1 for the first, 2 for the one that ends the wait, 3 for the one that abandons all.
        package var count: Int

        package init(by: String, deadline: Double?, count: Int) {
            self.by = by
            self.deadline = deadline
            self.count = count
        }
        package enum CodingKeys: String, CodingKey {
            case by, count
            case deadline = "deadline_s"
        }
    }

    /// Somebody says that the machine is taken away, or may be.
    package struct Noticed: Codable, Equatable, Sendable {
        /// Such as `aws` or `SIGUSR2`.
        package var source: String
        /// `terminate`, `stop`, `hibernate` or `checkpoint`.
        package var action: String
        /// Seconds until the machine is gone; null where it is to stay.
        @Null package var left: Double?
        /// What in it cannot be true; null where nothing is.
        @Null package var doubt: String?

        package init(source: String, action: String, left: Double? = nil, doubt: String? = nil) {
            self.source = source
            self.action = action
            self.left = left
            self.doubt = doubt
        }
        package enum CodingKeys: String, CodingKey {
            case source, action, doubt
            case left = "left_s"
        }
    }

    /// An attempt goes on from a checkpoint that is not the newest.
    package struct RolledBack: Codable, Equatable, Sendable {
        package var to: CheckpointID
        /// The newest of those that are passed over.
        package var from: CheckpointID
        /// How many are passed over; they stay.
        package var passed: Int
        /// In a row from `from`; null where an older one was asked for.
        @Null package var failures: Int?

        package init(to: CheckpointID, from: CheckpointID, passed: Int, failures: Int?) {
            self.to = to
            self.from = from
            self.passed = passed
            self.failures = failures
        }
    }

    package struct Leftovers: Codable, Equatable, Sendable {
        /// What an earlier supervisor left running, and was ended.
        package var processes: [String]

        package init(processes: [String]) { self.processes = processes }
    }

    package struct Warning: Codable, Equatable, Sendable {
        package var message: String

        package init(message: String) { self.message = message }
    }
}
