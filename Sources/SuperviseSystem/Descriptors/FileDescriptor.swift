import CLinux
import Glibc

/// An open file descriptor with one owner: it is closed when its owner lets go of it.
///
/// `@usableFromInline` only so that other modules may take the parts of a ``Pipe`` one by one.
@usableFromInline
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, valid as long as this value lives.
    package let rawValue: Int32

    /// Takes over an open descriptor that nobody else closes.
    package init(adopting rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        // Linux closes the descriptor whatever close returns, so there is nothing to try again.
        _ = Glibc.close(rawValue)
    }

    /// Closes it now.
    package consuming func close() {}

    /// Gives it away: the caller closes it.
    package consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// A second descriptor for the same open file, closed on exec too.
    ///
    /// - Throws: EMFILE.
    package borrowing func duplicate() throws(SystemError) -> FileDescriptor {
        let number = rawValue
        return FileDescriptor(
            adopting: try systemCall("fcntl", "\(number)") {
                // Never 0 to 2: what thinks it writes to stdout must not write here.
                cl_fcntl(number, F_DUPFD_CLOEXEC, 3)
            })
    }

    /// Makes a pipe; both ends are closed on exec.
    ///
    /// - Parameter nonblocking: which ends return EAGAIN instead of waiting.
    /// - Throws: EMFILE, ENFILE.
    package static func pipe(
        nonblocking: Pipe.Ends = []
    ) throws(SystemError) -> Pipe {
        var ends: (Int32, Int32) = (-1, -1)
        try systemCall("pipe") {
            withUnsafeMutableBytes(of: &ends) {
                cl_pipe($0.bindMemory(to: Int32.self).baseAddress)
            }
        }
        let pipe = Pipe(
            read: FileDescriptor(adopting: ends.0), write: FileDescriptor(adopting: ends.1))
        if nonblocking.contains(.read) { try pipe.read.setNonblocking() }
        if nonblocking.contains(.write) { try pipe.write.setNonblocking() }
        return pipe
    }

    /// Of a pipe: lets it hold a megabyte, as far as the system allows.
    package borrowing func widen() { widenPipe(rawValue) }

    /// Makes reads and writes return EAGAIN instead of waiting, for everyone who shares the open file.
    package borrowing func setNonblocking() throws(SystemError) {
        let number = rawValue
        let flags = try systemCall("fcntl", "\(number)") { cl_fcntl(number, F_GETFL, 0) }
        try systemCall("fcntl", "\(number)") { cl_fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }
}

/// The two ends of a pipe.
@frozen
package struct Pipe: ~Copyable, Sendable {
    package let read: FileDescriptor
    package let write: FileDescriptor

    /// A choice of ends.
    package struct Ends: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let read = Ends(rawValue: 1)
        package static let write = Ends(rawValue: 2)
    }
}
