import CLinux
import Glibc

/// Delivers signals to handlers of an ``EventLoop``, one after the other, like any other event.
package final class SignalSource {
    private let descriptor: FileDescriptor
    private let loop: EventLoop
    private var registration: EventLoop.Registration?

    /// Blocks the signals in this thread, and with it in every thread that it starts from now on: to
    /// be made before there are others, or they take the signals.
    ///
    /// - Parameters:
    ///   - rank: when signals are served within a turn of the loop.
    ///   - handler: gets the signal and the pid of its sender (0 where that was the kernel).
    /// - Throws: EMFILE. Then nothing is blocked.
    package init(
        _ signals: SignalSet, on loop: EventLoop, rank: EventLoop.Rank = .first,
        _ handler: @escaping (_ signal: Int32, _ pid: Int32) -> Void
    ) throws(SystemError) {
        self.loop = loop
        // Where our starter ignored it, the kernel would reap our children and tell us nothing.
        if signals.contains(SIGCHLD) { _ = cl_signal_default(SIGCHLD) }
        var set = signals.native
        let number = try systemCall("signalfd") {
            signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        }
        descriptor = FileDescriptor(adopting: number)
        registration = try loop.watch(number, for: .read, rank: rank) { _ in
            // One at a time: the handler may stop the loop, and the next one is then still there.
            var info = signalfd_siginfo()
            let size = MemoryLayout<signalfd_siginfo>.size
            guard read(number, &info, size) == size else { return }
            handler(Int32(info.ssi_signo), Int32(info.ssi_pid))
        }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    deinit {
        if let registration { loop.cancel(registration) }
    }
}

/// Ignores SIGPIPE in this process: a peer that goes away is an error of the call, not our death.
package func ignoreBrokenPipes() {
    _ = cl_signal_ignore(SIGPIPE)
}

/// Makes a write beyond the limit of file sizes (`ulimit -f`) fail with EFBIG: else it kills us.
package func ignoreFileSizeLimit() {
    _ = cl_signal_ignore(SIGXFSZ)
}

/// Ignores what stops a process in the background that writes to its terminal (`stty tostop`) or
/// reads from it: one that is stopped supervises nothing, and obeys no SIGTERM.
package func ignoreBackgroundStops() {
    _ = cl_signal_ignore(SIGTTIN)
    _ = cl_signal_ignore(SIGTTOU)
}

/// Whether a signal is ignored now, as SIGHUP is under nohup when we start.
package func signalIsIgnored(_ signal: Int32) -> Bool {
    cl_signal_is_ignored(signal) != 0
}

/// Stops this process until somebody continues it.
package func stopThisProcess() {
    // To this thread: it does not go on before all have stopped.
    raise(SIGSTOP)
}

/// Stops this process as a terminal does: unless no shell is there that could continue it, which
/// only the kernel can tell. SIGTSTP is blocked, and its disposition the default.
///
/// - Returns: whether it had been stopped.
package func stopThisProcessAsATerminal() -> Bool {
    var stop = SignalSet([SIGTSTP]).native
    raise(SIGTSTP)
    pthread_sigmask(SIG_UNBLOCK, &stop, nil)
    pthread_sigmask(SIG_BLOCK, &stop, nil)
    var pending = sigset_t()
    sigpending(&pending)
    return sigismember(&pending, SIGCONT) == 1
}

/// Ends this process by a signal, so that its parent sees the true reason, without a core file.
///
/// Returns only where the signal does not kill: as PID 1, or for one whose default is something else.
package func dieBySignal(_ signal: Int32) {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = cl_forbid_core()
    _ = cl_signal_default(signal)
    var set = SignalSet([signal]).native
    kill(getpid(), signal)
    // A pending signal acts in the thread that lets it through, before this call returns.
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

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
