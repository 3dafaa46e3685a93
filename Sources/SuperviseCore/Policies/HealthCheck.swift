import SuperviseFormats

/// What `status --check` looks at, for health checks of containers that go by an exit status.
package enum HealthCheck: String, Sendable, CaseIterable {
    /// Whether the run has a supervisor that answers, whatever its job does: a liveness probe.
    case supervisor
    /// Whether the job runs, too: a readiness probe.
    case job

    /// How long a supervisor may take to be reached, and then to answer. One that is hung does neither.
    package static let patience = Duration.seconds(5)

    /// - Parameter status: as the supervisor has just answered.
    package func isPassed(by status: Status) -> Bool {
        switch self {
        case .supervisor: true
        case .job: status.phase == .running && status.jobPID != nil
        }
    }
}
