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
        /// The names of watched files have shown that they tell no steps.
        var namesEnded = false
        var attempt: Current?
        var isEndedCleanly = false
        var attempts = 0
        /// All that ever were, but for jobs that could not be started.
        var seen = 0
        var measured = 0
        var reported: Int64?
        var hasCommitted = false
        /// How attempts ended, as long as these failed: status and lifetime in seconds.
        var ends: [(status: String, lived: Double)] = []
        /// The last failure, until an attempt ended in another way.
        var last: (attempt: Int, kind: Failure.Kind)?
    }

    struct Current {
        let resume: CheckpointID?
        var committed = false
        var progressed = false
        var movedForward = false
        var lastStep: Int64?
        /// In counted time.
        var startedAt: Int64 = 0
        var endedAt: Int64?
    }

    var counts = Counts()
    /// As they were at each record of the last step.
    var recorded: [Counts] = []
    /// The last failure was to be the last one.
    private var isFinal = false
    private var finalReason: RunEvent.FailureCounted.Final?
    private var ownCommits: Set<CheckpointID> = []
    private var knownBad: Set<CheckpointID> = []
    /// What the supervisor's last attempt resumed from.
    private var lastBase: CheckpointID?

    mutating func supervisorStarts(_ world: World) {
        counts = world.disk.counts
        ownCommits = []
        lastBase = nil
        let damaged = world.disk.payloads.filter(\.value.hasNoManifest).keys
        knownBad = Set(damaged)
        let readable = world.disk.visible.filter { !knownBad.contains($0) }
        if !counts.namesEnded {
            counts.best = ([counts.best] + readable.map(\.step)).compactMap { $0 }.max()
        }
        if !world.disk.visible.isEmpty || !damaged.isEmpty { counts.hasCommitted = true }
        if counts.last?.attempt != counts.attempts { counts.last = nil }
        if counts.isEndedCleanly {
            counts.inARow = 0
            counts.from = [:]
            counts.ends = []
        } else if let lost = counts.attempt, !lost.movedForward, let resume = lost.resume {
            counts.from[resume, default: 0] += 1
        }
        if counts.attempt != nil, !counts.isEndedCleanly { counts.seen += 1 }
        counts.isEndedCleanly = false
        counts.attempt = nil
        if case .checkpoint(let chosen) = world.settings.resumeFrom { counts.from[chosen] = nil }
    }

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ world: World
    ) throws(Violation) {
        recorded = []
        follow(step, before)
        if case .jobExited = step.event {
            counts.attempt?.endedAt = after.counted(step.now)
        }
        for action in step.actions {
            switch action {
            case .record(let record, _):
                if record.namedSteps == .ended, !counts.namesEnded {
                    counts.namesEnded = true
                    counts.best = nil
                }
                try judge(record, step, after, world)
                recorded.append(counts)
            case .publish(let status): try judge(status, step)
            case .log(.failed(let failed)):
                if failed.failure.kind != .machine { try judgeFailure(failed, step, after) }
                counts.last = (failed.failure.attempt, failed.failure.kind)
            case .spawn(let order):
                if order.lastFailure != counts.last?.kind {
                    throw Violation(
                        "12", "told \(order.lastFailure as Any), not \(counts.last as Any)")
                }
            case .log(.restarting(let told)): try judgeRestart(told, step, after)
            default: break
            }
        }
        if let exit = step.exit { try judgeExit(exit, step, after.lastExit) }
        if step.exit == .completed,
            step.settings.restart == .always || after.hasGivenUp || after.lastExit != .exited(0)
        {
            throw Violation("6", "it completes with \(String(describing: after.lastExit))")
        }
    }

    /// The last record once more, as writing it failed.
    mutating func isWrittenAgain(_ step: Step) {
        recorded = step.actions.filter { if case .record = $0 { true } else { false } }
            .map { _ in counts }
    }

    /// What is followed by another attempt, and is no failure.
    private mutating func judgeRestart(
        _ told: RunEvent.Restarting, _ step: Step, _ after: Ledger
    ) throws(Violation) {
        let attempt = counts.attempt
        counts.attempt = nil
        counts.last = nil
        switch told.reason {
        case .asked:
            if after.armed[.backoff] != step.now {
                throw Violation("restart", "the next attempt does not begin at once")
            }
        case .always:
            if step.settings.restart != .always || after.lastExit != .exited(0) || after.hasGivenUp
            {
                throw Violation("6", "started again after \(String(describing: after.lastExit))")
            }
            if let attempt, isHealthy(attempt, step) { counts.inARow = 0 }
            counts.ends = []
            if after.pausedAt == nil { try judgeWait(step) }
        }
    }

    /// Why there must be no other attempt.
    private func final(_ failed: RunEvent.FailureCounted, _ step: Step, _ after: Ledger)
        -> RunEvent.FailureCounted.Final?
    {
        if after.hasGivenUp, failed.failure.kind != .spawn { return .gaveUp }
        if step.settings.restart == .never { return .restartNever }
        if [.crash, .oom].contains(failed.failure.kind), let code = failed.failure.exitCode,
            step.settings.fatalExitCodes.contains(code)
        {
            return .fatalExitCode
        }
        if failed.failure.kind != .spawn, failsTheSameWay(step) { return .sameEachTime }
        return counts.inARow >= step.settings.maxFailures ? .maxFailures : nil
    }

    private func isTakenBack(_ step: Step) -> Bool {
        counts.attempt != nil && step.supervisor.record.attempt < counts.attempts
    }

    private mutating func follow(_ step: Step, _ before: Ledger) {
        switch step.event {
        case .verified(let id, .bad):
            knownBad.insert(id)
            // Nobody goes on from it any more: what had failed from there is forgotten.
            counts.from[id] = nil
        case .spawnFailed(.shortage) where isTakenBack(step),
            .spawnFailed(.unwatched) where isTakenBack(step),
            .recordRefused where isTakenBack(step):
            // It has not begun, as far as the record knows.
            counts.attempt = nil
            counts.attempts = step.supervisor.record.attempt
        case .received(.progress(let report), let sender, _):
            guard before.leaderRuns, before.members[sender] != nil, let new = report.step else {
                return
            }
            // Resumed from an unknown step, the first that is told is where it began.
            let resumed = counts.attempt?.resume.map { $0.step ?? new }
            let last = counts.attempt?.lastStep ?? resumed ?? 0
            if new > last { counts.attempt?.movedForward = true }
            counts.attempt?.lastStep = new
            if new > counts.reported ?? resumed ?? 0 {
                counts.inARow = 0
                counts.attempt?.progressed = true
                if let resume = counts.attempt?.resume { counts.from[resume] = nil }
            }
            counts.reported = max(new, counts.reported ?? new)
        case .committed(let summary, _):
            guard before.orders.contains(summary.id) else { return }
            ownCommits.insert(summary.id)
            counts.measured += 1
            counts.hasCommitted = true
            // What a checkpoint holds already is no progress.
            if before.repeats.contains(summary.id) { return }
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
            counts.attempt = Current(
                resume: current.resumedFrom, startedAt: ledger.counted(step.now))
            counts.isEndedCleanly = false
            if let wrong = wrongChoice(current.resumedFrom, step, ledger, world) {
                throw Violation("6", wrong)
            }
            try judgeStepBack(current.resumedFrom, step)
        }
        if record.current == nil, counts.attempt != nil, record.outcome != nil {
            counts.attempt = nil
        }
        counts.isEndedCleanly = record.outcome != nil
        if record.failures.withoutProgress != counts.inARow {
            throw Violation(
                "6", "\(record.failures.withoutProgress) failures, and not \(counts.inARow)")
        }
        let experience = record.experience
        if experience.failures != counts.seen || experience.measured != counts.measured {
            throw Violation(
                "interval",
                "\(experience), and not \(counts.seen) failures, "
                    + "\(counts.measured) measured")
        }
    }

    /// What the options allow to resume from, of what the supervisor knows.
    private func allowed(_ step: Step) -> [CheckpointID] {
        step.supervisor.checkpoints.map(\.id).filter {
            switch step.settings.resumeFrom {
            case .newest: true
            case .beginning: ownCommits.contains($0)
            case .checkpoint(let id): $0 <= id || ownCommits.contains($0)
            }
        }
    }

    private func judge(_ status: Status, _ step: Step) throws(Violation) {
        var expected: [CheckpointID] = []
        for id in allowed(step).reversed() {
            guard counts.from[id, default: 0] >= step.settings.rollbackAfter else { break }
            expected.insert(id, at: 0)
        }
        if status.suspect != expected {
            throw Violation("6", "suspect are \(status.suspect), not \(expected)")
        }
    }

    /// Whoever goes back says so, once.
    private mutating func judgeStepBack(
        _ chosen: CheckpointID?, _ step: Step
    ) throws(Violation) {
        let told = step.actions.compactMap {
            if case .log(.rolledBack(let told)) = $0 { told } else { nil }
        }
        let newer = step.supervisor.checkpoints.map(\.id).filter { id in
            chosen.map { id > $0 } ?? false
        }
        let isDue = !newer.isEmpty && chosen != lastBase
        lastBase = chosen ?? lastBase
        guard told.count == (isDue ? 1 : 0) else {
            throw Violation("6", "a step back to \(String(describing: chosen)) is told as \(told)")
        }
        guard let told = told.first else { return }
        let failed = allowed(step).last.flatMap { newer.contains($0) ? $0 : nil }
        if told.to != chosen || told.passed != newer.count
            || told.from != (failed ?? newer.last)
            || told.failures != failed.map({ counts.from[$0, default: 0] })
        {
            throw Violation("6", "a step back is told as \(told)")
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
        _ failed: RunEvent.FailureCounted, _ step: Step, _ after: Ledger
    ) throws(Violation) {
        guard var attempt = counts.attempt else {
            throw Violation("6", "attempt \(failed.failure.attempt) failed twice")
        }
        if failed.failure.kind != .spawn { counts.seen += 1 }
        try judgeEnd(failed, of: &attempt, step, after)
        if !attempt.progressed { counts.inARow += 1 }
        if !attempt.committed, !attempt.progressed, let resume = attempt.resume {
            counts.from[resume, default: 0] += 1
        }
        counts.attempt = nil
        if failed.count != counts.inARow {
            throw Violation("6", "\(failed.count) failures are told, and not \(counts.inARow)")
        }
        let final = final(failed, step, after)
        if failed.final != final {
            throw Violation("6", "the last failure is told as \(failed), not \(final as Any)")
        }
        isFinal = final != nil
        finalReason = final
        if final != nil {
            guard case .failed? = step.exit else {
                throw Violation("6", "it should give up, and it goes on")
            }
            return
        }
        // There is no other attempt on a machine that is taken away.
        if step.exit == .preempted, after.notice != nil { return }
        if step.exit != nil { throw Violation("6", "given up too early") }
        if after.pausedAt == nil { try judgeWait(step) }
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
        if let code = step.settings.gaveUpExitCode,
            [.maxFailures, .sameEachTime, .gaveUp].contains(finalReason)
        {
            if status != code { throw Violation("12", "given up with \(status), not \(code)") }
            return
        }
        // InputWitness knows when.
        if step.supervisor.record.outcome?.reason == .inputUsedUp { return }
        switch step.event {
        case .spawnFailed(let failure):
            let own: Int32 =
                switch failure {
                case .notFound: 127
                case .notExecutable: 126
                case .system: 125
                case .shortage, .unwatched: throw Violation("6", "a shortage is booked to the job")
                }
            if status != own { throw Violation("6", "given up with \(status), not \(own)") }
            if counts.attempts == 1, own != 125 { return }
        default:
            // Status 0 is for runs that completed.
            if let end, max(1, end.shellStatus) != status {
                throw Violation("6", "given up with \(status), not \(end.shellStatus)")
            }
        }
        if !isFinal { throw Violation("6", "given up after \(counts.inARow) failures") }
    }
}
