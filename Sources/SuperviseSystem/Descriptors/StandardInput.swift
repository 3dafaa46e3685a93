import CLinux
import Glibc

/// Our standard input: what kind it is, found out once, and how much of it is left.
///
/// The kind is asked for at the start only: a file system of the network that hangs would hold up
/// whoever asks, and later that is the loop.
package struct StandardInput: Equatable, Sendable {
    private enum Kind: Sendable { case file, pipe, other }

    private let kind: Kind

    package enum State: Equatable, Sendable {
        /// A regular file, and where the next read begins.
        case file(offset: Int64)
        /// A pipe, with a name or without: the bytes in it, and whether anybody may write more.
        case pipe(waiting: Int, isOpen: Bool)
        /// A terminal, a socket, a device, or what cannot be examined.
        case other
    }

    /// Finds out the kind. A file that is also our output counts as `other`: seeking in it would
    /// overwrite the output.
    package init() {
        var found = stat()
        guard fstat(STDIN_FILENO, &found) == 0 else {
            kind = .other
            return
        }
        switch found.st_mode & S_IFMT {
        case S_IFREG:
            let isOutput =
                leadToSame(STDIN_FILENO, STDOUT_FILENO) || leadToSame(STDIN_FILENO, STDERR_FILENO)
            kind = isOutput ? .other : .file
        case S_IFIFO: kind = .pipe
        default: kind = .other
        }
    }

    /// As it is now; asks no file system.
    package var now: State {
        switch kind {
        case .file: file
        case .pipe: pipe
        case .other: .other
        }
    }

    private var file: State {
        let offset = lseek(STDIN_FILENO, 0, SEEK_CUR)
        return offset >= 0 ? .file(offset: Int64(offset)) : .other
    }

    private var pipe: State {
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
    package func moveBack(to offset: Int64) throws(SystemError) {
        try systemCall("lseek", "standard input") { lseek(STDIN_FILENO, off_t(offset), SEEK_SET) }
    }
}
