import CLinux
import Glibc

/// One alarm on the monotonic clock, served by an ``EventLoop``.
package final class TimerSource {
    private let timer: FileDescriptor
    private let loop: EventLoop
    private var registration: EventLoop.Registration?

    /// - Parameter handler: called once for each deadline that passes.
    /// - Throws: EMFILE.
    package init(
        on loop: EventLoop, _ handler: @escaping () -> Void
    ) throws(SystemError) {
        self.loop = loop
        let number = try systemCall("timerfd_create") {
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        }
        timer = FileDescriptor(adopting: number)
        registration = try loop.watch(number, for: .read, rank: .first) { _ in
            var expirations: UInt64 = 0
            // Nothing to read: the alarm was set anew after it went off.
            if read(number, &expirations, 8) == 8 { handler() }
        }
    }

    deinit {
        if let registration { loop.cancel(registration) }
    }

    /// Sets the alarm to a moment, instead of what was set before; nil takes it back.
    ///
    /// A moment that has passed goes off at once, in the loop.
    package func set(_ deadline: MonotonicTime?) {
        // Zero would mean: never.
        let nanoseconds = max(1, deadline?.nanoseconds ?? 1)
        var setting = itimerspec()
        if deadline != nil {
            setting.it_value.tv_sec = Int(nanoseconds / 1_000_000_000)
            setting.it_value.tv_nsec = Int(nanoseconds % 1_000_000_000)
        }
        let result = timerfd_settime(
            timer.rawValue, Int32(TFD_TIMER_ABSTIME), &setting, nil)
        precondition(result == 0, "timerfd_settime: errno \(errno)")
    }
}
