/// How a run ended.
package struct Outcome: Codable, Equatable, Sendable {
    package var kind: Kind
    /// The job's own exit status; null where a signal ended it or it had not been started.
    @Null package var exitCode: Int?
    /// The name of the signal that ended the job, such as `SIGKILL`.
    @Null package var signal: String?
    /// Why it ended so, where status and signal do not tell; null where they do.
    @Null package var reason: Reason?

    package enum Kind: String, Codable, Sendable {
        case completed, failed, stopped, preempted
    }

    package enum Reason: String, Codable, Sendable {
        /// The job exited with status 0, but an attempt before had read its standard input.
        case inputUsedUp = "input_used_up"
        /// The supervisor died before the run had ended; the run can be resumed.
        case supervisorLost = "supervisor_lost"

        /// In words.
        package var text: String {
            switch self {
            case .inputUsedUp: "input used up"
            case .supervisorLost: "supervisor lost"
            }
        }
    }

    package enum CodingKeys: String, CodingKey {
        case kind, signal, reason
        case exitCode = "exit_code"
    }

    package init(
        kind: Kind, exitCode: Int? = nil, signal: String? = nil, reason: Reason? = nil
    ) {
        self.kind = kind
        self.exitCode = exitCode
        self.signal = signal
        self.reason = reason
    }
}

extension Outcome {
    /// The outcome of a run whose supervisor died.
    package static let lost = Outcome(kind: .failed, reason: .supervisorLost)

    package var isLost: Bool { reason == .supervisorLost }

    /// A record may be older than `reason`, and may have one of a later version.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            kind: try container.decode(Kind.self, forKey: .kind),
            exitCode: try container.decodeIfPresent(Int.self, forKey: .exitCode),
            signal: try container.decodeIfPresent(String.self, forKey: .signal),
            reason: try container.decodeIfPresent(String.self, forKey: .reason)
                .flatMap(Reason.init))
    }
}

/// An attempt that ended without being asked to and without completing.
package struct Failure: Codable, Equatable, Sendable {
    package var attempt: Int
    package var kind: Kind
    @Null package var exitCode: Int?
    @Null package var signal: String?
    package var at: Timestamp
    /// The time since the last checkpoint, which has to be done again, in seconds.
    package var lostSeconds: Double
    /// It ended before it had said hello or in its first second, and without progress.
    package var atStart = false
    /// What the job said when it gave up; null where it did not.
    @Null package var error: String?
    /// The last lines that the job wrote, where its output is kept.
    package var outputTail: [String] = []
    /// What was found out about a hang: a file, relative to the run's directory.
    @Null package var report: String?

    package enum Kind: String, Codable, Sendable {
        /// The job ended with another status than 0, or by a signal.
        case crash
        /// The kernel ended a process of the job for lack of memory, and the job failed.
        case oom
        /// It gave no sign of life for too long.
        case hang
        /// It could not be started.
        case spawn
        /// The supervisor itself ended without finishing: killed, or the machine went down.
        case machine
    }

    package enum CodingKeys: String, CodingKey {
        case attempt, kind, signal, at, error, report
        case atStart = "at_start"
        case exitCode = "exit_code"
        case lostSeconds = "lost_s"
        case outputTail = "output_tail"
    }

    package init(
        attempt: Int, kind: Kind, exitCode: Int? = nil, signal: String? = nil, at: Timestamp,
        lostSeconds: Double
    ) {
        self.attempt = attempt
        self.kind = kind
        self.exitCode = exitCode
        self.signal = signal
        self.at = at
        self.lostSeconds = lostSeconds
    }
}

extension Failure {
    /// A record may be older than `at_start`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            attempt: try container.decode(Int.self, forKey: .attempt),
            kind: try container.decode(Kind.self, forKey: .kind),
            exitCode: try container.decodeIfPresent(Int.self, forKey: .exitCode),
            signal: try container.decodeIfPresent(String.self, forKey: .signal),
            at: try container.decode(Timestamp.self, forKey: .at),
            lostSeconds: try container.decode(Double.self, forKey: .lostSeconds))
        outputTail = try container.decodeIfPresent([String].self, forKey: .outputTail) ?? []
        atStart = try container.decodeIfPresent(Bool.self, forKey: .atStart) ?? false
        error = try container.decodeIfPresent(String.self, forKey: .error)
        report = try container.decodeIfPresent(String.self, forKey: .report)
    }
}

/// Where a run's time went, over all its attempts and supervisors, in seconds.
package struct Totals: Codable, Equatable, Sendable {
    /// While a supervisor was there.
    package var wall = 0.0
    /// Work that stayed.
    package var useful = 0.0
    /// Work since the last checkpoint before each failure.
    package var lost = 0.0
    /// Between `begin` and `commit` of checkpoints: the job was saving.
    package var checkpoint = 0.0
    /// No job was running.
    package var down = 0.0
    /// False for a job that tells nothing: nobody knows which of its work was lost.
    package var isKnown = true
    /// The useful share of the wall time; null before there is any, and where nobody knows.
    package var goodput: Double? { wall > 0 && isKnown ? useful / wall : nil }

    package init() {}

    package enum CodingKeys: String, CodingKey {
        case goodput
        case wall = "wall_s"
        case useful = "useful_s"
        case lost = "lost_s"
        case checkpoint = "checkpoint_s"
        case down = "down_s"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        wall = try container.decode(Double.self, forKey: .wall)
        useful = try container.decode(Double.self, forKey: .useful)
        lost = try container.decode(Double.self, forKey: .lost)
        checkpoint = try container.decode(Double.self, forKey: .checkpoint)
        down = try container.decode(Double.self, forKey: .down)
        isKnown = try wall <= 0 || container.decodeIfPresent(Double.self, forKey: .goodput) != nil
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(wall, forKey: .wall)
        try container.encode(useful, forKey: .useful)
        try container.encode(lost, forKey: .lost)
        try container.encode(checkpoint, forKey: .checkpoint)
        try container.encode(down, forKey: .down)
        try container.encode(goodput, forKey: .goodput)
    }
}
