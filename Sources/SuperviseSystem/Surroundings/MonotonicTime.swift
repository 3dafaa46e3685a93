import CLinux
import Glibc

/// A moment on the monotonic clock, which never jumps and stands still while the machine sleeps.
package struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since some moment near the machine's boot.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The present moment.
    package static func now() -> MonotonicTime {
        MonotonicTime(nanoseconds: readClock(CLOCK_MONOTONIC))
    }

    package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// A later moment; what is too far away to express is the end of time.
    package static func + (moment: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return MonotonicTime(nanoseconds: overflow ? .max : sum)
    }

    /// The time from one moment to another.
    package static func - (end: MonotonicTime, start: MonotonicTime) -> Duration {
        .nanoseconds(end.nanoseconds - start.nanoseconds)
    }
}

extension Duration {
    /// In nanoseconds, held within what 64 bits express (292 years).
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || tooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}

/// Nanoseconds since 1970 by the wall clock, which people set and which may jump.
package func wallClockNow() -> Int64 {
    readClock(CLOCK_REALTIME)
}

private func readClock(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // Cannot fail: both clocks are in every kernel.
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Lets time pass on this thread; a signal that is handled cuts it short.
package func sleepThisThread(for time: Duration) {
    poll(nil, 0, Int32(clamping: time.nanoseconds / 1_000_000))
}
