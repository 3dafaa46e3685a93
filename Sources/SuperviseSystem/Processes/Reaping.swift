import CLinux
import Glibc

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
