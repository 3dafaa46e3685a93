import SuperviseCore
import SuperviseSystem

/// What we are woken for.
enum Alarm: Hashable {
    case core(TimerID)
    /// Connections are taken again, after one could not be.
    case accept
    /// Whether the disk has caught up is looked at again.
    case flood
    /// Metrics that wait are parsed.
    case metrics
}

/// All alarms on one of the machine: the earliest is set, none wakes us for nothing.
final class TimerTable {
    private struct Entry {
        let alarm: Alarm
        let deadline: Instant
        /// Of the setting: what is due at the same instant goes off in the order it was set.
        let number: UInt64
    }

    /// At most one of each alarm. A few: a list is enough.
    private var entries: [Entry] = []
    private var lastNumber: UInt64 = 0
    /// What the machine's alarm is set to.
    private var armed: Instant?
    /// Since that was last looked at.
    private var hasChanged = false
    private let fire: (Alarm) -> Void
    private var source: TimerSource?

    /// - Throws: EMFILE.
    init(on loop: EventLoop, _ fire: @escaping (Alarm) -> Void) throws(SystemError) {
        self.fire = fire
        source = try TimerSource(on: loop) { [unowned self] in
            armed = nil
            ring()
        }
        loop.beforeWaiting { [weak self] in self?.settle() }
    }

    /// Sets an alarm, or moves it; a moment that has passed goes off at once, in the loop.
    func set(_ alarm: Alarm, at deadline: Instant) {
        lastNumber += 1
        remove(alarm)
        entries.append(Entry(alarm: alarm, deadline: deadline, number: lastNumber))
        hasChanged = true
    }

    func cancel(_ alarm: Alarm) {
        if remove(alarm) { hasChanged = true }
    }

    /// - Returns: whether it was set.
    @discardableResult
    private func remove(_ alarm: Alarm) -> Bool {
        guard let place = entries.firstIndex(where: { $0.alarm == alarm }) else { return false }
        entries.remove(at: place)
        return true
    }

    /// Most alarms are taken back in the round in which they were set, or are due at once: the machine
    /// need not know of them.
    private func settle() {
        guard hasChanged else { return }
        let now = MonotonicTime.now().nanoseconds
        if entries.contains(where: { $0.deadline.nanoseconds <= now }) {
            ring()
        } else {
            arm()
        }
    }

    private func arm() {
        hasChanged = false
        let earliest = entries.map(\.deadline).min()
        guard earliest != armed else { return }
        armed = earliest
        source?.set(earliest.map { MonotonicTime($0) })
    }

    private func ring() {
        let now = Instant.now()
        let due = entries.filter { $0.deadline <= now }.sorted {
            ($0.deadline, $0.number) < ($1.deadline, $1.number)
        }
        for entry in due {
            // One that goes off may move or cancel the next.
            guard let place = entries.firstIndex(where: { $0.number == entry.number }) else {
                continue
            }
            entries.remove(at: place)
            fire(entry.alarm)
        }
        arm()
    }
}

/// The two modules that have a clock's reading know nothing of each other: this is the only bridge.
extension Instant {
    static func now() -> Instant { Instant(nanoseconds: MonotonicTime.now().nanoseconds) }
}

extension MonotonicTime {
    init(_ instant: Instant) { self.init(nanoseconds: instant.nanoseconds) }
}
