import SuperviseCore
import SuperviseFormats

/// Who is paused stands still, and whatever begins or ends a pause is done to the whole job.
struct PauseWitness {
    func judge(_ step: Step, _ before: Ledger, _ after: Ledger) throws(Violation) {
        let isPaused = after.pausedAt != nil
        if isPaused != step.supervisor.isPaused {
            throw Violation("pause", "paused is \(!isPaused), and should not be")
        }
        let pauses = step.actions.contains(.pauseJob)
        let goesOn = step.actions.contains(.unpauseJob)
        let begins = isPaused && before.pausedAt == nil
        // A machine that is taken away ends a pause in the step in which it, or the job, has begun.
        let isBrief = pauses && goesOn && step.actions.contains(where: \.beginsStop)
        if !isBrief, pauses != (after.isSpawned && isPaused && (begins || isSpawn(step.event))) {
            throw Violation("pause", "\(step.event) gives \(step.actions)")
        }
        let ends = !isPaused && before.pausedAt != nil
        if ends, before.isSpawned, !goesOn {
            throw Violation("pause", "a pause ends, and the job stands still")
        }
        if goesOn, !ends, !isBrief {
            guard case .jobExited(.exited(0)) = step.event, isPaused else {
                throw Violation("pause", "a job goes on that is not paused")
            }
        }
        if isPaused, step.spawn != nil, !isStart(step.event) {
            throw Violation("pause", "a job is started in a pause")
        }
    }

    private func isSpawn(_ event: Event) -> Bool {
        if case .spawned = event { true } else { false }
    }

    /// What was already under way goes on.
    private func isStart(_ event: Event) -> Bool {
        switch event {
        case .recorded, .verified, .leftoversEnded, .watchFlushed, .committed, .commitFailed,
            .notAdded, .diskFull, .removed, .archives:
            true
        default: false
        }
    }
}
