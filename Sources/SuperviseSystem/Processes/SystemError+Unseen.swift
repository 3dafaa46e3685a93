import Glibc

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
