extension RunEvent {
    /// The job has given no sign of what was expected for too long; what it was doing was looked at,
    /// and now it is killed.
    package struct Hung: Codable, Equatable, Sendable {
        package var attempt: Int
        package var cause: Cause
        /// How long there was none, of the time that counts, in seconds.
        package var silent: Double
        /// There was never one, since the attempt was started.
        package var never: Bool
        package var processes: Int
        package var threads: Int
        /// The file that has all of it, relative to the run's directory.
        package var report: String
        /// The beginning of what is in that file.
        package var text: String

        /// What there was none of.
        package enum Cause: String, Codable, Sendable {
            /// A sign of life.
            case heartbeat
            /// A step forward.
            case progress
            /// More of a checkpoint that was begun.
            case checkpoint
        }

        package init(
            attempt: Int, cause: Cause, silent: Double, never: Bool, processes: Int, threads: Int,
            report: String, text: String
        ) {
            self.attempt = attempt
            self.cause = cause
            self.silent = silent
            self.never = never
            self.processes = processes
            self.threads = threads
            self.report = report
            self.text = text
        }

        /// Where the report on an attempt is, relative to the run's directory.
        package static func report(attempt: Int) -> String {
            let digits = String(attempt)
            let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
            return "output/hang-\(zeros)\(digits).txt"
        }

        package enum CodingKeys: String, CodingKey {
            case attempt, cause, never, processes, threads, report, text
            case silent = "silent_s"
        }
    }
}

extension RunEvent {
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
}

extension RunEvent {
    /// A source that had said that the machine is taken away does not say so any more.
    package struct NoticeWithdrawn: Codable, Equatable, Sendable {
        /// Such as `aws`.
        package var source: String
        /// `terminate` or `stop`, as it was said.
        package var action: String
        package var follows: Follows

        package enum Follows: String, Codable, Sendable {
            case goesOn = "goes_on"
            /// The job was told to end before.
            case ends
            case anotherCounts = "another_counts"
        }

        package init(source: String, action: String, follows: Follows) {
            self.source = source
            self.action = action
            self.follows = follows
        }
    }
}

extension RunEvent {
    /// Old output of the job, and old events, are gone to make room on a full disk.
    package struct LogsRemoved: Codable, Equatable, Sendable {
        /// Files of output.
        package var outputFiles: Int
        /// Files of events.
        package var eventFiles: Int
        /// Of all of them.
        package var bytes: Int64

        package init(outputFiles: Int = 0, eventFiles: Int = 0, bytes: Int64 = 0) {
            self.outputFiles = outputFiles
            self.eventFiles = eventFiles
            self.bytes = bytes
        }

        package enum CodingKeys: String, CodingKey {
            case bytes
            case outputFiles = "output_files"
            case eventFiles = "event_files"
        }

        package var isEmpty: Bool { outputFiles == 0 && eventFiles == 0 }
    }
}

extension RunEvent {
    /// A run whose supervisor had died has got its outcome in the status; it can be resumed.
    package struct Settled: Codable, Equatable, Sendable {
        /// The newest attempt.
        package var attempt: Int
        /// Of the supervisor that died.
        package var supervisorPID: Int
        package var outcome: Outcome

        package init(attempt: Int, supervisorPID: Int, outcome: Outcome) {
            self.attempt = attempt
            self.supervisorPID = supervisorPID
            self.outcome = outcome
        }

        package enum CodingKeys: String, CodingKey {
            case attempt, outcome
            case supervisorPID = "supervisor_pid"
        }
    }
}
