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
            .preemption, .watchdog, .close, .rewrite, .reminder, .again, .lived:
            false
        }
    }
}
