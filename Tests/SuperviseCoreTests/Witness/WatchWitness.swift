import SuperviseCore
import SuperviseFormats

/// What a job wrote by itself and was complete is taken up, once and in order, before anything else
/// is chosen; what may be half written never is.
struct WatchWitness {
    /// Told, and not ordered yet, in their order.
    private var waiting: [WatchedFile] = []
    /// Ordered, and not yet answered.
    private var underWay: CheckpointID?
    private var isGathering = false
    private var isFlushing = false

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        follow(step.event, before, step)
        for action in step.actions {
            switch action {
            case .add(let order, let source):
                if case .received(.add, _, _) = step.event { continue }
                // Once more, as room was made.
                if step.mayHaveRoom, before.orders.contains(order.id) { continue }
                try judge(order, source, step, world)
            case .gatherWatched:
                isGathering = true
                isFlushing = true
            case .flushWatch: isFlushing = true
            case .verify, .spawn:
                if isFlushing { throw Violation("watch", "a choice before all was told") }
                if let file = waiting.first, !isAbandoned(step) {
                    throw Violation("watch", "a choice while \(file.path) waits")
                }
                isGathering = false
                waiting = []
            default: break
            }
        }
        try judgeWaiting(step, after)
    }

    private mutating func follow(_ event: Event, _ before: Ledger, _ step: Step) {
        switch event {
        case .watched(let files):
            for file in files where isMeant(file, before, step) {
                waiting.removeAll { $0.path == file.path }
                waiting.append(file)
            }
        case .watchFlushed: isFlushing = false
        case .committed(let summary, _): if summary.id == underWay { underWay = nil }
        case .commitFailed(let id, _): if id == underWay { underWay = nil }
        default: break
        }
        if let id = underWay, step.withoutRoom.contains(id) { underWay = nil }
    }

    private func isMeant(_ file: WatchedFile, _ before: Ledger, _ step: Step) -> Bool {
        if before.leaderRuns { return true }
        if isGathering { return file.wasMoved }
        guard before.isEnding, let end = before.lastExit else { return false }
        if file.wasMoved { return true }
        switch end {
        case .exited(let code): return code == 0 || step.supervisor.stop != nil
        case .signaled: return false
        }
    }

    private mutating func judge(
        _ order: Action.CommitOrder, _ source: Action.Source, _ step: Step, _ world: World
    ) throws(Violation) {
        if source.path == "/out/half" {
            throw Violation("2", "a file is taken that its writer's death has closed")
        }
        guard let file = waiting.first, file.path == source.path else {
            throw Violation("watch", "\(source.path) is taken, and \(waiting) waits")
        }
        if let underWay { throw Violation("watch", "\(order.id) beside \(underWay)") }
        if source.mode != step.settings.watchMode {
            throw Violation("watch", "it is taken as \(source.mode)")
        }
        waiting.removeFirst()
        underWay = order.id
    }

    private func judgeWaiting(_ step: Step, _ after: Ledger) throws(Violation) {
        guard let file = waiting.first, step.exit == nil, underWay == nil, after.open == nil,
            !isAbandoned(step), !step.supervisor.committing.contains(where: \.waitsForRoom)
        else { return }
        throw Violation("liveness", "\(file.path) is complete, and nobody takes it")
    }

    private func isAbandoned(_ step: Step) -> Bool {
        if case .ending(let ending) = step.supervisor.phase { return ending.commitsAbandoned }
        return step.supervisor.stop != nil
    }
}
