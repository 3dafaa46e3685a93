import CLinux
import Glibc

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
