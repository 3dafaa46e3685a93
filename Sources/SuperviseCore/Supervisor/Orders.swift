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
