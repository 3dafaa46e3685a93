import SuperviseCore
import SuperviseFormats

/// After the end of a run nothing is left that no rule keeps, unless that was told.
struct EndWitness {
    /// Ordered to go, and still there as far as anybody knows.
    private var going: Set<CheckpointID> = []
    private var isEnding = false

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        isEnding = isEnding || step.exit != nil
        switch step.event {
        case .removed(let gone, let held):
            going.subtract(gone)
            // Before the end others look after these.
            if !isEnding { going.subtract(held) }
        case .removalFailed(let ids): if !isEnding { going.subtract(ids) }
        default: break
        }
        // What goes only for room may stay, as a rule keeps it.
        let isForRoom = step.actions.contains { action in
            if case .log(.warning(let warning)) = action {
                warning.message.contains("whatever the rules say")
            } else {
                false
            }
        }
        if !isForRoom {
            for case .remove(let ids) in step.actions { going.formUnion(ids) }
        }
        guard step.leaves != nil, step.supervisor.record.outcome != nil else { return }
        let left = going.filter {
            world.disk.payloads[$0] != nil && !world.disk.pins.contains($0)
        }
        guard !left.isEmpty else { return }
        let isTold = step.actions.contains { action in
            if case .tell(let line) = action { line.contains("no rule keeps it") } else { false }
        }
        if !isTold {
            throw Violation("7", "\(left.sorted()) stay after the end, and nobody said so")
        }
    }
}
