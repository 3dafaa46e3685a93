import CLinux
import Glibc

/// Takes signals one by one while there is no event loop. Those that are not taken act when it goes.
package final class SignalWait {
    private let signals: SignalSet
    private var former = sigset_t()

    /// Blocks the signals in this thread.
    package init(_ signals: SignalSet) {
        self.signals = signals
        var set = signals.native
        pthread_sigmask(SIG_BLOCK, &set, &former)
    }

    deinit { pthread_sigmask(SIG_SETMASK, &former, nil) }

    /// The next signal; nil if none comes within this time, or another one was handled.
    package func next(within time: Duration) -> Int32? {
        var set = signals.native
        var limit = timespec(
            tv_sec: Int(time.nanoseconds / 1_000_000_000),
            tv_nsec: Int(time.nanoseconds % 1_000_000_000))
        let signal = sigtimedwait(&set, nil, &limit)
        return signal > 0 ? signal : nil
    }
}
