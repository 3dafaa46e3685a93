import CLinux
import Glibc

/// A set of signals, by number.
package struct SignalSet: Hashable, Sendable {
    /// Bit n - 1 stands for signal n, as in the kernel's own masks.
    package private(set) var bits: UInt64 = 0

    package init(_ signals: [Int32]) {
        for signal in signals { insert(signal) }
    }

    /// The numbers in the set, ascending.
    package var signals: [Int32] {
        (1...64).filter(contains)
    }

    package func contains(_ signal: Int32) -> Bool {
        (1...64).contains(signal) && bits & 1 << UInt64(signal - 1) != 0
    }

    package mutating func insert(_ signal: Int32) {
        precondition((1...64).contains(signal), "there is no signal \(signal)")
        bits |= 1 << UInt64(signal - 1)
    }

    package mutating func remove(_ signal: Int32) {
        guard contains(signal) else { return }
        bits &= ~(1 << UInt64(signal - 1))
    }

    /// Every signal that we can take in an orderly way: not SIGKILL and SIGSTOP, which nobody can; not
    /// the faults, which must kill us where they happen; not SIGPIPE, which we ignore; not the two that
    /// the C library keeps to itself (32 and 33).
    package static let catchable: SignalSet = {
        let faults = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS]
        let others = [SIGKILL, SIGSTOP, SIGPIPE]
        let usual = (1...31).filter { !faults.contains($0) && !others.contains($0) }
        return SignalSet(usual + Array(cl_first_realtime_signal()...cl_last_realtime_signal()))
    }()

    /// In the C library's form.
    var native: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}

/// What a signal does to another process.
package enum SignalReception: Equatable, Sendable {
    /// A handler is called, or it waits for it.
    case handled
    case ignored
    /// What the system does by itself, which for most signals is the end.
    case standard

    /// - Throws: ENOENT or ESRCH where there is no such process.
    package init(of signal: Int32, by pid: Int32) throws(SystemError) {
        let text = try readSmallFile("/proc/\(pid)/status")
        func has(_ set: String) -> Bool {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(set):") }
            let digits = line?.split(separator: "\t").last.map(String.init) ?? ""
            return (UInt64(digits, radix: 16) ?? 0) & (1 << UInt64(signal - 1)) != 0
        }
        // Who blocks a signal waits for it in some other way.
        self = has("SigCgt") || has("SigBlk") ? .handled : has("SigIgn") ? .ignored : .standard
    }
}

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

private let names: [(name: String, number: Int32)] = [
    ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP),
    ("ABRT", SIGABRT), ("BUS", SIGBUS), ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1),
    ("SEGV", SIGSEGV), ("USR2", SIGUSR2), ("PIPE", SIGPIPE), ("ALRM", SIGALRM), ("TERM", SIGTERM),
    ("STKFLT", 16), ("CHLD", SIGCHLD), ("CONT", SIGCONT), ("STOP", SIGSTOP), ("TSTP", SIGTSTP),
    ("TTIN", SIGTTIN), ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ),
    ("VTALRM", SIGVTALRM), ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO), ("PWR", SIGPWR),
    ("SYS", SIGSYS),
    // Second names, read but never written.
    ("IOT", SIGABRT), ("POLL", SIGIO), ("CLD", SIGCHLD),
]

/// The usual name, such as `SIGKILL` or `SIGRTMIN+3`; `signal 32` for a number without a name.
package func signalName(_ number: Int32) -> String {
    if let known = names.first(where: { $0.number == number }) { return "SIG" + known.name }
    let first = cl_first_realtime_signal()
    guard (first...cl_last_realtime_signal()).contains(number) else { return "signal \(number)" }
    return number == first ? "SIGRTMIN" : "SIGRTMIN+\(number - first)"
}

/// The number for `SIGUSR1`, `usr1`, `10`, `RTMIN+3` or `RTMAX-1`; nil where it names no signal.
package func signalNumber(_ text: String) -> Int32? {
    if let number = Int32(text) {
        return (1...cl_last_realtime_signal()).contains(number) ? number : nil
    }
    var name = text.uppercased()
    if name.hasPrefix("SIG") { name.removeFirst(3) }
    if let known = names.first(where: { $0.name == name }) { return known.number }
    return realtimeSignal(name)
}

private func realtimeSignal(_ name: String) -> Int32? {
    let first = cl_first_realtime_signal()
    let last = cl_last_realtime_signal()
    let base = name.hasPrefix("RTMIN") ? first : name.hasPrefix("RTMAX") ? last : nil
    guard let base else { return nil }
    let rest = name.dropFirst(5)
    guard !rest.isEmpty else { return base }
    // From the first upwards, from the last downwards.
    guard rest.first == (base == first ? "+" : "-"), let offset = Int32(rest) else { return nil }
    guard abs(offset) <= last - first else { return nil }
    return base + offset
}
