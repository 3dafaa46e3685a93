/// The timers that are set, and time that does not count for them.
extension Supervisor {
    package var alarms: Alarms { orders.alarms }

    mutating func stoodStill(for time: Duration, at now: Moment) {
        clock.stoodStill(for: time)
        stop?.delay(by: time)
        closing?.delay(by: time)
        requestBook.delay(by: time)
        orders.delayTimers(by: time)
        // The machine did not wait for us.
        tighten(at: now)
    }
}
