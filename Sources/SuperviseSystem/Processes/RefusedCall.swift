import CLinux

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
