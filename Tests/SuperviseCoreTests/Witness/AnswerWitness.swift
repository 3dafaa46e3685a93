import SuperviseCore
import SuperviseFormats

/// Every request gets exactly one answer, unless its connection, the job or the run ended.
struct AnswerWitness {
    private var pending: [Int64: ConnectionID] = [:]
    /// Those that wait until pins are written, or checkpoints removed.
    private var keeping: Set<Int64> = []
    private static let keepers = ["pin", "unpin", "delete", "prune"]

    mutating func judge(_ step: Step, _ ledger: Ledger, _ world: World) throws(Violation) {
        if case .received(let message, let connection, let seq?) = step.event {
            if needsAnswer(message) { pending[seq] = connection }
            if case .control(let control) = message, Self.keepers.contains(control.command) {
                keeping.insert(seq)
            }
        }
        for action in step.actions {
            guard case .send(let message, let connection, let seq?) = action else { continue }
            if pending.removeValue(forKey: seq) == connection { continue }
            // What is said to a connection that is closed is heard by nobody.
            if world.links[connection.number]?.isOpen != true { continue }
            guard case .error = message, case .received(_, connection, seq) = step.event else {
                throw Violation("answers", "\(message) answers \(seq) a second time, or nothing")
            }
        }
        if case .disconnected(let gone) = step.event {
            pending = pending.filter { $0.value != gone }
        }
        for case .close(let connection) in step.actions {
            pending = pending.filter { $0.value != connection }
        }
        if step.exit != nil { pending = pending.filter { keeping.contains($0.key) } }
        try judgeImmediate(step)
        try judgeOutstanding(step, ledger, world)
    }

    private func needsAnswer(_ message: JobMessage) -> Bool {
        switch message {
        case .hello, .begin, .commit, .add, .abort, .control: true
        case .heartbeat, .progress, .failed, .giveUp: false
        }
    }

    /// What does not wait for the disk or the job is answered in the same step.
    private func judgeImmediate(_ step: Step) throws(Violation) {
        guard case .received(let message, let connection, let seq?) = step.event,
            pending[seq] == connection
        else { return }
        switch message {
        case .hello, .abort: throw Violation("answers", "\(message) is not answered")
        case .control(let control)
        where !["checkpoint", "restart"].contains(control.command)
            && !Self.keepers.contains(control.command):
            throw Violation("answers", "\(control.command) is not answered")
        case .begin, .commit, .add, .control, .heartbeat, .progress, .failed, .giveUp: break
        }
    }

    /// When nothing is under way that could answer, nothing may be left without one.
    private func judgeOutstanding(
        _ step: Step, _ ledger: Ledger, _ world: World
    ) throws(Violation) {
        let supervisor = step.supervisor
        let isKeeping = !supervisor.leaving.isEmpty || !supervisor.pinning.isEmpty
        let isSaving =
            ledger.open != nil || !ledger.orders.isEmpty || supervisor.openRequest != nil
            || supervisor.shortage != nil || !supervisor.startWaiters.isEmpty
        for (seq, connection) in pending
        where !(keeping.contains(seq) ? isKeeping : isSaving)
            && world.links[connection.number]?.isOpen == true
        {
            throw Violation("answers", "seq \(seq) of \(connection) will never be answered")
        }
    }
}
