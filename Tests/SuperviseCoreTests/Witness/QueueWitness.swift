import SuperviseCore
import SuperviseFormats

/// Saves that come faster than the disk: few are unfinished at once, the disk gets one after the other, the
/// final one before all others, and a `begin` that is held back is answered once there is a place.
struct QueueWitness {
    /// What the disk works on.
    private var underWay: CheckpointID?
    /// What was ordered last found the disk full.
    private var waitsForRoom: Set<CheckpointID> = []

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        follow(step.event)
        for id in step.withoutRoom { waitsForRoom.remove(id) }
        for action in step.actions {
            switch action {
            case .makeStaging(let id) where id != before.open: try judgeBegin(id, before, after)
            case .commit(let order): try judgeTurn(order.id, step, after)
            case .add(let order, _): try judgeTurn(order.id, step, after)
            case .log(.checkpointDropped(let dropped)) where dropped.reason == .superseded:
                try judgeSuperseded(dropped.id, step, before, world)
            default: break
            }
        }
        waitsForRoom.formIntersection(after.orders)
        try judgeHeld(step, after)
        try judgeIdle(step, after)
    }

    private mutating func follow(_ event: Event) {
        switch event {
        case .committed(let summary, _): isDone(summary.id)
        case .commitFailed(let id, _), .notAdded(let id, _): isDone(id)
        case .diskFull(let id, _):
            if underWay == id {
                underWay = nil
                waitsForRoom.insert(id)
            }
        default: break
        }
    }

    private mutating func isDone(_ id: CheckpointID) {
        waitsForRoom.remove(id)
        if underWay == id { underWay = nil }
    }

    /// For a final checkpoint there is one place more, and one that names its request always has one.
    private func judgeBegin(
        _ id: CheckpointID, _ before: Ledger, _ after: Ledger
    ) throws(Violation) {
        let count = after.orders.filter { $0 < id }.count
        let isFinal = [before, after].contains { $0.openRequest != nil && $0.openRequestIsFinal }
        if count < 2 || isFinal { return }
        throw Violation("queue", "\(id) is begun, and \(after.orders) are not finished")
    }

    private mutating func judgeTurn(
        _ id: CheckpointID, _ step: Step, _ after: Ledger
    ) throws(Violation) {
        if let underWay { throw Violation("queue", "\(id) is ordered beside \(underWay)") }
        waitsForRoom.remove(id)
        underWay = id
        if let request = after.openRequest, after.openRequestIsFinal,
            step.supervisor.openRequest?.number == request,
            let final = after.orders.first(where: { after.requestOf[$0] == request }),
            step.supervisor.commits[final] != nil,
            after.requestOf[id] != request
        {
            throw Violation("queue", "\(id) is ordered before the final \(final)")
        }
        guard step.supervisor.stop == nil, let first = after.orders.min(), first < id else {
            return
        }
        throw Violation("queue", "\(id) is ordered before \(first)")
    }

    /// By the rules alone, over all that is there and all that is to come.
    private func judgeSuperseded(
        _ id: CheckpointID, _ step: Step, _ before: Ledger, _ world: World
    ) throws(Violation) {
        if before.given.contains(id), !waitsForRoom.contains(id) {
            throw Violation("queue", "\(id) is superseded, and the disk works on it")
        }
        // A request that has failed meanwhile is answered by nothing any more.
        let awaited = [
            step.supervisor.openRequest?.number, step.supervisor.shortage?.again?.number,
        ]
        let isAwaited = before.requestOf[id].map { awaited.contains($0) } ?? false
        if world.disk.pins.contains(id) || isAwaited {
            throw Violation("queue", "\(id) is superseded, and somebody waits for it")
        }
        let newer = step.supervisor.committing.count { $0.id > id }
        if newer < 1 { throw Violation("queue", "\(id) is superseded by nothing") }
        // With one branch the count alone tells: those after it are newer in any case.
        if newer < step.settings.retention.keepLast {
            throw Violation("queue", "\(id) is among the last that a rule keeps")
        }
    }

    /// Somebody waits for the answer.
    private func judgeHeld(_ step: Step, _ after: Ledger) throws(Violation) {
        guard let held = step.supervisor.heldBegin else { return }
        if after.members[held.connection] == nil {
            throw Violation("queue", "the begin of a connection that is gone is held")
        }
        if let open = after.open { throw Violation("queue", "a begin is held beside \(open)") }
        if after.orders.count < 2 { throw Violation("queue", "a begin is held for nothing") }
        let isAwaited = step.supervisor.openRequest.map { request in
            request.final && held.request == request.number
                && !after.orders.contains { after.requestOf[$0] == request.number }
        }
        if isAwaited == true { throw Violation("queue", "the final begin is held") }
        if let stop = step.supervisor.stop, stop.stage != .asking {
            throw Violation("queue", "a begin is held, and nothing new is begun any more")
        }
    }

    /// Whatever waits has its turn when the disk has nothing else to do.
    private func judgeIdle(_ step: Step, _ after: Ledger) throws(Violation) {
        guard underWay == nil, waitsForRoom.isEmpty, step.exit == nil, !after.orders.isEmpty else {
            return
        }
        throw Violation("queue", "\(after.orders) wait, and the disk does nothing")
    }
}
