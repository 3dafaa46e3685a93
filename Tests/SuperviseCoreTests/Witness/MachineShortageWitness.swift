import SuperviseCore
import SuperviseFormats

/// A shortage of the machine is no failure: it is told once, tried again ever more seldom, and ends the
/// run only at its start.
struct MachineShortageWitness {
    private var since: Int64?
    private var refusals = 0
    private var hasRun = false

    mutating func judge(_ step: Step, after ledger: Ledger) throws(Violation) {
        switch step.event {
        case .spawnFailed(.shortage), .spawnFailed(.unwatched), .verified(_, .shortage):
            try judgeRefusal(step, ledger)
        case .hindered:
            if ledger.armed[.again] == nil {
                throw Violation("shortage", "what was refused is not tried again")
            }
        case .recordRefused where refusesStart(step):
            try judgeRefusal(step, ledger)
        case .spawned: try judgeStart(step)
        case .spawnFailed: since = nil
        default: break
        }
    }

    /// Else the run goes on without it.
    private func refusesStart(_ step: Step) -> Bool {
        if step.exit != nil { return true }
        return step.supervisor.phase == .waiting
            && step.actions.contains { if case .record = $0 { true } else { false } }
    }

    private mutating func judgeRefusal(_ step: Step, _ ledger: Ledger) throws(Violation) {
        for case .log(.failed) in step.actions {
            throw Violation("shortage", "it is counted as a failure")
        }
        let isFirst = since == nil
        let begin = since ?? step.now
        let lasted = step.now - begin
        refusals = isFirst ? 1 : refusals + 1
        since = begin
        if let exit = step.exit {
            switch exit {
            case .stopped, .preempted: return
            case .refused where !hasRun && lasted >= 30_000_000_000: return
            default: throw Violation("shortage", "the run ends as \(exit) after \(lasted) ns of it")
            }
        }
        if !hasRun, lasted >= 30_000_000_000 {
            throw Violation("shortage", "whoever has started us waits for \(lasted) ns")
        }
        if warnings(step) != (isFirst ? 1 : 0) {
            throw Violation("shortage", "it is told \(warnings(step)) times, first: \(isFirst)")
        }
        guard ledger.pausedAt == nil else { return }
        guard let at = ledger.armed[.backoff] else {
            throw Violation("shortage", "nothing is tried again")
        }
        var longest: Int64 = 100_000_000
        for _ in 1..<refusals { longest = min(longest * 2, 30_000_000_000) }
        if at - step.now > longest / 10 * 12 + 10 {
            throw Violation("shortage", "tried again after \(at - step.now) ns")
        }
    }

    private mutating func judgeStart(_ step: Step) throws(Violation) {
        if warnings(step) != (since == nil ? 0 : 1) {
            throw Violation("shortage", "its end is told \(warnings(step)) times")
        }
        hasRun = true
        since = nil
        refusals = 0
    }

    private func warnings(_ step: Step) -> Int {
        step.actions.count {
            if case .log(.warning(let warning)) = $0 {
                warning.message.contains("shortage")
                    || warning.message.contains("waiting for the machine")
            } else {
                false
            }
        }
    }
}
