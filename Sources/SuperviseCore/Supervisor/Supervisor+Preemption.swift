import SuperviseFormats

/// Preemption notices, and what their deadline bounds.
extension Supervisor {
    package var sources: [NoticeSource] { notices.sources }
    package var preemption: Preemption? { notices.preemption }

    mutating func answered(_ id: InquiryID, _ answer: Inquiry.Answer, at now: Moment) {
        let report = notices.answered(
            id, answer, stop: stop, failures: record.failures.total, at: now, &orders)
        follow(report, at: now)
    }

    mutating func inquiryEnded(_ id: InquiryID, _ end: Inquiry.End, at now: Moment) {
        let report = notices.inquiryEnded(
            id, end, stop: stop, failures: record.failures.total, at: now, &orders)
        follow(report, at: now)
    }

    mutating func signalled(_ name: String, at now: Moment) {
        let change = notices.signalled(
            name, stop: stop, failures: record.failures.total, at: now, &orders)
        follow(.init(change: change), at: now)
    }

    private mutating func follow(_ report: NoticeWatch.Report, at now: Moment) {
        switch report.change {
        case .nothing: break
        case .deadline: tighten(at: now)
        case .machineStays: stop?.machineStays()
        }
        for notice in report.advice { advised(notice, by: report.source, at: now) }
    }

    private mutating func advised(_ notice: Notice, by source: String, at now: Moment) {
        guard stop == nil, !isClosing,
            notices.heeds(
                notice, of: source, interval: schedule.plannedInterval(record.experience), at: now,
                &orders)
        else { return }
        if let refusal = joinOrRequest(nil, reason: .preemption, at: now) {
            orders.warn("\(source): no checkpoint is asked for: \(refusal.message)")
        } else {
            notices.followedAdvice(at: now.instant)
        }
    }
}

/// What is bounded already, and has to be over before the deadline now.
extension Supervisor {
    mutating func tighten(at now: Moment) {
        guard let preemption, phase != .finished else { return }
        if stop?.restarts == true, !PreemptionPlan.isLong(preemption.deadline - now.instant) {
            endInstead(
                by: preemption.source, signal: Self.sigterm, withCheckpoint: true, at: now)
            stop?.notice()
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
        closing?.tighten(to: preemption.endBy, at: now, &orders)
    }

    private mutating func tightenStop(to saveBy: Instant, at now: Moment) {
        if requestBook.tighten(to: saveBy) {
            // A job that was asked is asked again, with the time that is left now, unless it has
            // answered and only the disk is waited for.
            if let request = requestBook.open, !isAnswering(request) { sendRequest(at: now) }
        }
        guard stop?.tighten(to: saveBy) == true, orders.isSet(.stopDeadline) else { return }
        orders.set(.stopDeadline, after: max(.zero, saveBy - now.instant), at: now)
    }

    /// SIGTERM comes before SIGKILL.
    private mutating func tightenTerminate(at now: Moment) {
        let half = timeToKill(at: now) / 2
        guard let due = orders.due(.terminate), due > now.instant + half else { return }
        orders.set(.terminate, after: half, at: now)
    }
}

/// Whether the job may still go on.
extension Supervisor {
    /// After every event.
    mutating func followNotice(at now: Moment) {
        guard let preemption, stop == nil, !isPreemptionMoot else {
            orders.cancelIfSet(.preemption)
            return
        }
        if case .ending = phase {
            if notices.awaitEnd(at: now, &orders) {
                preempt(by: preemption.source, withCheckpoint: false, at: now)
            }
            return
        }
        let job = Preemption.Job(
            isAtWork: phase == .running && !isHung, canAsk: canAsk, request: requestBook.open,
            costs: record.experience.recent, step: progress.stepTime,
            stopTimeout: settings.stopTimeout)
        switch notices.next(for: job, at: now, &orders) {
        case .goOn, nil: break
        case .ask:
            // If it is refused, the plan is made without it.
            _ = joinOrRequest(nil, reason: .preemption, at: now)
            followNotice(at: now)
        case .save: preempt(by: preemption.source, withCheckpoint: true, at: now)
        case .stop: preempt(by: preemption.source, withCheckpoint: false, at: now)
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

    private mutating func preempt(by source: String, withCheckpoint: Bool, at now: Moment) {
        askedToStop(
            by: source, signal: Self.sigterm, withCheckpoint: withCheckpoint, at: now)
        stop?.notice()
    }

    /// Counts what could not be saved before the deadline.
    mutating func countPreemption(at now: Moment) {
        guard let stop, stop.preempts, preemption != nil else { return }
        var unsaved: Double?
        if let attempt {
            unsaved = 0
            if !stop.hasSaved, !attempt.neverRan, attempt.pid != nil || phase.ending != nil {
                let end = phase.ending?.at ?? now.counted
                let lost = max(0, (end - attempt.securedAt).seconds)
                if knowsLosses { history.lose(seconds: lost) }
                unsaved = lost
            }
        }
        notices.ended(unsaved: unsaved, record.failures)
    }
}

/// Jobs that speak sd_notify(3): each word is a sign of life, as each message of the protocol is.
extension Supervisor {
    mutating func noticed(_ notices: [JobNotice], at now: Moment) {
        guard phase == .running, attempt != nil, !notices.isEmpty else { return }
        attempt?.hang.signOfLife(at: now.counted)
        for notice in notices {
            switch notice {
            case .ready:
                // As good as a hello: it has got beyond its start.
                attempt?.greeted()
                language.isReady()
            case .status(let text):
                progress.say(text)
                publisher.noteChange()
            case .alive, .stopping: break
            }
        }
    }
}
