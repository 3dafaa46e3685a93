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
