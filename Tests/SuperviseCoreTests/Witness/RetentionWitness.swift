import SuperviseCore
import SuperviseFormats

/// Promise 7: retention keeps the newest, the one resumed from, the pinned, and as many as it was
/// told to; those that are passed over are counted by themselves.
struct RetentionWitness {
    private var resumed: CheckpointID?
    /// Ordered to be removed, and not yet answered: they may still be there, and are not counted.
    private var leaving: Set<CheckpointID> = []
    /// Somebody has asked for a pin of these, or that there be none: until that is durable they may
    /// stay.
    private var perhapsPinned: Set<CheckpointID> = []
    private var ownCommits: Set<CheckpointID> = []

    mutating func supervisorStarts() {
        leaving = []
        ownCommits = []
    }

    /// It is suspect, or the options do not let it be resumed from.
    private func isPassedOver(_ id: CheckpointID, _ step: Step) -> Bool {
        let failures = step.supervisor.record.failures.suspects[id.description, default: 0]
        if failures >= step.settings.rollbackAfter { return true }
        return switch step.settings.resumeFrom {
        case .newest: false
        case .beginning: !ownCommits.contains(id)
        case .checkpoint(let chosen): id > chosen && !ownCommits.contains(id)
        }
    }

    /// - Parameter hidden: those that are known to be bad, and stand there all the same.
    mutating func judge(
        _ step: Step, hidden: Set<CheckpointID>, _ world: World
    ) throws(Violation) {
        if case .committed(let summary, _) = step.event { ownCommits.insert(summary.id) }
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
        var visible = world.disk.visible.filter { !hidden.contains($0) && !leaving.contains($0) }
        for action in step.actions {
            switch action {
            case .setAside(let id, _): visible.removeAll { $0 == id }
            case .remove(let ids): try judge(ids, &visible, step, world)
            default: break
            }
        }
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
        guard followsTheRules(step) else { return }
        let special = perhapsPinned.union([resumed, newestGood(before, step)].compactMap { $0 })
        for isApart in [false, true] {
            let isMeant = { isPassedOver($0, step) == isApart }
            try judge(
                ids.filter(isMeant), left: visible.filter(isMeant), of: before.filter(isMeant),
                special, keepLast: step.settings.retention.keepLast)
        }
    }

    private func judge(
        _ ids: [CheckpointID], left: [CheckpointID], of before: [CheckpointID],
        _ special: Set<CheckpointID>, keepLast: Int
    ) throws(Violation) {
        if left.count < min(keepLast, before.count) {
            throw Violation("7", "\(left.count) are left of \(before.count), not \(keepLast)")
        }
        if left.filter({ !special.contains($0) }).count > keepLast {
            throw Violation("7", "\(left) stay, and only \(keepLast) should")
        }
        if let removed = ids.max(), left.contains(where: { $0 < removed && !special.contains($0) })
        {
            throw Violation("7", "\(removed) is removed, and an older one stays: \(left)")
        }
    }

    /// Where all have failed too often, the oldest.
    private func newestGood(_ visible: [CheckpointID], _ step: Step) -> CheckpointID? {
        let suspects = step.supervisor.record.failures.suspects
        return visible.last {
            suspects[$0.description, default: 0] < step.settings.rollbackAfter
        } ?? visible.first
    }

    /// On a full disk, and for whoever deletes one, more may go.
    private func followsTheRules(_ step: Step) -> Bool {
        switch step.event {
        case .diskFull, .freeSpace: false
        case .received(.control(let control), _, _): control.command != "delete"
        default: true
        }
    }
}
