import CLinux
import Glibc

/// A process that cannot be confused with a later one of the same number.
@usableFromInline
package final class ProcessHandle: Sendable {
    /// Its number; another process may get it once this one was reaped.
    package let pid: Int32
    /// -1 where a sandbox or an old kernel refuses pidfds: then the number is used, after a look.
    private let pidfd: FileDescriptor
    /// When it was started; 0 for a child of ours, whose number stays its own until we reap it.
    private let started: UInt64

    init(pid: Int32, adopting pidfd: consuming FileDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
        started = 0
    }

    /// Takes hold of a running process, or of one that has ended and was not reaped.
    ///
    /// - Throws: ESRCH where there is none, EMFILE.
    package init(opening pid: Int32) throws(SystemError) {
        var number: Int32 = -1
        var started: UInt64 = 0
        do throws(SystemError) {
            number = try systemCall("pidfd_open", "\(pid)") { cl_pidfd_open(pid) }
        } catch {
            guard cl_is_refusal(error.code) != 0 else { throw error }
            switch ProcessStatus.look(at: pid) {
            case .found(let status): started = status.started
            case .gone: throw SystemError(call: "kill", code: ESRCH, subject: "\(pid)")
            case .unknown(let error): throw error
            }
        }
        self.pid = pid
        self.started = started
        pidfd = FileDescriptor(adopting: number)
    }

    /// Readable once the process has ended, before it is reaped; for an ``EventLoop``. -1 where pidfds
    /// are refused.
    package var descriptor: Int32 { pidfd.rawValue }

    /// Sends a signal to this process alone.
    ///
    /// - Returns: false where it is gone.
    /// - Throws: EPERM where it has become somebody else's.
    @discardableResult
    package func signal(_ signal: Int32) throws(SystemError) -> Bool {
        let number = pidfd.rawValue
        do throws(SystemError) {
            guard number >= 0 else { return try signalByNumber(signal) }
            try systemCall("pidfd_send_signal", "\(pid)") { cl_pidfd_send_signal(number, signal) }
            return true
        } catch {
            if error.code == ESRCH { return false }
            guard number >= 0, cl_is_refusal(error.code) != 0 else { throw error }
            return try signalByNumber(signal)
        }
    }

    private func signalByNumber(_ signal: Int32) throws(SystemError) -> Bool {
        guard try isThere() else { return false }
        do throws(SystemError) {
            try systemCall("kill", "\(pid)") { kill(pid, signal) }
            return true
        } catch {
            if error.code == ESRCH { return false }
            throw error
        }
    }

    /// Whether the number is still this process's, ended or not.
    ///
    /// - Throws: why nobody can tell.
    private func isThere() throws(SystemError) -> Bool {
        let state = cl_child_state(pid)
        let code = errno
        if state > 0 { return true }
        guard started != 0 else {
            if state < 0 { throw SystemError(call: "waitid", code: code, subject: "\(pid)") }
            return false
        }
        return switch ProcessStatus.look(at: pid) {
        case .found(let status): status.started == started
        case .gone: false
        case .unknown(let error): throw error
        }
    }

    private var hasEnded: Bool {
        let state = cl_child_state(pid)
        if state > 0 { return state == 2 }
        // No child of ours any more; where the system does not tell, the look does.
        if state == 0, started == 0 { return true }
        return switch ProcessStatus.look(at: pid) {
        case .found(let status):
            (started != 0 && status.started != started) || status.state == "Z"
        case .gone: true
        case .unknown: false
        }
    }

    /// Waits until the process has ended.
    ///
    /// - Parameter limit: how long at most; nil waits for ever.
    /// - Returns: whether it has.
    package func waitForEnd(atMost limit: Duration?) throws(SystemError) -> Bool {
        let deadline = limit.map { MonotonicTime.now() + $0 }
        if pidfd.rawValue >= 0 {
            return try waitUntilReady(pidfd.rawValue, for: POLLIN, until: deadline)
        }
        // Nothing tells of its end, so it is looked at every 10 ms.
        while !hasEnded {
            if let deadline, deadline <= .now() { return false }
            poll(nil, 0, 10)
        }
        return true
    }
}

/// Sends a signal to all in the process group of a child of ours, which it was born to lead.
package func signalProcessGroup(_ group: Int32, _ signal: Int32) {
    precondition(group > 1, "0 and 1 would mean others")
    _ = kill(-group, signal)
}

/// Waits until a descriptor is ready, or a moment has come.
///
/// - Returns: false where the moment came first.
func waitUntilReady(
    _ descriptor: Int32, for events: Int32, until deadline: MonotonicTime?
) throws(SystemError) -> Bool {
    while true {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        var timeout: Int32 = -1
        if let deadline {
            let left = max(0, (deadline - .now()).nanoseconds)
            // Rounded up, so as not to come round for the last fraction again and again.
            timeout = Int32(clamping: (left + 999_999) / 1_000_000)
        }
        let count = poll(&entry, 1, timeout)
        if count > 0 { return true }
        if count == 0 { return false }
        guard errno == EINTR else {
            throw SystemError(call: "poll", code: errno, subject: "\(descriptor)")
        }
    }
}

/// How a process ended.
package enum ExitStatus: Hashable, Sendable {
    /// It returned this status, 0 to 255.
    case exited(Int32)
    /// This signal ended it.
    case signaled(Int32)

    /// The number that a shell shows: the status itself, or 128 and the signal.
    package var shellStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signaled(let signal): 128 + signal
        }
    }
}

/// A child that has ended and was taken from the kernel's books.
package struct Reaped: Hashable, Sendable {
    package let pid: Int32
    package let status: ExitStatus

    package init(pid: Int32, status: ExitStatus) {
        self.pid = pid
        self.status = status
    }

    init(_ ended: cl_ended) {
        pid = ended.pid
        status = ended.signaled != 0 ? .signaled(ended.status) : .exited(ended.status)
    }
}

/// Takes one child that has ended: our own, or an orphan that came to us.
///
/// - Returns: nil where none has ended; ``anyChildRemains()`` tells whether there is one at all.
package func reapOne() -> Reaped? {
    var ended = cl_ended()
    // Fails only with ECHILD: with WNOHANG there is nothing to interrupt.
    guard cl_reap(&ended) == 0, ended.pid != 0 else { return nil }
    return Reaped(ended)
}

/// Whether we have any child, running or ended, apart from a ``Guard``; true also where the system
/// does not tell, so that a look at the processes follows.
package func anyChildRemains() -> Bool {
    cl_any_child() != 0
}

/// Makes orphans among our descendants our children, instead of init's.
///
/// - Throws: EINVAL before Linux 3.4.
package func becomeSubreaper() throws(SystemError) {
    try systemCall("prctl") { cl_become_subreaper() }
}
