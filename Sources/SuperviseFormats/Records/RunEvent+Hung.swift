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
