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
    /// What was refused last, for people.
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

/// Something beside a start that the machine refuses for now, and that is tried again.
package enum Hindrance: Hashable, Sendable {
    /// The job's processes cannot be looked at, so nobody can tell whether some are left.
    case tree(String)
    /// Nobody can tell whether an earlier supervisor has left something.
    case leftovers(String)
    /// Something of this attempt outlives SIGKILL, which is sent again.
    case outliving(attempt: Int)
    /// No guard can be started in place of one that was killed.
    case guardian
    /// Work waits for its first thread.
    case threads(String)

    enum Kind: Hashable, Sendable { case tree, leftovers, outliving, guardian, threads }

    var kind: Kind {
        switch self {
        case .tree: .tree
        case .leftovers: .leftovers
        case .outliving: .outliving
        case .guardian: .guardian
        case .threads: .threads
        }
    }
}

/// When a ``Hindrance`` is tried to be overcome again.
struct Retries: Equatable, Sendable {
    /// Why nobody can tell whether some of the job is left; nil where that is known.
    private(set) var unseen: String?
    /// The attempt that last outlived SIGKILL.
    private(set) var outliving: Int?
    /// Reported already.
    private var told: Set<Hindrance.Kind> = []
    private var tried = 0
    private var lastAt: Instant?
    private var lastWait = Duration.zero

    /// - Returns: how long to wait, and whether it is the first of its kind after a while.
    mutating func next(_ hindrance: Hindrance, at now: Instant) -> (wait: Duration, isFirst: Bool) {
        // What was tried again and went well is reported by nobody.
        if let lastAt, now - lastAt > lastWait + .seconds(5) {
            tried = 0
            told = []
        }
        switch hindrance {
        case .tree(let reason): unseen = reason
        case .outliving(let attempt): outliving = attempt
        case .leftovers, .guardian, .threads: break
        }
        tried += 1
        lastAt = now
        lastWait = Backoff.wait(afterFailures: tried, range: MachineShortage.waits, jitter: 0)
        return (lastWait, told.insert(hindrance.kind).inserted)
    }

    /// Everything is tried again now: clears the last reason, which a new failure sets again.
    mutating func tryNow() { unseen = nil }
}
