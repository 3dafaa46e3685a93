import SuperviseFormats

/// A shortage of the machine while a job is to be started: since when, and when to try again.
///
/// It is waited out for as long as it takes, once a job of this supervisor has run; before that only for
/// ``patience``, as whoever has started us still looks on.
package struct MachineShortage: Equatable, Sendable {
    /// What to do about a refused start.
    package enum Verdict: Equatable, Sendable {
        /// Try again after this time; `isFirst` where people have not read of it yet.
        case wait(Duration, isFirst: Bool)
        /// It has lasted too long for a start.
        case giveUp(after: Duration)
    }

    /// Until it is tried again: the first wait and the longest.
    package static let waits = Duration.milliseconds(100) ... .seconds(30)
    /// How long it is waited for at the start of a supervisor.
    package static let patience = Duration.seconds(30)

    /// Since when there is one; nil while there is none.
    package private(set) var since: Instant?
    /// The last refusal, as text for people.
    package private(set) var message: String?
    private var refusals = 0
    private var hasRun = false

    package init() {}

    /// A start was refused.
    ///
    /// - Parameter jitter: between -1 and 1, so that not all supervisors try at once.
    package mutating func refused(
        _ message: String, at now: Instant, jitter: Double
    ) -> Verdict {
        let since = since ?? now
        let left = Self.patience - (now - since)
        if !hasRun, left <= .zero { return .giveUp(after: now - since) }
        self.since = since
        self.message = message
        refusals += 1
        let wait = Backoff.wait(afterFailures: refusals, range: Self.waits, jitter: jitter)
        return .wait(hasRun ? wait : min(wait, left), isFirst: refusals == 1)
    }

    /// A job runs, and no machine was short of anything.
    ///
    /// - Returns: how long there was a shortage; nil where there was none.
    package mutating func started(at now: Instant) -> Duration? {
        defer {
            hasRun = true
            end()
        }
        return since.map { now - $0 }
    }

    /// The start failed for another reason, so the machine gave what it had refused.
    package mutating func end() {
        since = nil
        message = nil
        refusals = 0
    }

    /// A job of this supervisor has run.
    package var hasStarted: Bool { hasRun }
}
