import SuperviseFormats

/// What is said of the machine's end, as it changes: one notice of all counts.
extension Supervisor {
    /// A signal cannot tell how much time is left: a second one changes nothing.
    mutating func signalled(_ name: String, at now: Moment) {
        guard !board.hasEntry(of: .signal) else { return }
        tell([Notice(action: .terminate)], by: .signal, named: name, at: now) { _ in nil }
    }

    /// All that this author says of ends from now on.
    mutating func tell(
        _ ends: [Notice], by author: NoticeBoard.Author, named source: String, at now: Moment,
        acknowledgement: (Notice) -> Inquiry?
    ) {
        let entries = ends.map { notice in
            let left = max(notice.left ?? grace(of: notice), Self.leastNotice)
            let deadline = now.instant + left
            return NoticeBoard.Entry(
                notice: notice, source: source, noticed: now.wall, deadline: deadline,
                deadlineToRead: now.wall(at: deadline),
                reserve: PreemptionPlan.reserve(ofNotice: left),
                acknowledgement: acknowledgement(notice))
        }
        if let gone = board.replace(author, by: entries) { withdrawn(gone) }
        heedBoard(at: now)
    }

    private func grace(of notice: Notice) -> Duration {
        switch notice.kind {
        case .preempted: settings.preemptGrace
        case .maintenance: settings.maintenanceGrace
        }
    }

    /// Whoever can still tell us has not been switched off yet.
    private static let leastNotice = Duration.seconds(2)

    private mutating func withdrawn(_ gone: NoticeBoard.Entry) {
        let follows: RunEvent.NoticeWithdrawn.Follows =
            stop != nil && stop?.restarts != true
            ? .ends : board.counting != nil ? .anotherCounts : .goesOn
        orders.log(
            .noticeWithdrawn(
                .init(
                    source: gone.source, action: gone.notice.action.rawValue, follows: follows)))
    }

    private mutating func heedBoard(at now: Moment) {
        guard let counting = board.counting else { return stayed() }
        guard let known = preemption else {
            preemption = Preemption(counting, failures: record.failures.total)
            tellOfNotice(at: now)
            tighten(at: now)
            return
        }
        // What was promised in a stop is not taken back: its bounds only come closer.
        guard counting != known.entry, stop == nil || counting.deadline <= known.deadline else {
            return
        }
        if preemption?.follow(counting) == true { tellOfNotice(at: now) }
        tighten(at: now)
    }

    /// No end is planned any more: the job goes on, unless it was told to end.
    private mutating func stayed() {
        if stop?.isByNotice == true { return }
        preemption = nil
        stop?.preempts = false
    }

    private mutating func tellOfNotice(at now: Moment) {
        guard let preemption else { return }
        orders.log(
            .noticed(
                .init(
                    source: preemption.source, action: preemption.notice.action.rawValue,
                    left: (preemption.deadline - now.instant).seconds,
                    doubt: preemption.notice.doubt)))
    }

    /// A machine that stays or comes back asks for a checkpoint, which nothing else has planned.
    mutating func advised(_ notice: Notice, by source: String, at now: Moment) {
        guard stop == nil, preemption == nil, !isClosing else { return }
        if notice.action == .checkpoint,
            !recommendations.admits(
                at: now.instant, interval: schedule.plannedInterval(record.experience))
        {
            let doubt = notice.doubt.map { " (\($0))" } ?? ""
            let message =
                "\(source): a checkpoint is recommended again within the interval of the last "
                + "request, and comes in its turn\(doubt) (told once)"
            if toldOfSources.insert(message).inserted { orders.warn(message) }
            return
        }
        orders.log(
            .noticed(.init(source: source, action: notice.action.rawValue, doubt: notice.doubt)))
        if let refusal = joinOrRequest(nil, reason: .preemption, at: now) {
            let message = "\(source): no checkpoint is asked for: \(refusal.message)"
            orders.warn(message)
        } else {
            recommendations.asked(at: now.instant)
        }
    }

}
