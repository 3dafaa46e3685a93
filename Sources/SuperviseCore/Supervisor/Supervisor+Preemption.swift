import SuperviseFormats

/// The machine is taken away: one deadline, by which all is saved and the job is gone.
extension Supervisor {
    /// What was decided before has to be over in time, too; and the machine does not wait for those
    /// who stood still.
    mutating func tighten(at now: Moment) {
        guard let preemption, phase != .finished else { return }
        if stop?.restarts == true, !PreemptionPlan.isLong(preemption.deadline - now.instant) {
            endInstead(
                by: preemption.source, signal: Self.sigterm, withCheckpoint: true, at: now)
            stop?.isByNotice = true
        }
        tightenStop(to: preemption.saveBy, at: now)
        if let due = orders.due(.kill), due > preemption.killBy {
            boundTheEnd(at: now)
            tightenTerminate(at: now)
            if stop?.stage == .telling { sendStop(at: now) }
        }
        if stop != nil, let due = orders.due(.abandon), due > preemption.endBy {
            abandon(by: preemption.endBy, at: now)
        }
        tightenClosing(to: preemption.endBy, at: now)
    }

    private mutating func tightenStop(to saveBy: Instant, at now: Moment) {
        if let deadline = attempt?.request?.deadline, deadline > saveBy {
            attempt?.request?.deadline = saveBy
            // Who was asked is asked again, with the time that is left now, unless it has answered and only
            // the disk is waited for.
            if let request = attempt?.request, !isAnswering(request) { sendRequest(at: now) }
        }
        guard let deadline = stop?.deadline, deadline > saveBy else { return }
        stop?.deadline = saveBy
        guard orders.isSet(.stopDeadline) else { return }
        orders.set(.stopDeadline, after: max(.zero, saveBy - now.instant), at: now)
    }

    /// SIGTERM comes before SIGKILL.
    private mutating func tightenTerminate(at now: Moment) {
        let half = timeToKill(at: now) / 2
        guard let due = orders.due(.terminate), due > now.instant + half else { return }
        orders.set(.terminate, after: half, at: now)
    }

    /// After every event, and when its time has come: whether the job may still go on.
    mutating func followNotice(at now: Moment) {
        guard let preemption, stop == nil, !isPreemptionMoot else {
            orders.cancelIfSet(.preemption)
            return
        }
        if case .ending = phase {
            awaitEnd(until: preemption.saveBy, at: now)
            return
        }
        let plan = PreemptionPlan(
            left: preemption.deadline - now.instant, costs: record.experience.recent,
            step: progress.stepTime, canAsk: canAsk, stopTimeout: settings.stopTimeout,
            reserve: preemption.reserve, first: firstCheckpoint(at: now))
        let step = phase == .running && !isHung ? plan.next : plan.nextWithoutJob
        switch step {
        case .goOn(let wait):
            let due = now.instant + wait
            self.preemption?.savesAt = due
            // The plan is the same one, but for what is lost in rounding.
            if let set = orders.due(.preemption), abs((set - due).seconds) < 0.001 { return }
            orders.set(.preemption, after: wait, at: now)
        case .ask:
            self.preemption?.hasAsked = true
            // Where it is refused, the plan is made without it.
            _ = joinOrRequest(nil, reason: .preemption, at: now)
            followNotice(at: now)
        case .save: preempt(withCheckpoint: true, at: now)
        case .stop: preempt(withCheckpoint: false, at: now)
        }
    }

    private func firstCheckpoint(at now: Moment) -> PreemptionPlan.FirstCheckpoint {
        guard preemption?.hasAsked == true else { return .notAsked }
        guard let request = attempt?.request, !request.final else { return .over }
        return .underWay(now.instant - request.madeAt.instant)
    }

    /// What has just ended by itself may have completed, and what it committed is waited for.
    private mutating func awaitEnd(until saveBy: Instant, at now: Moment) {
        if now.instant >= saveBy {
            preempt(withCheckpoint: false, at: now)
        } else if orders.due(.preemption) != saveBy {
            orders.set(.preemption, after: saveBy - now.instant, at: now)
        }
    }

    private var isPreemptionMoot: Bool {
        switch phase {
        case .idle, .closing, .finished: true
        // Only its descendants are left.
        case .ending(let ending): completes(ending.end) && isSaved
        case .clearing, .gathering, .choosing, .recording, .running, .waiting: false
        }
    }

    private mutating func preempt(withCheckpoint: Bool, at now: Moment) {
        guard let source = preemption?.source else { return }
        preemption?.savesAt = nil
        orders.cancelIfSet(.preemption)
        askedToStop(
            by: source, signal: Self.sigterm, withCheckpoint: withCheckpoint, at: now)
        stop?.isByNotice = true
    }

    /// A request so shortly before the final one would only be in its way.
    func savesSoon(at now: Moment) -> Bool {
        guard let saves = preemption?.savesAt, let interval else { return false }
        return saves - now.instant < interval / 2
    }

    /// What had to be left undone.
    mutating func countPreemption(at now: Moment) {
        guard let stop, stop.preempts, let preemption else { return }
        var lost = 0.0
        if let attempt, !stop.hasSaved, !attempt.neverRan, attempt.pid != nil || isEnding {
            let end = if case .ending(let ending) = phase { ending.at } else { now.counted }
            lost = max(0, (end - attempt.securedAt).seconds)
            if knowsLosses { loseWork(seconds: lost) }
        } else if attempt == nil, let failure = record.failures.last,
            record.failures.total > preemption.failures
        {
            // It crashed in the time that was left, and its loss is counted already.
            lost = preemption.unsavedAtCrash ?? failure.lostSeconds
        }
        self.preemption?.lost = lost
    }

    /// What tells the source of the notice that all is saved; nil if something was lost.
    var acknowledgement: Inquiry? {
        preemption?.lost == 0 ? preemption?.entry.acknowledgement : nil
    }

    private var isEnding: Bool { if case .ending = phase { true } else { false } }

    func preemptionStatus(at now: Moment) -> Status.Preemption? {
        guard !sources.isEmpty || preemption != nil else { return nil }
        let notice = preemption.map {
            Status.Notice(
                source: $0.source, action: $0.notice.action.rawValue, noticed: $0.entry.noticed,
                deadline: $0.entry.deadlineToRead,
                finalCheckpoint: stop == nil ? $0.savesAt.map { now.wall(at: $0) } : nil,
                saved: checkpoints.last?.id, lostSeconds: knowsLosses ? $0.lost : nil)
        }
        return Status.Preemption(sources: toldSources, notice: notice)
    }
}
