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
            going.subtract(isEnding ? held.filter { isKeptAgain($0, step, world) } : held)
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

    /// A rule keeps it by now, as another one of its branch has gone or come.
    private func isKeptAgain(_ id: CheckpointID, _ step: Step, _ world: World) -> Bool {
        let rules = NaiveRules(rules: step.settings.retention)
        let there = world.disk.visible.compactMap { world.disk.payloads[$0]?.summary }
        guard let one = there.first(where: { $0.id == id }) else { return false }
        let branches = there.map { tip in branch(of: tip, there) } + [there]
        return branches.contains { $0.contains(one) && rules.keep(one, of: $0) }
    }

    private func branch(
        of tip: CheckpointSummary, _ there: [CheckpointSummary]
    ) -> [CheckpointSummary] {
        var found = [tip]
        while case .checkpoint(let parent) = found[0].origin,
            let next = there.first(where: { $0.id.sequence == parent })
        {
            found.insert(next, at: 0)
        }
        return found
    }
}
