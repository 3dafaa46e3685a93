import SuperviseCore
import SuperviseFormats

/// An operator who asks for a restart hears `ok` when the next attempt is up, neither before nor
/// much later, and an error where that attempt ends before.
struct StartWitness {
    private struct Asked {
        let connection: ConnectionID
        let after: Int
    }

    private var asked: [Int64: Asked] = [:]
    /// The attempt that was ordered last, until it cannot be started.
    private var ordered: Int?
    /// The attempt that ran last.
    private var lastRun = 0
    private var startedAt: Int64 = 0
    private var hasGreeted = false
    private var hasExited = false

    mutating func judge(_ step: Step, _ after: Ledger) throws(Violation) {
        if case .received(.control(let control), let sender, let seq?) = step.event,
            control.command == "restart", step.takesOver(from: sender)
        {
            asked[seq] = Asked(connection: sender, after: ordered ?? lastRun)
        }
        for case .setTimer(.lived, let at) in step.actions where at.nanoseconds <= step.now {
            throw Violation("starts", "a timer is set that goes off at once, again and again")
        }
        follow(step, after)
        try judgeAnswers(step, after)
        if case .disconnected(let gone) = step.event {
            asked = asked.filter { $0.value.connection != gone }
        }
        if step.exit != nil, !asked.isEmpty {
            throw Violation("starts", "the run ends, and \(asked.keys) wait for a restart")
        }
        try judgeWaiting(step, after)
    }

    private mutating func follow(_ step: Step, _ after: Ledger) {
        if let order = step.spawn {
            ordered = order.attempt
            hasGreeted = false
        }
        switch step.event {
        case .spawned:
            lastRun = ordered ?? lastRun
            startedAt = after.counted(step.now)
            hasExited = false
        case .spawnFailed:
            // Another attempt may get its number.
            asked = asked.mapValues {
                Asked(connection: $0.connection, after: min($0.after, lastRun))
            }
            ordered = nil
        case .jobExited: hasExited = true
        default: break
        }
        let welcomes = step.sends { if case .welcome = $0 { true } else { false } }
        if !welcomes.isEmpty { hasGreeted = true }
    }

    private func isUp(_ step: Step, _ after: Ledger) -> Bool {
        let hasLived = after.counted(step.now) - startedAt >= StartWaiters.proof.wholeNanoseconds
        return ordered != nil && lastRun == ordered
            && (hasGreeted || hasLived || isTimed(step, after))
    }

    /// The timer goes by a clock that also runs while the machine stands still, but not in a pause.
    private func isTimed(_ step: Step, _ after: Ledger) -> Bool {
        step.event == .timer(.lived) && after.pausedAt == nil
    }

    private mutating func judgeAnswers(_ step: Step, _ after: Ledger) throws(Violation) {
        for action in step.actions {
            guard case .send(let message, let connection, let seq?) = action,
                let one = asked[seq], one.connection == connection
            else { continue }
            asked[seq] = nil
            if message == .ok, lastRun <= one.after || !isUp(step, after) {
                throw Violation("starts", "a restart after \(one.after) is said to be done")
            }
        }
    }

    private func judgeWaiting(_ step: Step, _ after: Ledger) throws(Violation) {
        let supervisor = step.supervisor
        for (seq, one) in asked where lastRun > one.after && supervisor.stop == nil {
            if hasExited || supervisor.phase == .running && isUp(step, after) {
                throw Violation("starts", "\(seq) waits although it is known what came of it")
            }
            if supervisor.phase == .running, after.pausedAt == nil, after.armed[.lived] == nil {
                throw Violation("liveness", "\(seq) waits, and nothing will wake it")
            }
        }
    }
}
