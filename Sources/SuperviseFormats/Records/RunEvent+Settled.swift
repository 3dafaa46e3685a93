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
