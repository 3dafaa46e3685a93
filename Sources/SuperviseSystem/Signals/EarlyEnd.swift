import CLinux
import Glibc

/// The end at SIGHUP, SIGINT or SIGTERM before a ``SignalSource`` takes them.
///
/// The process dies by the signal at once, whatever it waits for. As PID 1 of a container, where the
/// kernel would drop the signal, it exits with 128 and its number. To be set up first of all.
package enum EarlyEnd {
    private static let signals = [SIGHUP, SIGINT, SIGTERM]

    /// A signal that is ignored stays ignored.
    package static func prepare() { cl_end_at_stop_signals() }

    /// Sets what is written to standard error before the end.
    ///
    /// - Parameter line: makes it from the signal's name; its first 511 bytes count.
    package static func say(_ line: (String) -> String) {
        for signal in signals { cl_say_at_stop_signal(signal, line(signalName(signal))) }
    }

    /// Whether one of these signals ends the process that early.
    package static func takes(_ signal: Int32) -> Bool { signals.contains(signal) }
}

/// Holds signals back in this thread until it lets them through, so that none is lost meanwhile.
package struct SignalHold {
    private var before = sigset_t()

    package init(_ signals: SignalSet) {
        var set = signals.native
        pthread_sigmask(SIG_BLOCK, &set, &before)
    }

    /// Lets through what was not held back before. What came meanwhile acts before this returns.
    package func end() {
        var set = before
        pthread_sigmask(SIG_SETMASK, &set, nil)
    }
}
