import SuperviseFormats

/// The preemption notice that is acted on, and what has been done about it.
package struct Preemption: Equatable, Sendable {
    package private(set) var entry: NoticeBoard.Entry
    /// From the end of a final checkpoint's time to the deadline.
    package private(set) var reserve: Duration
    /// A checkpoint that is not the last one was requested.
    private(set) var hasAsked = false
    /// When the final checkpoint is requested, while the job goes on until then.
    private(set) var savesAt: Instant?
    /// Work that has to be done again, in seconds, once it is known.
    private(set) var lost: Double?
    /// Failures of the run before the notice.
    private let failures: Int
    /// What the job had not saved when it crashed after the notice, in seconds.
    private var unsavedAtCrash: Double?

    /// - Parameter failures: of the run so far.
    init(_ entry: NoticeBoard.Entry, failures: Int) {
        self.entry = entry
        reserve = entry.reserve
        self.failures = failures
    }

    package var notice: Notice { entry.notice }
    package var source: String { entry.source }
    package var deadline: Instant { entry.deadline }

    /// Until when a final checkpoint is waited for.
    package var saveBy: Instant { deadline - reserve }
    /// When SIGKILL is sent at the latest.
    package var killBy: Instant { deadline - PreemptionPlan.margin }
    /// When we exit, whatever is left, so that the outcome is on the disk before the machine is gone.
    var endBy: Instant { deadline - PreemptionPlan.margin / 2 }

    /// Another notice counts now, or this one has changed.
    ///
    /// - Returns: whether people are told.
    mutating func follow(_ new: NoticeBoard.Entry) -> Bool {
        let old = entry
        reserve = new.deadline < old.deadline ? min(reserve, new.reserve) : new.reserve
        entry = new
        return new.source != old.source || new.notice.action != old.notice.action
            || abs((new.deadline - old.deadline).seconds) >= NoticeBoard.closeness.seconds
    }
}

/// What is done with the time until the deadline.
extension Preemption {
    /// What the plan depends on beside the notice.
    struct Job {
        /// It runs, and does not hang.
        let isAtWork: Bool
        let canAsk: Bool
        let request: OpenRequest?
        /// Of recent checkpoints, in seconds.
        let costs: [Double]
        /// Of one step, in seconds; nil if the job reports none.
        let step: Double?
        let stopTimeout: Duration
    }

    /// Plans anew; the timer is set while the job goes on.
    mutating func next(
        for job: Job, at now: Moment, _ orders: inout Orders
    ) -> PreemptionPlan.Step {
        let plan = PreemptionPlan(
            left: deadline - now.instant, costs: job.costs, step: job.step, canAsk: job.canAsk,
            stopTimeout: job.stopTimeout, reserve: reserve,
            first: firstCheckpoint(job.request, at: now.instant))
        let step = job.isAtWork ? plan.next : plan.nextWithoutJob
        switch step {
        case .goOn(let wait):
            let due = now.instant + wait
            savesAt = due
            // The same plan comes to a slightly different time by rounding.
            if let set = orders.due(.preemption), abs((set - due).seconds) < 0.001 { break }
            orders.set(.preemption, after: wait, at: now)
        case .ask:
            hasAsked = true
        case .save, .stop:
            endsNow(&orders)
        }
        return step
    }

    /// The job has ended by itself, and what it committed is being finished.
    ///
    /// - Returns: whether the time for that is over.
    mutating func awaitEnd(at now: Moment, _ orders: inout Orders) -> Bool {
        guard now.instant < saveBy else {
            endsNow(&orders)
            return true
        }
        if orders.due(.preemption) != saveBy {
            orders.set(.preemption, after: saveBy - now.instant, at: now)
        }
        return false
    }

    /// A request so shortly before the final one would only be in its way.
    func savesSoon(interval: Duration, at now: Instant) -> Bool {
        guard let savesAt else { return false }
        return savesAt - now < interval / 2
    }

    private mutating func endsNow(_ orders: inout Orders) {
        savesAt = nil
        orders.cancelIfSet(.preemption)
    }

    private func firstCheckpoint(
        _ request: OpenRequest?, at now: Instant
    ) -> PreemptionPlan.FirstCheckpoint {
        guard hasAsked else { return .notAsked }
        guard let request, !request.final else { return .over }
        return .underWay(now - request.madeAt.instant)
    }
}

/// What is lost with the machine.
extension Preemption {
    /// - Parameter unsaved: what the job had not saved, in seconds.
    mutating func crashed(unsaved: Double) { unsavedAtCrash = unsaved }

    /// - Parameter unsaved: what the attempt has not saved now, in seconds; nil if there is none.
    mutating func ended(unsaved: Double?, _ record: RunRecord.Failures) {
        lost = unsaved ?? lossAtCrash(record)
    }

    /// Of an attempt that crashed after the notice, whose loss the record counts already.
    private func lossAtCrash(_ record: RunRecord.Failures) -> Double {
        guard let failure = record.last, record.total > failures else { return 0 }
        return unsavedAtCrash ?? failure.lostSeconds
    }
}

extension Instant {
    package static func - (left: Instant, right: Duration) -> Instant { left + (.zero - right) }
}
