import SuperviseCore
import SuperviseSystem

/// The core's timers on one alarm of the machine: the earliest is set, none wakes us for nothing.
final class TimerTable {
    private var deadlines: [TimerID: Instant] = [:]
    private let fire: (TimerID) -> Void
    private var alarm: TimerSource?

    /// - Throws: EMFILE.
    init(on loop: EventLoop, _ fire: @escaping (TimerID) -> Void) throws(SystemError) {
        self.fire = fire
        alarm = try TimerSource(on: loop) { [unowned self] in ring() }
    }

    func set(_ timer: TimerID, at deadline: Instant) {
        deadlines[timer] = deadline
        arm()
    }

    func cancel(_ timer: TimerID) {
        guard deadlines.removeValue(forKey: timer) != nil else { return }
        arm()
    }

    private func arm() {
        let earliest = deadlines.values.min()
        alarm?.set(earliest.map { MonotonicTime(nanoseconds: $0.nanoseconds) })
    }

    private func ring() {
        let now = Instant(nanoseconds: MonotonicTime.now().nanoseconds)
        let due = deadlines.filter { $0.value <= now }.sorted { $0.value < $1.value }
        for (timer, deadline) in due where deadlines[timer] == deadline {
            deadlines[timer] = nil
            fire(timer)
        }
        arm()
    }
}
