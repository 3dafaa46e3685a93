import SuperviseFormats

/// That the machine is taken away, and what is known of when.
package struct Preemption: Equatable, Sendable {
    package let notice: Notice
    /// Who said so, such as `aws` or `SIGUSR2`.
    package let source: String
    let noticed: Timestamp
    /// How many failures the run had had by then.
    let failures: Int
    /// The machine is gone.
    package var deadline: Instant
    /// The same, as people read it.
    var deadlineToRead: Timestamp
    /// From the end of a final checkpoint's time to that.
    var reserve: Duration
    /// What tells the source that all is saved.
    let acknowledgement: Inquiry?
    /// When the final checkpoint is to be asked for, while it is waited with.
    var savesAt: Instant?
    /// What the job had not saved when it crashed in the time that was left, in seconds.
    var unsavedAtCrash: Double?
    /// Work that has to be done again, in seconds, once it is known.
    var lost: Double?

    /// Until when a final checkpoint is waited for.
    package var saveBy: Instant { deadline - reserve }
    /// SIGKILL is out.
    package var killBy: Instant { deadline - PreemptionPlan.margin }
    /// We go, whatever is left, so that what came of it is written down.
    var endBy: Instant { deadline - PreemptionPlan.margin / 2 }
}

extension Instant {
    package static func - (left: Instant, right: Duration) -> Instant { left + (.zero - right) }
}
