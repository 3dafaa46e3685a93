import SuperviseFormats

/// That the machine is taken away: the notice that is acted on, and what has come of it.
package struct Preemption: Equatable, Sendable {
    package private(set) var entry: NoticeBoard.Entry
    /// From the end of a final checkpoint's time to the deadline.
    package private(set) var reserve: Duration
    /// How many failures the run had had by then.
    let failures: Int
    /// A checkpoint that is not the last one was asked for.
    var hasAsked = false
    /// When the final checkpoint is to be asked for, while it is waited with.
    var savesAt: Instant?
    /// What the job had not saved when it crashed in the time that was left, in seconds.
    var unsavedAtCrash: Double?
    /// Work that has to be done again, in seconds, once it is known.
    var lost: Double?

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
    /// SIGKILL is out.
    package var killBy: Instant { deadline - PreemptionPlan.margin }
    /// We go, whatever is left, so that what came of it is written down.
    var endBy: Instant { deadline - PreemptionPlan.margin / 2 }

    /// Another notice counts now, or this one says something else.
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

extension Instant {
    package static func - (left: Instant, right: Duration) -> Instant { left + (.zero - right) }
}
