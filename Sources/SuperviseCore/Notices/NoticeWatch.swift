import SuperviseFormats

/// Polls the sources of preemption notices, and keeps the one that counts.
///
///     no preemption → preemption         (a source or the signal reports the machine's end)
///     preemption → preemption            (another notice counts, or the deadline has changed)
///     preemption → no preemption         (all are withdrawn, and no stop has begun because of them)
///
/// In a stop the deadline only comes closer.
struct NoticeWatch: Sendable {
    private(set) var preemption: Preemption?
    private var polled: NoticeSources
    private var board = NoticeBoard()
    private var recommendations = Recommendations()
    private let preemptGrace: Duration
    private let maintenanceGrace: Duration

    /// What a new report changes for the rest of the supervisor.
    enum Change {
        case nothing
        /// All that is bounded by the deadline is bounded anew.
        case deadline
        /// The machine stays: a stop is no preemption any more.
        case machineStays
    }

    /// What a source has reported.
    struct Report {
        var change = Change.nothing
        var source = ""
        /// Each may ask for a checkpoint.
        var advice: [Notice] = []
    }

    init(_ settings: Settings) {
        let dialects = settings.preempt?.dialects(acknowledges: settings.preemptAcknowledges)
        polled = NoticeSources(dialects ?? [])
        preemptGrace = settings.preemptGrace
        maintenanceGrace = settings.maintenanceGrace
    }

    var sources: [NoticeSource] { polled.all }
    var statusOfSources: [Status.Source] { polled.status }
}

/// Polling.
extension NoticeWatch {
    /// After every event: polls the sources that are due.
    mutating func poll(isClosing: Bool, at now: Moment, _ orders: inout Orders) {
        guard !polled.all.isEmpty else { return }
        if isClosing {
            polled.end(&orders)
        } else {
            polled.poll(at: now, &orders)
        }
    }

    mutating func end(_ orders: inout Orders) { polled.end(&orders) }

    /// - Parameters:
    ///   - stop: the stop that has begun.
    ///   - failures: of the run so far.
    mutating func answered(
        _ id: InquiryID, _ answer: Inquiry.Answer, stop: Stop?, failures: Int, at now: Moment,
        _ orders: inout Orders
    ) -> Report {
        let report = polled.answered(id, answer, at: now, &orders)
        return follow(report, stop, failures, at: now, &orders)
    }

    mutating func inquiryEnded(
        _ id: InquiryID, _ end: Inquiry.End, stop: Stop?, failures: Int, at now: Moment,
        _ orders: inout Orders
    ) -> Report {
        let report = polled.inquiryEnded(id, end, at: now, &orders)
        return follow(report, stop, failures, at: now, &orders)
    }

    private mutating func follow(
        _ report: NoticeSources.Report?, _ stop: Stop?, _ failures: Int, at now: Moment,
        _ orders: inout Orders
    ) -> Report {
        guard let report else { return Report() }
        let source = report.source
        var change = Change.nothing
        if let ends = report.ends {
            let entries = ends.map {
                entry($0, of: source.name, source.acknowledgement(of: $0), at: now)
            }
            change = replace(report.author, by: entries, stop, failures, at: now, &orders)
        }
        return Report(change: change, source: source.name, advice: report.advice)
    }
}

/// Notices of the machine's end.
extension NoticeWatch {
    /// Whoever can still send a notice has not been switched off yet.
    private static let leastNotice = Duration.seconds(2)

    /// The preemption signal. It gives no deadline, so a second one changes nothing.
    mutating func signalled(
        _ name: String, stop: Stop?, failures: Int, at now: Moment, _ orders: inout Orders
    ) -> Change {
        guard !board.hasEntry(of: .signal) else { return .nothing }
        let entry = entry(Notice(action: .terminate), of: name, nil, at: now)
        return replace(.signal, by: [entry], stop, failures, at: now, &orders)
    }

    private func entry(
        _ notice: Notice, of source: String, _ acknowledgement: Inquiry?, at now: Moment
    ) -> NoticeBoard.Entry {
        let left = max(notice.left ?? grace(of: notice), Self.leastNotice)
        let deadline = now.instant + left
        return NoticeBoard.Entry(
            notice: notice, source: source, noticed: now.wall, deadline: deadline,
            deadlineToRead: now.wall(at: deadline),
            reserve: PreemptionPlan.reserve(ofNotice: left), acknowledgement: acknowledgement)
    }

    private func grace(of notice: Notice) -> Duration {
        switch notice.kind {
        case .preempted: preemptGrace
        case .maintenance: maintenanceGrace
        }
    }

    private mutating func replace(
        _ author: NoticeBoard.Author, by entries: [NoticeBoard.Entry], _ stop: Stop?,
        _ failures: Int, at now: Moment, _ orders: inout Orders
    ) -> Change {
        if let gone = board.replace(author, by: entries) { logWithdrawn(gone, stop, &orders) }
        guard let counting = board.counting else {
            // A stop that a notice has begun goes on.
            if stop?.isByNotice == true { return .nothing }
            preemption = nil
            return .machineStays
        }
        guard let known = preemption else {
            preemption = Preemption(counting, failures: failures)
            logNoticed(at: now, &orders)
            return .deadline
        }
        guard counting != known.entry, stop == nil || counting.deadline <= known.deadline else {
            return .nothing
        }
        if preemption?.follow(counting) == true { logNoticed(at: now, &orders) }
        return .deadline
    }

    private func logWithdrawn(
        _ gone: NoticeBoard.Entry, _ stop: Stop?, _ orders: inout Orders
    ) {
        let follows: RunEvent.NoticeWithdrawn.Follows =
            stop.map { !$0.restarts } ?? false
            ? .ends : board.counting != nil ? .anotherCounts : .goesOn
        orders.log(
            .noticeWithdrawn(
                .init(
                    source: gone.source, action: gone.notice.action.rawValue, follows: follows)))
    }

    private func logNoticed(at now: Moment, _ orders: inout Orders) {
        guard let preemption else { return }
        orders.log(
            .noticed(
                .init(
                    source: preemption.source, action: preemption.notice.action.rawValue,
                    left: (preemption.deadline - now.instant).seconds,
                    doubt: preemption.notice.doubt)))
    }
}

/// What is done about the notice that counts; nothing without one.
extension NoticeWatch {
    /// Whether a checkpoint is to be requested, as this notice recommends.
    mutating func heeds(
        _ advice: Notice, of source: String, interval: Duration, at now: Moment,
        _ orders: inout Orders
    ) -> Bool {
        preemption == nil
            && recommendations.admits(advice, of: source, interval: interval, at: now, &orders)
    }

    /// The checkpoint that was recommended is requested.
    mutating func followedAdvice(at now: Instant) { recommendations.asked(at: now) }

    /// Plans what to do with the time until the deadline.
    mutating func next(
        for job: Preemption.Job, at now: Moment, _ orders: inout Orders
    ) -> PreemptionPlan.Step? {
        preemption?.next(for: job, at: now, &orders)
    }

    /// - Returns: whether the time for what the ended job committed is over.
    mutating func awaitEnd(at now: Moment, _ orders: inout Orders) -> Bool {
        preemption?.awaitEnd(at: now, &orders) ?? false
    }

    /// - Parameter unsaved: what the job had not saved, in seconds.
    mutating func crashed(unsaved: Double) { preemption?.crashed(unsaved: unsaved) }

    /// The run ends as preempted.
    ///
    /// - Parameter unsaved: what the attempt has not saved, in seconds; nil if there is no attempt.
    mutating func ended(unsaved: Double?, _ failures: RunRecord.Failures) {
        preemption?.ended(unsaved: unsaved, failures)
    }

    /// What tells the source of the notice that all is saved; nil if something was lost.
    var acknowledgement: Inquiry? {
        preemption?.lost == 0 ? preemption?.entry.acknowledgement : nil
    }

    /// - Parameters:
    ///   - saved: the newest checkpoint.
    ///   - knowsLosses: it is known which work was lost.
    func status(
        isStopping: Bool, saved: CheckpointID?, knowsLosses: Bool, at now: Moment
    ) -> Status.Preemption? {
        guard !polled.all.isEmpty || preemption != nil else { return nil }
        let notice = preemption.map {
            Status.Notice(
                source: $0.source, action: $0.notice.action.rawValue, noticed: $0.entry.noticed,
                deadline: $0.entry.deadlineToRead,
                finalCheckpoint: isStopping ? nil : $0.savesAt.map { now.wall(at: $0) },
                saved: saved, lostSeconds: knowsLosses ? $0.lost : nil)
        }
        return Status.Preemption(sources: polled.status, notice: notice)
    }
}
