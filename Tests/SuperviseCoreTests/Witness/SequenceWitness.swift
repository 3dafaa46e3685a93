import SuperviseCore
import SuperviseFormats

/// Numbers of checkpoints are never used twice, commits are in their order, and one is open.
struct SequenceWitness {
    private var highest: Int64 = 0
    private var lastOrder: Int64 = 0

    /// What was promised to nobody, and was lost with the power, may be used again.
    mutating func supervisorStarts(_ world: World) {
        let known = world.disk.everCommitted.map(\.sequence) + [world.disk.record?.sequence ?? 0]
        highest = known.max() ?? 0
        lastOrder = 0
    }

    mutating func judge(_ step: Step, _ before: Ledger, _ world: World) throws(Violation) {
        var open = before.open
        if case .commitFailed(open, _) = step.event { open = nil }
        if let id = open, step.withoutRoom.contains(id) { open = nil }
        if let id = open, step.supervisor.commits[id] != nil { open = nil }
        for action in step.actions {
            switch action {
            // Once more, as room was made.
            case .makeStaging(let id) where id == before.open && step.mayHaveRoom: break
            // Received before, or in this step behind others; or once more, as room was made.
            case .add(let order, _) where before.orders.contains(order.id):
                if !before.given.contains(order.id) { try judge(order, step) }
            case .commit(let order) where before.orders.contains(order.id):
                if !before.given.contains(order.id) { try judge(order, step) }
            case .dropStaging(let id) where step.withoutRoom.contains(id): break
            // It gives way to a newer one.
            case .dropStaging(let id)
            where before.orders.contains(id) && step.supersedes(id):
                if step.supervisor.commits.newest.map({ $0 <= id }) ?? true {
                    throw Violation("sequence", "\(id) gives way, and there is no newer one")
                }
            case .makeStaging(let id):
                if let open { throw Violation("sequence", "\(id) is begun, and \(open) is open") }
                try give(id)
                open = id
            case .dropStaging(let id):
                if open != id { throw Violation("sequence", "\(id) is dropped, and is not open") }
                open = nil
            case .add(let order, _):
                if let open { throw Violation("sequence", "\(order.id) added, \(open) is open") }
                try give(order.id)
                try judge(order, step)
            case .commit(let order):
                if before.open != order.id {
                    throw Violation("sequence", "\(order.id) is not open")
                }
                open = nil
                try judge(order, step)
            default: break
            }
        }
        if case .jobExited = step.event, let open {
            throw Violation("sequence", "\(open) stays open after the job's end")
        }
    }

    private mutating func give(_ id: CheckpointID) throws(Violation) {
        if id.sequence <= highest { throw Violation("sequence", "\(id) comes after \(highest)") }
        highest = id.sequence
    }

    private mutating func judge(
        _ order: CommitOrder, _ step: Step
    ) throws(Violation) {
        // In a stop the final one comes first, and then the newest.
        if order.id.sequence <= lastOrder, step.supervisor.stop == nil {
            throw Violation("sequence", "\(order.id) is ordered after \(lastOrder)")
        }
        lastOrder = max(lastOrder, order.id.sequence)
        if let parent = order.parent, parent >= order.id {
            throw Violation("sequence", "\(parent) is no parent of \(order.id)")
        }
    }
}

extension Step {
    /// This one gives way to a newer one.
    func supersedes(_ id: CheckpointID) -> Bool {
        actions.contains(.log(.checkpointDropped(.init(id: id, reason: .superseded))))
    }
}
