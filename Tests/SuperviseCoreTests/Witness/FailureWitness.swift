import SuperviseCore
import SuperviseFormats

/// Promise 6: failures without progress are counted, older checkpoints are tried, and the run is
/// given up exactly after `--max-failures`, with the job's own status.
struct FailureWitness {
    /// What is known from the record, and so what a new supervisor goes on from.
    struct Counts {
        var inARow = 0
        var from: [CheckpointID: Int] = [:]
        var best: Int64?
        var attempt: Current?
        var isEndedCleanly = false
        var attempts = 0
    }

    struct Current {
        let resume: CheckpointID?
        var committed = false
        var progressed = false
        var movedForward = false
        var lastStep: Int64?
    }

    var counts = Counts()
    /// As they were at each record of the last step.
    var recorded: [Counts] = []
    private var ownCommits: Set<CheckpointID> = []
    private var knownBad: Set<CheckpointID> = []

    mutating func supervisorStarts(_ world: World) {
        counts = world.disk.counts
        ownCommits = []
        let damaged = world.disk.payloads.filter(\.value.hasNoManifest).keys
        knownBad = Set(damaged)
        let readable = world.disk.visible.filter { !knownBad.contains($0) }
        counts.best = ([counts.best] + readable.map(\.step)).compactMap { $0 }.max()
        if counts.isEndedCleanly {
            counts.inARow = 0
            counts.from = [:]
        } else if let lost = counts.attempt, !lost.movedForward, let resume = lost.resume {
            counts.from[resume, default: 0] += 1
        }
        counts.isEndedCleanly = false
        counts.attempt = nil
        if case .checkpoint(let chosen) = world.settings.resumeFrom { counts.from[chosen] = nil }
    }

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        recorded = []
        follow(step, before)
        for action in step.actions {
            switch action {
            case .record(let record, _):
                try judge(record, step, after, world)
                recorded.append(counts)
            case .log(.failed(let failed)) where failed.failure.kind != .machine:
                try judgeFailure(failed, step)
            default: break
            }
        }
        if let exit = step.exit { try judgeExit(exit, step, after.lastExit) }
    }

    private mutating func follow(_ step: Step, _ before: Ledger) {
        switch step.event {
        case .verified(let id, .bad): knownBad.insert(id)
        case .received(.progress(let report), let sender, _):
            guard before.leaderRuns, before.members[sender] != nil, let new = report.step else {
                return
            }
            let last = counts.attempt?.lastStep ?? counts.attempt?.resume?.step ?? 0
            if new > last { counts.attempt?.movedForward = true }
            counts.attempt?.lastStep = new
        case .committed(let summary, _):
            guard before.orders.contains(summary.id) else { return }
            ownCommits.insert(summary.id)
            counts.attempt?.committed = true
            counts.attempt?.movedForward = true
            if let resume = counts.attempt?.resume { counts.from[resume] = nil }
            if let best = counts.best, let new = summary.id.step, new <= best { return }
            counts.best = summary.id.step ?? counts.best
            counts.inARow = 0
            counts.from = [:]
            counts.attempt?.progressed = true
        default: break
        }
    }

    private mutating func judge(
        _ record: RunRecord, _ step: Step, _ ledger: Ledger, _ world: World
    ) throws(Violation) {
        if record.attempt > counts.attempts, let current = record.current {
            counts.attempts = record.attempt
            counts.attempt = Current(resume: current.resumedFrom)
            counts.isEndedCleanly = false
            if let wrong = wrongChoice(current.resumedFrom, step, ledger, world) {
                throw Violation("6", wrong)
            }
        }
        if record.current == nil, counts.attempt != nil, record.outcome != nil {
            counts.attempt = nil
        }
        counts.isEndedCleanly = record.outcome != nil
        if record.failures.withoutProgress != counts.inARow {
            throw Violation(
                "6", "\(record.failures.withoutProgress) failures, and not \(counts.inARow)")
        }
    }

    /// The newest that is not suspect, of those that the options allow.
    private func wrongChoice(
        _ chosen: CheckpointID?, _ step: Step, _ ledger: Ledger, _ world: World
    ) -> String? {
        let candidates = world.disk.visible.filter {
            if knownBad.contains($0) || ledger.notOffered.contains($0) { return false }
            switch step.settings.resumeFrom {
            case .newest: return true
            case .beginning: return ownCommits.contains($0)
            case .checkpoint(let id): return $0 <= id || ownCommits.contains($0)
            }
        }
        let expected =
            candidates.last { counts.from[$0, default: 0] < step.settings.rollbackAfter }
            ?? candidates.first
        if chosen == expected { return nil }
        return "resumes from \(String(describing: chosen)), not \(String(describing: expected)) "
            + "of \(candidates), failures \(counts.from)"
    }

    private mutating func judgeFailure(
        _ failed: RunEvent.FailureCounted, _ step: Step
    ) throws(Violation) {
        guard let attempt = counts.attempt else {
            throw Violation("6", "attempt \(failed.failure.attempt) failed twice")
        }
        if !attempt.progressed { counts.inARow += 1 }
        if !attempt.committed, let resume = attempt.resume { counts.from[resume, default: 0] += 1 }
        counts.attempt = nil
        if failed.count != counts.inARow {
            throw Violation("6", "\(failed.count) failures are told, and not \(counts.inARow)")
        }
        if counts.inARow >= step.settings.maxFailures {
            guard case .failed? = step.exit else {
                throw Violation("6", "--max-failures is reached, and it goes on")
            }
            return
        }
        if step.exit != nil { throw Violation("6", "given up before --max-failures") }
        try judgeWait(step)
    }

    private func judgeWait(_ step: Step) throws(Violation) {
        for case .setTimer(.backoff, let at) in step.actions {
            let wait = at.nanoseconds - step.now
            let range = step.settings.backoff
            let first = range.lowerBound.wholeNanoseconds
            let longest = range.upperBound.wholeNanoseconds
            var exponential = first
            for _ in 1..<max(counts.inARow, 1) {
                exponential = min(exponential * 2, longest)
            }
            if wait < first || wait < exponential / 10 * 8 - 10 || wait > longest
                || wait > exponential / 10 * 12 + 10
            {
                throw Violation("6", "a wait of \(wait) ns after \(counts.inARow) failures")
            }
            return
        }
        throw Violation("6", "a failure, and no wait before the next attempt")
    }

    private func judgeExit(
        _ exit: Action.Ending, _ step: Step, _ end: JobEnd?
    ) throws(Violation) {
        guard case .failed(let status) = exit else { return }
        switch step.event {
        case .spawnFailed(let failure):
            let own: Int32 =
                switch failure {
                case .notFound: 127
                case .notExecutable: 126
                case .system: 125
                }
            if status != own { throw Violation("6", "given up with \(status), not \(own)") }
            if counts.attempts == 1, own != 125 { return }
        default:
            if let end, end.shellStatus != status {
                throw Violation("6", "given up with \(status), not \(end.shellStatus)")
            }
        }
        if counts.inARow < step.settings.maxFailures {
            throw Violation("6", "given up after \(counts.inARow) failures")
        }
    }
}
