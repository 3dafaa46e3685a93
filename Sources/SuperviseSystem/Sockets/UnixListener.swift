import CLinux
import Glibc

/// A Unix-domain socket that takes connections without waiting for them.
package final class UnixListener {
    /// How many connections can wait to be taken.
    package static let backlog = 128

    /// The path that it is bound to.
    package let path: String
    private let socket: FileDescriptor
    /// Given up to answer a connection that there is no descriptor for; without it the connection would
    /// stay in the queue and wake us for ever.
    private var reserve: FileDescriptor?

    /// Binds with mode 0600, in place of a socket that an earlier process left there. The caller holds
    /// the lock that says that no earlier process is alive.
    ///
    /// - Throws: ENAMETOOLONG for a path of more than 100 bytes, ENOENT or EACCES for its directory,
    ///   EADDRINUSE where something that is no socket is in the way, EROFS, ENOSPC.
    ///
    /// - Parameter mayBeLong: a path of more than 100 bytes is bound through /proc.
    package init(path: String, mayBeLong: Bool = false) throws(SystemError) {
        let socket = try UnixAddress.makeSocket(nonblocking: true)
        let number = socket.rawValue
        let bind = { (path: String) throws(SystemError) in
            try UnixAddress(path).bindPrivately(number, path)
        }
        if mayBeLong { try withShortPath(path, bind) } else { try bind(path) }
        try systemCall("listen", path) { listen(number, Int32(UnixListener.backlog)) }
        self.path = path
        self.socket = socket
        reserve = UnixListener.openReserve()
    }

    /// Readable when a connection waits; for an ``EventLoop``.
    package var descriptor: Int32 { socket.rawValue }

    /// Takes the next connection.
    ///
    /// - Returns: nil where none waits.
    /// - Throws: EMFILE or ENFILE where there is no descriptor for it: it was closed unanswered, or, if
    ///   not even that was possible, waits on; so whoever watches had better rest for a while.
    package func accept() throws(SystemError) -> UnixConnection? {
        let number = socket.rawValue
        while true {
            do throws(SystemError) {
                let descriptor = FileDescriptor(
                    adopting: try systemCall("accept", path) { cl_accept(number) })
                return try UnixConnection(adopting: descriptor)
            } catch {
                switch error.code {
                case EAGAIN: return nil
                case ECONNABORTED: continue
                case EMFILE, ENFILE:
                    // The kernel looks for a descriptor first and for a connection second.
                    guard turnAwayNext() else { return nil }
                    throw error
                default: throw error
                }
            }
        }
    }

    /// Removes the socket's name, so that nobody connects any more.
    package func removeName() {
        unlink(path)
    }

    /// - Returns: false where no connection waits. One that does may have to wait on: others take
    ///   descriptors too, and the reserve may be gone.
    private func turnAwayNext() -> Bool {
        reserve = nil
        let taken = cl_accept(socket.rawValue)
        let code = taken < 0 ? errno : 0
        if taken >= 0 { Glibc.close(taken) }
        reserve = UnixListener.openReserve()
        return code != EAGAIN
    }

    private static func openReserve() -> FileDescriptor? {
        let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        return FileDescriptor(adopting: number)
    }
}
