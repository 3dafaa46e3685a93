import SuperviseFormats

/// An order to end, or to restart the job, and how far it has come.
///
///     asking → telling → killing        (a final checkpoint is requested first)
///     telling → killing                 (nobody can be asked, or there is no job)
///     asking → killing                  (a third signal)
///
/// An order to restart may become an order to end, and not the other way.
package struct Stop: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// A final checkpoint was requested; no signal is sent yet.
        case asking
        /// `stop` was sent; SIGTERM is sent or follows.
        case telling
        /// SIGKILL is sent.
        case killing
    }

    /// The signal that we will end by.
    package private(set) var signal: Int32
    /// The job is started again when it has ended.
    package private(set) var restarts: Bool
    package let askedAt: Instant
    package private(set) var stage: Stage
    /// Signals that counted: the second ends the wait for the job, the third that for commits too.
    package private(set) var count = 1
    /// Until when a commit is waited for.
    package private(set) var deadline: Instant
    /// When we go whatever is left, once that is known.
    private(set) var abandonAt: Instant?
    /// A preemption notice had come before: the run counts as preempted.
    private(set) var preempts: Bool
    /// Only a notice has asked for it, and no person.
    private(set) var isByNotice = false
    /// The final checkpoint was made.
    private(set) var hasSaved = false
    /// The final checkpoint was made, and the job has time to end by itself before SIGTERM.
    private(set) var spares = false
    /// The leader outlives SIGKILL, and only commits are waited for.
    private(set) var leavesLeader = false
    private var lastCountedAt: Instant

    /// Signals this close together are one: wrappers forward duplicates.
    private static let duplicateWindow = Duration.milliseconds(500)

    /// - Parameter asks: a final checkpoint is requested first.
    init(
        signal: Int32, restarts: Bool, asks: Bool, preempts: Bool, deadline: Instant,
        at now: Instant
    ) {
        self.signal = signal
        self.restarts = restarts
        self.preempts = preempts
        self.deadline = deadline
        stage = asks ? .asking : .telling
        askedAt = now
        lastCountedAt = now
    }

    /// Of a run whose end is decided already.
    init(signal: Int32, closingBy deadline: Instant, abandonAt: Instant, at now: Instant) {
        self.init(
            signal: signal, restarts: false, asks: false, preempts: false, deadline: deadline,
            at: now)
        self.abandonAt = abandonAt
    }

    package var ending: Action.Ending { preempts ? .preempted : .stopped(signal: signal) }

    /// The time for commits is over.
    func isPastDeadline(at now: Instant) -> Bool { now >= deadline || count >= 3 }
}

/// Those who ask for it.
extension Stop {
    /// A person asks again; the signals of one keystroke are one.
    ///
    /// - Returns: how many there were; nil if this one does not count.
    mutating func countAgain(at now: Instant) -> Int? {
        isByNotice = false
        guard now - lastCountedAt >= Self.duplicateWindow else { return nil }
        count += 1
        lastCountedAt = now
        return count <= 3 ? count : nil
    }

    /// A preemption notice has asked for it.
    mutating func notice() { isByNotice = true }

    /// The notices are withdrawn.
    mutating func machineStays() { preempts = false }

    /// Makes a restart an end: what was begun goes on, and its bounds count from now.
    ///
    /// - Parameter deadline: unless the final checkpoint is still waited for.
    mutating func endInstead(
        signal: Int32, preempts: Bool, by deadline: Instant, at now: Instant
    ) {
        restarts = false
        self.preempts = preempts
        self.signal = signal
        lastCountedAt = now
        abandonAt = nil
        if stage != .asking { self.deadline = deadline }
    }
}

/// Its stages.
extension Stop {
    /// - Parameter made: the final checkpoint was made.
    /// - Returns: whether it was waited for.
    mutating func finalRequestEnded(made: Bool) -> Bool {
        guard stage == .asking else { return false }
        hasSaved = made
        return true
    }

    /// - Parameter spares: the job has time to end by itself before SIGTERM.
    mutating func tell(spares: Bool) {
        stage = .telling
        self.spares = spares
    }

    /// - Returns: whether SIGTERM is to be sent.
    mutating func terminate() -> Bool {
        guard stage == .telling else { return false }
        spares = false
        return true
    }

    mutating func kill() { stage = .killing }

    mutating func leaveLeader() { leavesLeader = true }
}

/// Its bounds.
extension Stop {
    /// - Returns: when we go whatever is left; never later than before.
    mutating func abandon(by due: Instant) -> Instant {
        let due = abandonAt.map { min(due, $0) } ?? due
        abandonAt = due
        return due
    }

    /// - Returns: whether the deadline has come closer.
    mutating func tighten(to deadline: Instant) -> Bool {
        guard self.deadline > deadline else { return false }
        self.deadline = deadline
        return true
    }

    /// Time has passed that counts for nobody.
    mutating func delay(by time: Duration) {
        deadline = deadline + time
        abandonAt = abandonAt.map { $0 + time }
    }
}

/// Signals to the job: held until it runs, and since when SIGKILL is sent.
struct JobSignals: Sendable {
    /// Of people. They outlive a start that the machine has refused.
    private var ofPeople: [Int32] = []
    /// Of a stop, for the leader that is being started.
    private var ofStop: [Int32] = []
    /// When all of the attempt first got SIGKILL.
    private var killedAt: Instant?

    /// What gets SIGKILL has so long to end. It is less than the second by which the promised bound of a
    /// stop is later than ours.
    private static let timeToDie = Duration.milliseconds(500)

    /// A signal of people for a job that is being started. As the kernel does it, each number is held
    /// once.
    mutating func hold(_ number: Int32) {
        if !ofPeople.contains(number) { ofPeople.append(number) }
    }

    /// A signal of a stop, for the leader or, while that is being started, held.
    mutating func signal(_ number: Int32, isStarting: Bool, _ orders: inout Orders) {
        if isStarting {
            ofStop.append(number)
        } else {
            orders.add(.signalLeader(number))
        }
    }

    /// A new attempt begins.
    mutating func beginAttempt() { ofStop = [] }

    /// The job will not start: nobody is left to be signalled.
    mutating func forget() { ofPeople = [] }

    /// The leader runs.
    ///
    /// - Returns: what was held, in the order in which it came.
    mutating func take() -> [Int32] {
        defer { (ofPeople, ofStop) = ([], []) }
        return ofPeople + ofStop
    }

    mutating func note(_ action: Action, at now: Instant) {
        switch action {
        case .spawn: killedAt = nil
        case .killEverything, .endDescendants(.atOnce): killedAt = killedAt ?? now
        default: break
        }
    }

    /// How long to wait for what got SIGKILL; nil if it was not sent yet.
    ///
    /// If we come late, the end of the time for SIGTERM and the last bound of a stop are due at the same
    /// moment: what has just been killed is not reported to outlive SIGKILL.
    func patience(at now: Instant) -> Duration? {
        killedAt.map { max(.zero, $0 + Self.timeToDie - now) }
    }
}
