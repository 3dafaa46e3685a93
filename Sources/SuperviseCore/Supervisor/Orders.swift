import SuperviseFormats

/// What is to be done after an event, in order, and the timers that are set.
///
/// Each part of a ``Supervisor`` adds to it; nobody reads what another has added, but for the two rules
/// below that hold for all of them.
struct Orders: Sendable {
    private(set) var actions: [Action] = []
    private(set) var alarms = Alarms()

    mutating func add(_ action: Action) { actions.append(action) }

    /// - Returns: all that were added since the last time.
    mutating func takeAll() -> [Action] {
        defer { actions = [] }
        return actions
    }

    mutating func log(_ event: RunEvent) { add(.log(event)) }

    mutating func warn(_ message: String) { log(.warning(.init(message: message))) }

    mutating func answer(_ message: SupervisorMessage, to sender: Sender) {
        add(.send(message, to: sender.connection, seq: sender.seq))
    }

    mutating func refuse(_ sender: Sender, _ code: ProtocolError.Code, _ message: String) {
        answer(.error(ProtocolError(code, message)), to: sender)
    }

    mutating func refuse(_ senders: [Sender], _ error: ProtocolError) {
        for sender in senders { answer(.error(error), to: sender) }
    }
}

/// Timers.
extension Orders {
    /// Set, or held while the job is paused.
    func isSet(_ timer: TimerID) -> Bool { alarms.isSet(timer) }

    /// When it goes off; nil where it is not set, or is held.
    func due(_ timer: TimerID) -> Instant? { alarms.due[timer] }

    /// Sets a timer, or moves it; one that waits for the job is held while that is paused.
    mutating func set(_ timer: TimerID, after wait: Duration, at now: Moment) {
        if let due = alarms.set(timer, after: wait, at: now.instant) {
            add(.setTimer(timer, at: due))
        }
    }

    mutating func cancel(_ timer: TimerID) {
        alarms.remove(timer)
        add(.cancelTimer(timer))
    }

    mutating func cancelIfSet(_ timers: TimerID...) {
        for timer in timers where isSet(timer) { cancel(timer) }
    }

    /// - Returns: when it was to go off.
    mutating func wentOff(_ timer: TimerID) -> Instant? {
        defer { alarms.remove(timer) }
        return alarms.due[timer]
    }

    /// The job is paused, and with it the timers that wait for it.
    mutating func holdTimers(at now: Instant) {
        for timer in alarms.hold(at: now) { add(.cancelTimer(timer)) }
    }

    /// The job goes on.
    mutating func letTimersGo(at now: Instant) { setAgain(alarms.letGo(at: now)) }

    /// Time has passed that counts for none of them but the watchdog.
    mutating func delayTimers(by time: Duration) { setAgain(alarms.delay(by: time)) }

    private mutating func setAgain(_ timers: [TimerID]) {
        for timer in timers {
            if let due = alarms.due[timer] { add(.setTimer(timer, at: due)) }
        }
    }
}

/// Rules for the order of actions.
extension Orders {
    /// Moves what only tells of something behind what is done.
    ///
    /// - Parameter start: those before it keep their places.
    mutating func tellLast(from start: Int) {
        let new = actions[start...]
        let ordered = new.filter { !$0.tells } + new.filter(\.tells)
        actions.replaceSubrange(start..., with: ordered)
    }

    /// - Parameter before: what has to be done just before an action; nil for nothing.
    mutating func insert(before: (Action) -> Action?) {
        actions = actions.flatMap { action in [before(action), action].compactMap { $0 } }
    }
}

/// The timers that are set.
///
/// Those that wait for the job are held while it is paused: each keeps the time that it had left,
/// and has it again when the job goes on.
package struct Alarms: Equatable, Sendable {
    /// When each goes off.
    package private(set) var due: [TimerID: Instant] = [:]
    /// The time that each has left that is held.
    package private(set) var left: [TimerID: Duration] = [:]
    private(set) var isHolding = false

    func isSet(_ timer: TimerID) -> Bool { due[timer] != nil || left[timer] != nil }

    /// - Returns: when it goes off; nil where it is held.
    mutating func set(_ timer: TimerID, after wait: Duration, at now: Instant) -> Instant? {
        if isHolding, timer.waitsForJob {
            left[timer] = wait
            return nil
        }
        due[timer] = now + wait
        return now + wait
    }

    mutating func remove(_ timer: TimerID) {
        due[timer] = nil
        left[timer] = nil
    }

    /// - Returns: those that must not go off any more.
    mutating func hold(at now: Instant) -> [TimerID] {
        isHolding = true
        let held = due.keys.filter(\.waitsForJob).inOrder
        for timer in held {
            left[timer] = due.removeValue(forKey: timer).map { max($0 - now, .zero) }
        }
        return held
    }

    /// - Returns: those that go off again.
    mutating func letGo(at now: Instant) -> [TimerID] {
        isHolding = false
        let held = left.keys.inOrder
        for timer in held { due[timer] = left.removeValue(forKey: timer).map { now + $0 } }
        return held
    }

    /// Time has passed that counts for none of them, but for who watches over us.
    ///
    /// - Returns: those that go off later.
    mutating func delay(by time: Duration) -> [TimerID] {
        let delayed = due.keys.filter { $0 != .watchdog }
        for timer in delayed { due[timer] = due[timer].map { $0 + time } }
        return delayed.inOrder
    }
}

extension Sequence<TimerID> {
    /// So that what is done for several of them is done in the same order each time.
    fileprivate var inOrder: [TimerID] {
        let members = Set(self)
        return TimerID.allCases.filter(members.contains)
    }
}

extension TimerID {
    /// What it waits for is the job's to do, or to start: it does nothing while that is paused.
    package var waitsForJob: Bool {
        switch self {
        case .interval, .request, .backoff, .hang: true
        case .stopDeadline, .terminate, .kill, .abandon, .publish, .diagnosis, .sources,
            .preemption, .watchdog, .close, .rewrite, .reminder, .again, .lived, .records,
            .lastOutput:
            false
        }
    }
}
