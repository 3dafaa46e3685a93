import SuperviseCore
import SuperviseFormats

/// Promise 7: retention keeps the newest, the one resumed from and the pinned; the rules are judged by
/// ``BranchWitness``.
struct RetentionWitness {
    private var resumed: CheckpointID?
    /// Ordered to be removed, and not yet answered: they may still be there, and are not counted.
    private var leaving: Set<CheckpointID> = []
    /// Somebody has asked for a pin of these, or that there be none: until that is durable they may
    /// stay.
    private var perhapsPinned: Set<CheckpointID> = []
    private var branches = BranchWitness()

    mutating func supervisorStarts(_ world: World) {
        leaving = []
        branches.supervisorStarts(world)
    }

    /// - Parameter hidden: those that are known to be bad, and stand there all the same.
    mutating func judge(
        _ step: Step, hidden: Set<CheckpointID>, _ world: World
    ) throws(Violation) {
        try branches.follow(step, hidden: hidden)
        if let order = step.spawn { resumed = order.resume?.id }
        if case .received(.control(let control), _, _) = step.event,
            ["pin", "unpin"].contains(control.command), let id = control.id
        {
            perhapsPinned.insert(id)
        }
        if case .removed(let gone, let held) = step.event {
            leaving.subtract(gone + held)
            for id in gone where world.disk.payloads[id] != nil {
                throw Violation("7", "\(id) counts as gone, and is there")
            }
        }
        if case .removalFailed(let ids) = step.event { leaving.subtract(ids) }
        var visible = world.disk.visible.filter { !hidden.contains($0) && !leaving.contains($0) }
        for action in step.actions {
            switch action {
            case .setAside(let id, _): visible.removeAll { $0 == id }
            case .remove(let ids): try judge(ids, &visible, step, world)
            default: break
            }
        }
        if followsTheRules(step) {
            let newest = newestGood(branches.known.filter { !hidden.contains($0) }.sorted(), step)
            let special = perhapsPinned.union([resumed, newest].compactMap { $0 })
            try branches.judge(step, special.union(world.disk.pins), world)
        }
        branches.settle(step)
    }

    private mutating func judge(
        _ ids: [CheckpointID], _ visible: inout [CheckpointID], _ step: Step, _ world: World
    ) throws(Violation) {
        let before = visible
        for id in ids {
            guard visible.contains(id) else { throw Violation("7", "\(id) is not there") }
            if id == visible.last { throw Violation("7", "the newest, \(id), is removed") }
            if id == resumed { throw Violation("7", "\(id) is removed, and was resumed from") }
            if world.disk.pins.contains(id) { throw Violation("7", "\(id) is pinned") }
            if id == newestGood(before, step) { throw Violation("7", "\(id) is the newest good") }
            visible.removeAll { $0 == id }
            leaving.insert(id)
        }
    }

    /// Where all have failed too often, the oldest.
    private func newestGood(_ visible: [CheckpointID], _ step: Step) -> CheckpointID? {
        let suspects = step.supervisor.record.failures.suspects
        return visible.last {
            suspects[$0.description, default: 0] < step.settings.rollbackAfter
        } ?? visible.first
    }

    /// After a commit, at the end, and where somebody prunes; elsewhere more may go, or nothing does.
    private func followsTheRules(_ step: Step) -> Bool {
        if let exit = step.exit, step.supervisor.record.outcome != nil, !isRefused(exit) {
            return true
        }
        return switch step.event {
        case .committed: true
        case .received(.control(let control), _, _):
            control.command == "prune" && !branches.removed(step).isEmpty
        default: false
        }
    }

    private func isRefused(_ ending: Action.Ending) -> Bool {
        if case .refused = ending { true } else { false }
    }
}
