import SuperviseCore
import SuperviseFormats

/// Runs that show nothing but how long their attempts live.
extension FailureWitness {
    /// Lifetimes are all that such a run shows.
    var isSilent: Bool { counts.reported == nil && !counts.hasCommitted }

    func lived(_ attempt: Current) -> Double {
        Double((attempt.endedAt ?? attempt.startedAt) - attempt.startedAt) / 1e9
    }

    func isHealthy(_ attempt: Current, _ step: Step) -> Bool {
        isSilent && lived(attempt) >= step.settings.healthyAfter.seconds
    }

    func failsTheSameWay(_ step: Step) -> Bool {
        let most = max(2, step.settings.maxFailures)
        let last = counts.ends.suffix(most)
        guard isSilent, last.count == most,
            let longest = last.map(\.lived).max(), let shortest = last.map(\.lived).min()
        else { return false }
        let isQuick = longest < step.settings.healthyAfter.seconds && longest - shortest <= 2
        return Set(last.map(\.status)).count == 1 && (isQuick || longest - shortest <= longest / 10)
    }

    /// What the end of an attempt says of its run.
    mutating func judgeEnd(
        _ failed: RunEvent.FailureCounted, of attempt: inout Current, _ step: Step, _ after: Ledger
    ) throws(Violation) {
        guard failed.failure.kind != .spawn else { return }
        if isHealthy(attempt, step) {
            attempt.progressed = true
            counts.inARow = 0
        }
        let status = "\(String(describing: after.lastExit))"
        counts.ends = isSilent ? counts.ends + [(status, lived(attempt))] : []
        let isOut = after.isOutOfMemory && failed.failure.kind != .hang
        if isOut != (failed.failure.kind == .oom) {
            throw Violation("12", "\(failed.failure.kind), out of memory: \(isOut)")
        }
    }
}
