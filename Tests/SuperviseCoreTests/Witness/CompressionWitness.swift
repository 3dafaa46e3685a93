import SuperviseCore
import SuperviseFormats

/// Only what nobody is about to need is compressed, one at a time, and never in the way of a commit or
/// a stop; and no job is given a checkpoint whose files are not there.
struct CompressionWitness {
    private var resumed: CheckpointID?
    private var bad: Set<CheckpointID> = []

    mutating func judge(_ step: Step, _ before: Ledger, _ world: World) throws(Violation) {
        if case .verified(let id, .bad) = step.event { bad.insert(id) }
        if let order = step.spawn {
            resumed = order.resume?.id
            if let resumed, world.disk.payloads[resumed]?.isCompressed == true {
                throw Violation("2", "the job is to go on from \(resumed), which is compressed")
            }
        }
        var after = before
        after.follow(step)
        for case .compress(let id) in step.actions {
            if step.settings.compression == nil { throw Violation("compress", "nobody wants it") }
            if before.isCompressing, !isAnswer(step.event) {
                throw Violation("compress", "two are compressed at once")
            }
            if id == resumed { throw Violation("7", "\(id) is compressed, and was resumed from") }
            let newest = step.supervisor.checkpoints.last?.id
            if id == newest { throw Violation("7", "the newest, \(id), is compressed") }
            if bad.contains(id) { throw Violation("compress", "\(id) is bad") }
            if !after.orders.isEmpty {
                throw Violation("compress", "\(id) is compressed while \(after.orders) wait")
            }
            if step.supervisor.stop != nil || !after.leaderRuns {
                throw Violation("compress", "\(id) is compressed while no job is to run")
            }
        }
        if step.supervisor.stop?.count == 1, before.isCompressing, !isAnswer(step.event),
            case .signal(.stop) = step.event, step.actions.contains(where: \.beginsStop),
            step.now == step.supervisor.stop?.askedAt.nanoseconds,
            !step.actions.contains(.cancelCompression)
        {
            throw Violation("compress", "a stop, and it goes on")
        }
    }

    private func isAnswer(_ event: Event) -> Bool {
        if case .compressed = event { true } else { false }
    }
}
