import CLinux
import Glibc

/// A process that cannot be confused with a later one of the same number.
@usableFromInline
package final class ProcessHandle: Sendable {
    /// Its number; another process may get it once this one was reaped.
    package let pid: Int32
    private let pidfd: FileDescriptor

    init(pid: Int32, adopting pidfd: consuming FileDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// Takes hold of a running process, or of one that has ended and was not reaped.
    ///
    /// - Throws: ESRCH where there is none, EMFILE.
    package convenience init(opening pid: Int32) throws(SystemError) {
        let number = try systemCall("pidfd_open", "\(pid)") { cl_pidfd_open(pid) }
        self.init(pid: pid, adopting: FileDescriptor(adopting: number))
    }

    /// Readable once the process has ended, before it is reaped; for an ``EventLoop``.
    package var descriptor: Int32 { pidfd.rawValue }

    /// Sends a signal to this process alone.
    ///
    /// - Returns: false where it is gone.
    /// - Throws: EPERM where it has become somebody else's.
    @discardableResult
    package func signal(_ signal: Int32) throws(SystemError) -> Bool {
        let number = pidfd.rawValue
        do throws(SystemError) {
            try systemCall("pidfd_send_signal", "\(pid)") { cl_pidfd_send_signal(number, signal) }
            return true
        } catch {
            if error.code == ESRCH { return false }
            throw error
        }
    }

    /// Waits until the process has ended.
    ///
    /// - Parameter limit: how long at most; nil waits for ever.
    /// - Returns: whether it has.
    package func waitForEnd(atMost limit: Duration?) throws(SystemError) -> Bool {
        try waitUntilReady(pidfd.rawValue, for: POLLIN, until: limit.map { .now() + $0 })
    }
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
