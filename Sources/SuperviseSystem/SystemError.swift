import CLinux
import Glibc

/// A system call that failed: which one, on what, and why.
package struct SystemError: Error, Equatable, Sendable {
    /// The call's name as in its manual page, such as `rename`.
    package let call: String
    /// The value of `errno` that the call left.
    package let code: Int32
    /// What it was done to: a path, a pid, a signal; empty where there is nothing to name.
    package let subject: String

    package init(call: String, code: Int32, subject: String) {
        self.call = call
        self.code = code
        self.subject = subject
    }
}

extension SystemError: CustomStringConvertible {
    /// Such as `rename /data/run.json: No space left on device`.
    package var description: String {
        let reason = errorText(code)
        return subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// The system's text for an `errno` value, such as `Permission denied`.
package func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return "error \(code)" }
        guard strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
        return String(cString: base)
    }
}

/// Does one system call: retries EINTR, and takes errno before any other code can change it.
///
/// - Parameters:
///   - call: the call's name, for the error.
///   - subject: what it is done to, for the error; made only when it fails.
///   - body: the call itself; negative (or nil through ``systemPointer``) means that it failed.
/// - Throws: ``SystemError`` with the errno of the call. EBADF and EFAULT are bugs of ours and trap.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ call: String, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(call): errno \(code)")
        throw SystemError(call: call, code: code, subject: subject())
    }
}

extension SystemError {
    /// Whether the call failed for lack of a resource, so that it may succeed later.
    ///
    /// The only place that tells so: descriptors (EMFILE, ENFILE), memory (ENOMEM), and processes or
    /// threads (EAGAIN, which from a read or a write says something else). ENOSPC is one where it is
    /// about watches of epoll or about pseudoterminals, and not about a disk.
    package var isShortage: Bool {
        switch code {
        case EMFILE, ENFILE, ENOMEM: call != "setrlimit"
        case EAGAIN: ["clone", "fork", "pthread_create", "execve", "setuid"].contains(call)
        case ENOSPC: call == "epoll_ctl" || subject == "/dev/ptmx"
        default: false
        }
    }

    /// What to do about a shortage, for people.
    package var shortageAdvice: String {
        switch (code, call) {
        case (EMFILE, "inotify_init1"): "raise fs.inotify.max_user_instances"
        case (EMFILE, _): "raise the limit of open files (ulimit -n, LimitNOFILE= in a unit)"
        case (ENFILE, _): "raise fs.file-max, or end what holds so many files open"
        case (ENOSPC, "epoll_ctl"): "raise fs.epoll.max_user_watches"
        case (ENOSPC, _): "raise kernel.pty.max, or end what holds so many terminals"
        case (EAGAIN, _):
            "raise the limit of processes (ulimit -u, TasksMax= in a unit, --pids-limit of a "
                + "container), or end some"
        default: "free memory, or raise the limit of it"
        }
    }

    /// Whether a process that was meant is not there.
    package var isNoProcess: Bool { code == ESRCH }
}

extension SystemError {
    /// A look at the processes in /proc failed, in whichever call.
    static func unseen(_ code: Int32) -> SystemError {
        SystemError(call: "read", code: code, subject: "/proc")
    }

    /// Of a look at the processes: there is no /proc of our own PID namespace, so that looking
    /// again is of no use. As C's `cl_has_no_proc`.
    package var hasNoProc: Bool { code == ENXIO || code == ENOENT }

    /// Why nobody can tell which processes there are, and what to do about it, for people.
    package var whyUnseen: String {
        if isShortage { return "\(self); \(shortageAdvice)" }
        guard hasNoProc else { return "\(self)" }
        return "/proc does not show our processes; mount it (unshare --mount-proc, in a PID "
            + "namespace)"
    }
}

/// A system call of ours that a sandbox refuses, or that the kernel does not know.
package struct RefusedCall: Equatable, Sendable {
    /// Its name as in its manual page.
    package let name: String
    /// The errno with which it is refused.
    package let code: Int32

    /// The refused calls that we have a replacement for: those that signal a process by its pidfd.
    ///
    /// - Returns: what is refused here; found out by calls that do nothing.
    package static func all() -> [RefusedCall] {
        [
            ("pidfd_open", cl_refuses_pidfd_open()),
            ("pidfd_send_signal", cl_refuses_pidfd_send_signal()),
            ("clone with CLONE_PIDFD", cl_refuses_clone_pidfd()),
        ].filter { $0.1 != 0 }.map { RefusedCall(name: $0.0, code: $0.1) }
    }
}

/// Raises our soft limit of open files to the hard one; children have the one that we had before.
///
/// Where that is not possible it stays as it is.
package func raiseLimitOfOpenFiles() {
    _ = cl_raise_files()
}
