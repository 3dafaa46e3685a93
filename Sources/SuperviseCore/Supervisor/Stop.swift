import SuperviseFormats

/// That we were asked to end, or to end the job and start it again, and how far that has come.
///
///     asking → telling → killing        (a final checkpoint is asked for first)
///     telling → killing                 (nobody can be asked, or there is no job)
package struct Stop: Equatable, Sendable {
    /// The signal that we will end by.
    package var signal: Int32
    /// The job is started again when it has ended. Who asks for an end meanwhile has the last word.
    package var restarts = false
    package let askedAt: Instant
    package var stage: Stage
    /// Signals that counted: 2 ends the wait for the job, 3 that for the commits too.
    package var count = 1
    var lastCountedAt: Instant
    /// Until when a commit is waited for.
    package var deadline: Instant
    /// The final checkpoint was made, and the job may still end by itself.
    var spares = false
    /// A notice had come before: the run is preempted.
    var preempts = false
    /// Only a notice has asked for it, and no person.
    var isByNotice = false
    /// The final checkpoint was made.
    var hasSaved = false
    /// The leader outlives SIGKILL, and only commits are waited for.
    var leavesLeader = false
    /// When we go whatever is left, once that is known.
    var abandonAt: Instant?

    package var ending: Action.Ending { preempts ? .preempted : .stopped(signal: signal) }

    /// Another signal has come; those of one keystroke are one.
    ///
    /// - Returns: how many there were; nil if it does not count.
    mutating func countAgain(at now: Instant) -> Int? {
        guard now - lastCountedAt >= Self.duplicateWindow else { return nil }
        count += 1
        lastCountedAt = now
        return count <= 3 ? count : nil
    }

    /// Signals this close together are one: wrappers forward duplicates.
    private static let duplicateWindow = Duration.milliseconds(500)

    /// Time has passed that counts for nobody.
    mutating func delay(by time: Duration) {
        deadline = deadline + time
        abandonAt = abandonAt.map { $0 + time }
    }

    package enum Stage: Equatable, Sendable {
        /// A final checkpoint was asked for; nobody is signalled.
        case asking
        /// `stop` was sent; SIGTERM is out or follows.
        case telling
        /// SIGKILL is out.
        case killing
    }
}
