import SuperviseCore
import SuperviseFormats

/// Promise 7: retention keeps the newest, the one resumed from, and as many as it was told to.
struct RetentionWitness {
    private var resumed: CheckpointID?
    /// Ordered to be removed, and not yet answered: they may still be there, and are not counted.
    private var leaving: Set<CheckpointID> = []

    mutating func supervisorStarts() {
        leaving = []
    }

    /// - Parameter hidden: those that are known to be bad, and stand there all the same.
    mutating func judge(
        _ step: Step, hidden: Set<CheckpointID>, _ world: World
    ) throws(Violation) {
        if let order = step.spawn { resumed = order.resume?.id }
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
            case .remove(let ids): try judge(ids, &visible, step)
            default: break
            }
        }
    }

    private mutating func judge(
        _ ids: [CheckpointID], _ visible: inout [CheckpointID], _ step: Step
    ) throws(Violation) {
        let before = visible.count
        for id in ids {
            guard visible.contains(id) else { throw Violation("7", "\(id) is not there") }
            if id == visible.last { throw Violation("7", "the newest, \(id), is removed") }
            if id == resumed { throw Violation("7", "\(id) is removed, and was resumed from") }
            visible.removeAll { $0 == id }
            leaving.insert(id)
        }
        let keepLast = step.settings.keepLast
        if visible.count < min(keepLast, before) {
            throw Violation("7", "\(visible.count) are left of \(before), and not \(keepLast)")
        }
        if visible.filter({ $0 != resumed }).count > keepLast {
            throw Violation("7", "\(visible) stay, and only \(keepLast) should")
        }
        if let removed = ids.max(), visible.contains(where: { $0 < removed && $0 != resumed }) {
            throw Violation("7", "\(removed) is removed, and an older one stays: \(visible)")
        }
    }
}
