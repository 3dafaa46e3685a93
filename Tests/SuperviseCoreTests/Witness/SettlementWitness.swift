import SuperviseCore
import SuperviseFormats

/// Between two supervisors the status, once settled, says how the run ended: as the record says, and lost
/// where the record does not say it; and it counts what is on the disk.
struct SettlementWitness {
    /// The newest status that was published, by whichever supervisor.
    private var last: Status?
    private var isOfThisSupervisor = false

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        for case .publish(let status) in step.actions {
            last = status
            isOfThisSupervisor = true
            let supervisor = step.supervisor
            let count = supervisor.checkpoints.count + supervisor.leaving.count
            if status.checkpoints != count || status.toBeRemoved < supervisor.leaving.count {
                throw Violation(
                    "settle", "\(status.checkpoints) checkpoints are told, and not \(count)")
            }
        }
    }

    mutating func supervisorStarts(_ world: World) throws(Violation) {
        defer { isOfThisSupervisor = false }
        guard let last, let record = world.disk.record else { return }
        let told = Settlement.settled(last, by: record) ?? last
        guard told.phase == .finished, let outcome = told.outcome else {
            throw Violation("settle", "nobody is at work on it, and the status says \(told.phase)")
        }
        if Settlement.settled(told, by: record) != nil, told.updated >= last.updated {
            guard record.current.map({ $0.started > told.updated }) == true else {
                throw Violation("settle", "it is settled twice")
            }
        }
        // Its own supervisor has told the end, whether the disk has taken the record or not.
        if last.phase == .finished, isOfThisSupervisor { return }
        let isOpen = last.phase != .finished
        if isOpen, outcome != record.outcome ?? .lost {
            throw Violation("settle", "\(outcome) is told, and not \(record.outcome as Any)")
        }
        if !isOpen, record.outcome == nil, let begun = record.current?.started,
            begun > last.updated, !outcome.isLost
        {
            throw Violation("settle", "an attempt died, and the status says \(outcome)")
        }
    }
}
