import SuperviseCore
import SuperviseFormats

/// Each attempt finds the file that the first one found, and nobody completes a run because its input is
/// used up.
struct InputWitness {
    /// Attempts of this supervisor that ran.
    private var ran = 0
    private var resume: CheckpointSummary?

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        if case .spawned = step.event { ran += 1 }
        if let order = step.spawn {
            resume = order.resume
            let rewinds = step.actions.contains(.rewindInput(to: SimulatedInput.start))
            if rewinds != (ran > 0 && world.input.kind == .file) {
                throw Violation("input", "attempt \(ran + 1) is started by \(step.actions)")
            }
        }
        let isUsedUp = ran > 1 && resume == nil && world.input.isUsedUp
        if step.exit == .completed, isUsedUp {
            throw Violation("input", "it completes, and its input was used up before")
        }
        let record = step.supervisor.record
        // Where no attempt ran, the outcome is that of before.
        if step.exit != nil, ran > 0, record.outcome?.reason == .inputUsedUp, !isUsedUp {
            throw Violation("input", "it fails for an input that is not used up")
        }
    }
}
