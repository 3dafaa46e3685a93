import CLinux
import Glibc
import Synchronization

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

/// Descriptors from 3 on that our starter has left open for the program that it starts: the job's.
///
/// Descriptors that we open ourselves are closed on exec. These are held open for each attempt to inherit.
package final class InheritedDescriptors: Sendable {
    /// Sockets that a service manager gave, from descriptor 3 on (sd_listen_fds(3)).
    package struct Sockets: Equatable, Sendable {
        package let count: Int
        /// Their names, as in LISTEN_FDNAMES; nil if they have none.
        package let names: String?

        /// - Returns: nil if the variables are missing, or are meant for another process.
        package init?(_ variable: (String) -> String?, pid: Int32 = getpid()) {
            guard variable("LISTEN_PID").flatMap({ Int32($0) }) == pid,
                let count = variable("LISTEN_FDS").flatMap({ Int($0) }), (1...4096).contains(count)
            else { return nil }
            self.count = count
            names = variable("LISTEN_FDNAMES")
        }

        fileprivate var numbers: Range<Int32> { 3..<(3 + Int32(count)) }
    }

    /// Those for the job; nil where it gets none.
    package let sockets: Sockets?
    private let open: Mutex<[Int32]>

    /// Closes at once what the job does not get.
    ///
    /// - Parameters:
    ///   - given: what our service manager gave.
    ///   - passesSockets: whether the job gets that.
    package init(_ given: Sockets?, passesSockets: Bool) {
        sockets = passesSockets ? given : nil
        var numbers = Self.all()
        if let given, !passesSockets {
            for number in given.numbers where numbers.contains(number) { _ = Glibc.close(number) }
            numbers.removeAll { given.numbers.contains($0) }
        }
        open = Mutex(numbers)
    }

    private init() {
        sockets = nil
        open = Mutex([])
    }

    /// Nothing was inherited.
    package static let none = InheritedDescriptors()

    /// No attempt inherits them any more.
    package func close() {
        let numbers = open.withLock { numbers in
            defer { numbers = [] }
            return numbers
        }
        for number in numbers { _ = Glibc.close(number) }
    }

    /// Those that are not closed on exec.
    private static func all() -> [Int32] {
        let listed = try? Disk().list("/proc/self/fd").compactMap { Int32($0.name) }
        return (listed ?? Array(3..<1024)).filter { number in
            let flags = number < 3 ? -1 : cl_fcntl(number, F_GETFD, 0)
            return flags >= 0 && flags & FD_CLOEXEC == 0
        }.sorted()
    }
}

/// Whether so many descriptors can be opened now: without them a start fails somewhere in the middle.
///
/// - Throws: EMFILE.
package func probeDescriptors(_ count: Int) throws(SystemError) {
    var opened: [Int32] = []
    defer { for number in opened { _ = close(number) } }
    for _ in 0..<count {
        opened.append(
            try systemCall("fcntl", "standard input") {
                cl_fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
            })
    }
}
