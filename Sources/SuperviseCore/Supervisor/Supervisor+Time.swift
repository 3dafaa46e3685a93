/// Timers, and the time that does not count for them.
extension Supervisor {
    /// Sets a timer, or moves it; one that waits for the job is held while that is paused.
    mutating func set(_ timer: TimerID, after wait: Duration, at now: Moment) {
        if let due = alarms.set(timer, after: wait, at: now.instant) {
            actions.append(.setTimer(timer, at: due))
        }
    }

    mutating func cancel(_ timer: TimerID) {
        alarms.remove(timer)
        actions.append(.cancelTimer(timer))
    }

    mutating func stoodStill(for time: Duration, at now: Moment) {
        clock.stoodStill(for: time)
        stop?.delay(by: time)
        if case .closing(var closing) = phase {
            closing.since = closing.since + time
            phase = .closing(closing)
        }
        if let deadline = attempt?.request?.deadline {
            attempt?.request?.deadline = deadline + time
        }
        setAgain(alarms.delay(by: time))
        // The machine did not wait for us.
        tighten(at: now)
    }

    mutating func setAgain(_ timers: [TimerID]) {
        for timer in timers {
            if let due = alarms.due[timer] { actions.append(.setTimer(timer, at: due)) }
        }
    }
}
