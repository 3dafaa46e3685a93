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
    case archiveRemoved(ArchiveRemoved)
    case archiveTrimmed(ArchiveTrimmed)
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
    case settled(Settled)
    case checkpointDropped(CheckpointDropped)
    case logsRemoved(LogsRemoved)
    case noticeWithdrawn(NoticeWithdrawn)

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
            /// The last attempts ended with the same status after the same time.
            case sameEachTime = "same_each_time"
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
