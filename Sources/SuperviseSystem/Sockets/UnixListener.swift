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

/// Who is at the other end of a connection, as the kernel vouches for it.
package struct PeerCredentials: Hashable, Sendable {
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32
}

/// A connection that a ``UnixListener`` has accepted. Nothing here ever waits.
package final class UnixConnection {
    /// Who has connected. It may have ended since, and others may share its end.
    package let peer: PeerCredentials
    private var socket: FileDescriptor?
    private let number: Int32

    /// - Parameter socket: a nonblocking stream socket.
    init(adopting socket: consuming FileDescriptor) throws(SystemError) {
        let number = socket.rawValue
        var pid: pid_t = 0
        var uid: uid_t = 0
        var gid: gid_t = 0
        try systemCall("getsockopt") { cl_peer(number, &pid, &uid, &gid) }
        peer = PeerCredentials(pid: pid, uid: uid, gid: gid)
        self.number = number
        self.socket = consume socket
    }

    /// The socket's number, for an ``EventLoop``; to be cancelled there before `close`.
    package var descriptor: Int32 {
        precondition(socket != nil, "a closed connection is used")
        return number
    }

    /// Appends what has arrived, at most `limit` bytes.
    ///
    /// - Throws: EIO and the like; a peer that was killed is an end, not an error.
    package func read(
        into buffer: inout [UInt8], limit: Int = 65536
    ) throws(SystemError) -> ReadResult {
        try readAvailable(descriptor, into: &buffer, limit: limit)
    }

    /// Writes what the socket takes now.
    ///
    /// - Returns: how many bytes; 0 where it takes nothing now.
    /// - Throws: EPIPE or ECONNRESET where the other side is gone.
    package func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        try writeSome(bytes, to: descriptor)
    }

    /// Ends the connection; the second time does nothing. Letting go of it does the same.
    package func close() {
        socket = nil
    }
}
