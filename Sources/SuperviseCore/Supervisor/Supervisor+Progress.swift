import SuperviseFormats

/// Progress of the run, by ``ProgressRule``, and what it changes: failures start at zero with it.
extension Supervisor {
    private var progressRule: ProgressRule {
        ProgressRule(healthyAfter: settings.healthyAfter, maxFailures: settings.maxFailures)
    }

    /// A checkpoint is durable.
    mutating func noteCommit(step: Int64?) {
        let isProgress = progressRule.isProgress(
            .committed(step: step), after: ProgressRule.History(record))
        record.commits += 1
        guard isProgress else { return }
        madeProgress()
        record.bestStep = step ?? record.bestStep
        // This checkpoint is newer than all that attempts failed from.
        record.failures.suspects = [:]
    }

    /// The job reported a step.
    ///
    /// - Parameter base: where the attempt began.
    /// - Returns: whether the record is to be written: it is the first progress of the attempt, or the
    ///   first step of the run.
    mutating func noteReport(step: Int64, base: Int64) -> Bool {
        let isProgress = progressRule.isProgress(
            .reported(step: step, base: base), after: ProgressRule.History(record))
        let isFirst =
            isProgress && attempt?.progressed == false || record.progress.reportedStep == nil
        record.progress.reportedStep = max(step, record.progress.reportedStep ?? step)
        guard isProgress else { return isFirst }
        madeProgress()
        // Others stay suspect until there is a checkpoint that is newer than they are.
        if let from = attempt?.resume?.id { record.failures.suspects[from.description] = nil }
        return isFirst
    }

    /// An attempt has ended, and was not asked to.
    ///
    /// - Parameter failed: it counts as a failure.
    /// - Returns: whether it failed as the last ones did, so that another is of no use.
    mutating func noteEnd(_ end: JobEnd, failed: Bool, lived: Duration) -> Bool {
        let history = ProgressRule.History(record)
        if progressRule.isProgress(.lived(lived), after: history) { madeProgress() }
        guard history.isSilent, failed else {
            record.progress.sameEnds = nil
            return false
        }
        let ends = progressRule.ends(record.progress.sameEnds, then: end, lived: lived)
        record.progress.sameEnds = ends
        return progressRule.failsTheSameEachTime(ends, after: history)
    }

    private mutating func madeProgress() {
        attempt?.progressed = true
        record.failures.withoutProgress = 0
    }

    /// What the last line and the status say of a run that is given up for want of progress.
    func givenUp(because final: RunEvent.FailureCounted.Final) -> Status.GivenUp? {
        let failures: Int
        switch final {
        case .maxFailures: failures = record.failures.withoutProgress
        case .sameEachTime: failures = record.progress.sameEnds?.lived.count ?? 0
        case .restartNever, .fatalExitCode, .gaveUp: return nil
        }
        let history = ProgressRule.History(record)
        // One that lives longer, and fails all the same, gets nothing for it.
        let longest = final == .sameEachTime ? record.progress.sameEnds?.lived.max() ?? 0 : 0
        let countsLife = history.isSilent && longest < settings.healthyAfter.seconds
        return Status.GivenUp(
            reason: final, failures: failures, reportedStep: history.reportedStep,
            commits: history.commits, committedStep: history.committedStep,
            healthyAfter: countsLife ? settings.healthyAfter.seconds : nil)
    }
}
