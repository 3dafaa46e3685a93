/// How much time has passed in which the job could do something.
///
/// It stands still while the job is paused, or was stopped together with us (Ctrl-Z). That a whole
/// machine is suspended is nothing to it: the monotonic clock stands still by itself then.
package struct JobClock: Equatable, Sendable {
    /// How long it stood still, apart from a pause that goes on; in nanoseconds.
    private var stood: Int64 = 0
    /// Since when the job is paused.
    package private(set) var pausedAt: Instant?

    /// What it shows when the monotonic clock shows `now`.
    func reading(at now: Instant) -> Instant {
        Instant(nanoseconds: min(now, pausedAt ?? now).nanoseconds - stood)
    }

    mutating func pause(at now: Instant) {
        pausedAt = pausedAt ?? now
    }

    mutating func goOn(at now: Instant) {
        guard let since = pausedAt else { return }
        pausedAt = nil
        stood += now.nanoseconds - since.nanoseconds
    }

    /// It stood still for so long until now, and nobody knew of it. A pause counts it by itself.
    mutating func stoodStill(for time: Duration) {
        if pausedAt == nil { stood += (Instant(nanoseconds: 0) + time).nanoseconds }
    }
}
