import SuperviseCore
import SuperviseFormats

/// The machine is taken away: nothing of the job outlives it, as much as can be is saved and used,
/// and people are told what came of it. Whoever can tell is asked, but never without end.
struct PreemptionWitness {
    /// When all had stood still, nobody could do anything before.
    private var notBefore: Int64 = 0
    /// A final checkpoint that is asked for later than this may be lost, as things stand.
    private var askBy: Int64?
    private var isOver = false
    private var told = Told()
    private var work = Work()
    /// When inquiries began, in the last second.
    private var asked: [Int64] = []
    /// Since when somebody is not being asked.
    private var idleSince: Int64?
    /// When a recommendation last led to a request.
    private var advisedAt: Int64?

    private struct Told {
        var failing = 0
        var recovered = 0
        var nonsense = 0
        var remarks = 0
    }

    /// What would be lost with the job, as far as it can be known; in the time that counts.
    private struct Work {
        var attempt = 0
        var began: [CheckpointID: Int64] = [:]
        var securedAt: Int64 = 0
        var endedAt: Int64?
        var hasRun = false
        /// It failed after a notice.
        var hasFailedInTime = false
        /// What it writes by itself may be older than it looks.
        var isExact = true
    }

    private static let second: Int64 = 1_000_000_000
    private static let slack: Int64 = 100_000_000

    func look(_ now: Int64, _ ledger: Ledger) throws(Violation) {
        if let notice = ledger.notice, !isOver {
            if !ledger.isCondemned, now > max(notice.killBy, notBefore) + Self.slack {
                throw Violation("preemption", "the job outlives its deadline")
            }
            if let askBy, now > max(askBy, notBefore) + Self.second {
                throw Violation("preemption", "a final checkpoint is asked for too late, or not")
            }
        }
        if let idleSince, now > max(idleSince, notBefore) + 11 * Self.second {
            throw Violation("sources", "somebody is not asked any more")
        }
    }

    /// An attempt was started after a notice.
    private var hasBegunAnother = false

    mutating func judge(
        _ step: Step, _ before: Ledger, _ after: Ledger, _ stop: StopWitness
    ) throws(Violation) {
        if case .stoodStill = step.event { notBefore = step.now }
        follow(step, before, after)
        if after.notice != nil, step.spawn != nil { hasBegunAnother = true }
        // With more than five minutes there is time for another attempt.
        if let notice = after.notice, step.spawn != nil,
            notice.deadline - step.now <= 300 * Self.second
        {
            throw Violation("preemption", "a spawn on a machine that is taken away")
        }
        try judgeRecommendation(step, before, after)
        try judgeTime(step, before, after)
        try judgeStatus(step, after)
        try judgeSources(step, after)
        try judgeEnd(step, after, stop)
        if step.exit != nil { isOver = true }
    }

    /// The end is decided, and nobody is asked any more.
    mutating func judgeClosing(_ step: Step, _ after: Ledger) throws(Violation) {
        try judgeStatus(step, after)
        try judgeAcknowledgement(step)
        if !after.inquiries.isEmpty { throw Violation("sources", "somebody is asked at the end") }
    }

    private mutating func follow(_ step: Step, _ before: Ledger, _ after: Ledger) {
        let counted = after.counted(step.now)
        // One that has not begun gives its number to the next one.
        work.attempt = min(work.attempt, step.supervisor.record.attempt)
        for case .record(let record, _) in step.actions
        where record.current != nil && record.attempt > work.attempt {
            work = Work(attempt: record.attempt, securedAt: counted)
        }
        for action in step.actions {
            switch action {
            case .makeStaging(let id):
                work.began[id] = work.began[id] ?? before.beganAt(step)
            case .add(let order, let source):
                if source.path.isBelow("/out") { work.isExact = false }
                work.began[order.id] = work.began[order.id] ?? counted
            default: break
            }
        }
        // It may wait behind others.
        for waiting in step.supervisor.committing where work.began[waiting.id] == nil {
            work.began[waiting.id] = counted
        }
        for case .log(.failed) in step.actions { work.hasFailedInTime = before.notice != nil }
        if after.notice == nil { work.hasFailedInTime = false }
        switch step.event {
        case .spawned: work.hasRun = true
        case .jobExited: work.endedAt = counted
        case .committed(let summary, _) where before.orders.contains(summary.id):
            work.securedAt = max(work.securedAt, work.began[summary.id] ?? 0)
        default: break
        }
    }

    /// The machine stays, or comes back: the job is asked, and nothing else is done to it.
    private mutating func judgeRecommendation(
        _ step: Step, _ before: Ledger, _ after: Ledger
    ) throws(Violation) {
        guard case .answered = step.event, after.notice == nil else { return }
        if step.signalsAnyone || !step.stopSends.isEmpty
            || step.actions.contains(where: \.beginsStop)
        {
            throw Violation("preemption", "nobody takes the machine, and there is a stop")
        }
        let request = step.supervisor.openRequest
        let canBeAsked =
            before.isAskable(step) && before.pausedAt == nil && step.supervisor.stop == nil
        let isTooSoon = isTooSoon(step, after)
        if after.isRecommended, canBeAsked, request == nil, !isTooSoon {
            throw Violation("preemption", "a checkpoint is recommended, and not asked for")
        }
        let isNew = step.actions.contains {
            if case .log(.checkpointRequested) = $0 { true } else { false }
        }
        if isNew, isTooSoon {
            throw Violation("preemption", "recommendations ask more often than the interval")
        }
        if after.isRecommended, !isTooSoon, request != nil, before.leaderRuns,
            before.pausedAt == nil, step.supervisor.stop == nil
        {
            advisedAt = step.now
        }
        if isNew, !after.isRecommended || request?.reason != .preemption {
            throw Violation("preemption", "a checkpoint is asked for, and nobody wanted one")
        }
    }

    private func isTooSoon(_ step: Step, _ after: Ledger) -> Bool {
        guard let advisedAt, let recommended = after.recommended,
            !recommended.hasPrefix("hibernate")
        else { return false }
        let seen = step.supervisor.record.experience
        let interval =
            if case .every(let duration) = step.settings.checkpointEvery {
                duration.seconds
            } else {
                seen.cost.map { IntervalWitness.interval(cost: $0, seen) } ?? 300
            }
        return Double(step.now - advisedAt) / 1e9 < interval
    }

    /// Not so late that it cannot be answered, and not so early that work is thrown away.
    private mutating func judgeTime(
        _ step: Step, _ before: Ledger, _ after: Ledger
    ) throws(Violation) {
        guard let notice = after.notice, step.exit == nil else {
            askBy = nil
            return
        }
        let costs = step.supervisor.record.experience.recent
        let slowest = costs.max() ?? 0
        let rate = step.supervisor.status(at: step.moment).progress.rate
        let pace = rate.map { 1 / $0 } ?? 0
        let began = step.actions.contains(where: \.beginsStop) && !Self.isAsked(step)
        if began, before.notice != nil, after.isAskable(step), !after.isHung,
            Double(notice.saveBy - step.now) / 1e9 > 3 * slowest + 5 + 2 * pace + 0.1,
            !costs.isEmpty
        {
            throw Violation("preemption", "work is thrown away, as the job is stopped too early")
        }
        let waits = after.isAskable(step) && !after.isHung && step.supervisor.stop == nil
        let latest = notice.saveBy - Int64(slowest * 1e9)
        askBy = waits ? max(latest, step.now) : nil
    }

    private static func isAsked(_ step: Step) -> Bool {
        switch step.event {
        case .signal(.stop), .signal(.hangUp), .received(.control, _, _): true
        default: false
        }
    }

    private func judgeStatus(_ step: Step, _ after: Ledger) throws(Violation) {
        for case .publish(let status) in step.actions {
            guard let told = status.preemption else {
                if after.notice != nil || step.settings.preempt != nil {
                    throw Violation("preemption", "a status tells nothing of it")
                }
                continue
            }
            let sources = told.sources.count
            let ended = told.sources.filter { $0.state == .ended }.count
            // However many questions it is asked, it is one service.
            if sources != min(step.supervisor.sources.count, 1)
                || ended != (step.supervisor.isClosing ? sources : 0)
            {
                throw Violation("preemption", "the sources are told as \(told.sources)")
            }
            guard (told.notice != nil) == (after.notice != nil) else {
                throw Violation("preemption", "the notice is told as \(told)")
            }
            guard let notice = after.notice, let said = told.notice else { continue }
            if said.action != notice.action {
                throw Violation("preemption", "the action is told as \(said)")
            }
            let left = said.deadline.seconds(since: step.moment.wall)
            if abs(left - Double(notice.deadline - step.now) / 1e9) > 0.002,
                !step.supervisor.isClosing
            {
                throw Violation("preemption", "the deadline is told as \(said)")
            }
            if said.finalCheckpoint == nil, askBy != nil {
                throw Violation("preemption", "no time is told: \(said)")
            }
            if said.saved != step.supervisor.checkpoints.last?.id {
                throw Violation("preemption", "saved is told as \(said)")
            }
            if (said.lostSeconds != nil)
                != (step.supervisor.stop?.ending == .preempted && step.supervisor.isClosing
                    && step.supervisor.knowsLosses)
            {
                throw Violation("preemption", "what is lost is told as \(said)")
            }
        }
    }

    private func judgeEnd(
        _ step: Step, _ after: Ledger, _ stop: StopWitness
    ) throws(Violation) {
        guard let exit = step.exit else { return }
        if !after.inquiries.isEmpty {
            throw Violation("sources", "\(after.inquiries) outlive us")
        }
        switch exit {
        case .stopped where after.notice != nil && !stop.isAskedByPeople,
            .preempted where after.notice == nil || stop.isAskedByPeople:
            throw Violation("preemption", "it ends as \(exit)")
        case .stopped, .preempted, .completed, .failed, .refused: break
        }
        // What several attempts lost after a notice is not summed up here.
        guard exit == .preempted, let lost = lost(step), work.isExact, !hasBegunAnother else {
            return
        }
        let end = work.endedAt ?? after.counted(step.now)
        // What crashed on a machine that is taken away is lost as well.
        let isOver = step.supervisor.attempt == nil && !work.hasFailedInTime
        let isNothing = stop.hasSaved || !work.hasRun || isOver
        let expected = isNothing ? 0 : max(0, Double(end - work.securedAt) / 1e9)
        if abs(lost - expected) > 0.002 {
            throw Violation("preemption", "lost is \(lost) s, and not \(expected) s")
        }
    }

    private func lost(_ step: Step) -> Double? {
        step.supervisor.status(at: step.moment).preemption?.notice?.lostSeconds
    }

    private func judgeAcknowledgement(_ step: Step) throws(Violation) {
        let count = step.actions.count { if case .acknowledge = $0 { true } else { false } }
        guard count > 0 else { return }
        guard let closing = step.supervisor.closing else {
            throw Violation("preemption", "all is said to be saved before the end")
        }
        if count > 1 || closing.ending != .preempted || !step.settings.preemptAcknowledges
            || step.settings.preempt?.kind != .azure || (lost(step) ?? 0) != 0
        {
            throw Violation("preemption", "it is told that all is saved: \(step.actions)")
        }
    }

    private mutating func judgeSources(_ step: Step, _ after: Ledger) throws(Violation) {
        let count = step.supervisor.sources.count
        for action in step.actions {
            switch action {
            case .inquire:
                if step.exit != nil {
                    throw Violation("sources", "the run has ended, and somebody is asked")
                }
                asked.append(step.now)
            case .log(.warning(let warning)) where warning.message.hasPrefix("--preempt"):
                self.count(warning.message)
            default: break
            }
        }
        asked.removeAll { $0 < step.now - Self.second }
        if asked.count > 12 * count { throw Violation("sources", "they are asked without end") }
        if max(told.failing, told.recovered, told.nonsense, told.remarks) > count {
            throw Violation("sources", "what fails is told more than once: \(told)")
        }
        let isIdle = step.exit == nil && after.inquiries.count < count
        let asks = step.actions.contains { if case .inquire = $0 { true } else { false } }
        idleSince = isIdle ? (asks ? nil : idleSince) ?? step.now : nil
    }

    private mutating func count(_ message: String) {
        if message.contains("asking again") {
            told.failing += 1
        } else if message.contains("answers again") {
            told.recovered += 1
        } else if message.contains("every event") || message.contains("without one") {
            told.remarks += 1
        } else {
            told.nonsense += 1
        }
    }
}

extension Ledger {
    /// The job runs, and can be asked for a checkpoint.
    func isAskable(_ step: Step) -> Bool {
        leaderRuns
            && (members.values.contains(true) || step.settings.requestSignal != nil && isSpawned)
    }
}
