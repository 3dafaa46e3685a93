import CLinux
import Glibc

/// What our standard input is, and how much of it is left.
package enum StandardInput: Equatable, Sendable {
    /// A regular file, and where the next read begins.
    case file(offset: Int64)
    /// A pipe, with a name or without: the bytes in it, and whether anybody may write more.
    case pipe(waiting: Int, isOpen: Bool)
    /// A terminal, a socket, a device, or what cannot be examined.
    case other

    /// As it is now.
    package static func now() -> StandardInput {
        var found = stat()
        guard fstat(STDIN_FILENO, &found) == 0 else { return .other }
        switch found.st_mode & S_IFMT {
        case S_IFREG: return file()
        case S_IFIFO: return pipe()
        default: return .other
        }
    }

    /// A file that is also our output counts as `other`: seeking in it would overwrite the output.
    private static func file() -> StandardInput {
        let offset = lseek(STDIN_FILENO, 0, SEEK_CUR)
        guard offset >= 0, !leadToSame(STDIN_FILENO, STDOUT_FILENO),
            !leadToSame(STDIN_FILENO, STDERR_FILENO)
        else { return .other }
        return .file(offset: Int64(offset))
    }

    private static func pipe() -> StandardInput {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        // Looked at before the bytes are counted: bytes that are written in between must not look like the end.
        guard poll(&entry, 1, 0) >= 0, let waiting = bytesWaiting(STDIN_FILENO) else {
            return .other
        }
        return .pipe(waiting: waiting, isOpen: Int32(entry.revents) & POLLHUP == 0)
    }

    /// Lets the next read of a regular file begin here, for all who share the open file.
    ///
    /// - Throws: ESPIPE, EINVAL, …
    package static func moveBack(to offset: Int64) throws(SystemError) {
        try systemCall("lseek", "standard input") { lseek(STDIN_FILENO, off_t(offset), SEEK_SET) }
    }
}
