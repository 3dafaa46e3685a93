import CLinux
import Glibc
import Synchronization

/// Writing to whoever watches us, who may have gone away or stopped reading.

/// Whether the last message found a standard error that takes nothing: then nobody waits for it again.
private let standardErrorIsStuck = Atomic<Bool>(false)

/// Writes to standard error as far as that is possible; what cannot be written is dropped.
///
/// A reader that has gone (EPIPE, EIO) stops nothing. One that does not read, or a terminal that was
/// stopped with ^S, holds us up for a second once, and not again until it takes something.
///
/// - Parameter waits: with false, not even for that second.
package func writeStandardError(_ text: String, waits: Bool) {
    let waits = waits && !standardErrorIsStuck.load(ordering: .relaxed)
    let patience: Int32 = waits ? 1000 : 0
    let written = writeCarefully(Array(text.utf8), to: STDERR_FILENO, patience_ms: patience)
    standardErrorIsStuck.store(!written, ordering: .relaxed)
}

package func writeStandardError(_ text: String) { writeStandardError(text, waits: true) }

/// Writes all of it to standard output, waiting for the reader as long as it takes.
///
/// - Throws: EPIPE, EIO, ENOSPC, …: the reader or the disk is gone.
package func writeStandardOutput(_ text: String) throws(SystemError) {
    var rest = text.utf8[...]
    while !rest.isEmpty {
        let piece = Array(rest.prefix(1 << 20))
        rest = rest.dropFirst(piece.count)
        try writeAll(piece[...], to: STDOUT_FILENO, subject: "standard output")
    }
}

/// Writes all of it to standard output, waiting for the reader as long as it takes.
///
/// - Throws: EIO, ENOSPC, …: the reader or the disk is gone.
package func writeStandardOutput(_ bytes: [UInt8]) throws(SystemError) {
    try writeAll(bytes[...], to: STDOUT_FILENO, subject: "standard output")
}

/// By which a program ends that writes to a pipe that nobody reads.
package let brokenPipeSignal: Int32 = SIGPIPE

/// Whether a descriptor is a terminal.
package func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1
}

/// The columns of the terminal at standard output, else at standard error; nil where there is none.
package func terminalWidth() -> Int? {
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
        let columns = cl_terminal_columns(descriptor)
        if columns > 0 { return Int(columns) }
    }
    return nil
}

/// Opens /dev/null for each of the descriptors 0 to 2 that our starter closed.
///
/// To be called before anything is opened, or a socket may become "standard error".
package func ensureStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where cl_fcntl(descriptor, F_GETFD, 0) < 0 {
        // The lowest free number is this one, as those below are open by now.
        _ = open("/dev/null", O_RDWR)
    }
}

/// Ends the process at once, without exit handlers: another thread may be stuck in a disk.
package func exitProcess(_ status: Int32) -> Never {
    _exit(status)
}

/// Writes in pieces that never wait once poll has found room: what a pipe promises for PIPE_BUF bytes.
private func writeCarefully(_ bytes: [UInt8], to descriptor: Int32, patience_ms: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = poll(&entry, 1, patience_ms)
        if ready < 0 && errno == EINTR { continue }
        guard ready == 1 else { return false }
        let piece = rest.prefix(Int(PIPE_BUF))
        let count = piece.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

/// What a descriptor of ours leads to, as far as it matters to who writes there.
package enum StreamKind: Sendable {
    case terminal
    /// A regular file, or what takes everything and shows it to nobody.
    case file
    /// A pipe, with a name or without.
    case pipe
    /// A socket, as of a journal: somebody reads it.
    case socket
    /// Opened for reading only: nothing can be written there.
    case unwritable

    package init(of descriptor: Int32) {
        var found = stat()
        let kind = fstat(descriptor, &found) == 0 ? found.st_mode & S_IFMT : S_IFSOCK
        if cl_fcntl(descriptor, F_GETFL, 0) & O_ACCMODE == O_RDONLY {
            self = .unwritable
        } else if isTerminal(descriptor) {
            self = .terminal
        } else {
            switch kind {
            case S_IFREG, S_IFCHR: self = .file
            case S_IFIFO: self = .pipe
            default: self = .socket
            }
        }
    }
}

/// Whether two descriptors of ours lead to the same file, pipe or terminal.
package func leadToSame(_ one: Int32, _ other: Int32) -> Bool {
    var first = stat()
    var second = stat()
    return fstat(one, &first) == 0 && fstat(other, &second) == 0
        && first.st_dev == second.st_dev && first.st_ino == second.st_ino
}

/// Lets a pipe hold a megabyte, as far as the system allows; a write that waits then goes on.
package func widenPipe(_ descriptor: Int32) { _ = cl_widen_pipe(descriptor, 1 << 20) }

/// Bytes that a pipe or a terminal holds and nobody has read; nil where it does not tell.
package func bytesWaiting(_ descriptor: Int32) -> Int? {
    let count = cl_bytes_waiting(descriptor)
    return count < 0 ? nil : Int(count)
}

/// Writes as much as a nonblocking descriptor takes now, at least something.
///
/// - Throws: EAGAIN where it takes nothing now, EIO, …
package func writeNow(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32
) throws(SystemError) -> Int {
    try systemCall("write", "\(descriptor)") {
        bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// Writes as much as a descriptor takes at once, at least something, waiting as long as it takes.
///
/// - Throws: EPIPE or EIO where nobody is there any more, ENOSPC, …
package func writeWaiting(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32
) throws(SystemError) -> Int {
    while true {
        do throws(SystemError) {
            return try writeNow(bytes, to: descriptor)
        } catch {
            guard error.isNotNow else { throw error }
            _ = try waitUntilReady(descriptor, for: POLLOUT, until: nil)
        }
    }
}

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
