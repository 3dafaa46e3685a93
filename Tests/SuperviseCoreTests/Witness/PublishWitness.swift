import SuperviseCore
import SuperviseFormats

/// The status is told at once when it matters, and for progress at most once a second.
struct PublishWitness {
    private var last: Status?
    private var lastAt: Int64 = 0

    mutating func judge(_ step: Step) throws(Violation) {
        // Also of a checkpoint that is older than the newest.
        let isCommit = if case .committed = step.event { true } else { false }
        for case .publish(let status) in step.actions {
            if let last, !isCommit, Self.matters(last) == Self.matters(status),
                isSame(last, status),
                last.requests == status.requests, step.now < lastAt + 1_000_000_000
            {
                throw Violation("publish", "progress is told twice within a second")
            }
            last = status
            lastAt = step.now
        }
        guard let last, !step.actions.isEmpty, !step.supervisor.isClosing
        else { return }
        let wanted = step.supervisor.status(at: step.moment)
        if Self.matters(last) != Self.matters(wanted) || !isSame(last, wanted) {
            throw Violation("publish", "the status is out of date")
        }
    }

    /// What is known of the machine's end.
    private func isSame(_ one: Status, _ other: Status) -> Bool {
        one.preemption?.sources == other.preemption?.sources
            && one.preemption?.notice?.deadline == other.preemption?.notice?.deadline
            && one.preemption?.notice?.action == other.preemption?.notice?.action
            && one.preemption?.notice?.source == other.preemption?.notice?.source
    }

    private static func matters(_ status: Status) -> [Int] {
        let phases: [Status.Phase] = [.starting, .running, .stopping, .backoff, .paused]
        return [
            phases.firstIndex(of: status.phase) ?? -1, status.attempt, status.jobPID ?? 0,
            Int(status.checkpoint?.id.sequence ?? 0), status.lastFailure?.attempt ?? 0,
        ]
    }
}

extension Timestamp {
    static let zero = Timestamp(milliseconds: 0)
}
