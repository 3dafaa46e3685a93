import Glibc

extension SystemError {
    /// Why nobody can tell which processes there are, and what to do about it, for people.
    package var whyUnseen: String {
        if isShortage { return "\(self); \(shortageAdvice)" }
        guard code == ENXIO || code == ENOENT else { return "\(self)" }
        return "/proc does not show our processes; mount it (unshare --mount-proc, in a PID "
            + "namespace)"
    }
}
