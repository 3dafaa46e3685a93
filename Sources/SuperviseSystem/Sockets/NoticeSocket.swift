import CLinux
import Glibc

/// A Unix-domain socket that takes datagrams and knows who has sent each, as programs expect that
/// speak sd_notify(3). Nothing here ever waits.
package final class NoticeSocket {
    package struct Datagram {
        package let bytes: [UInt8]
        package let sender: PeerCredentials
    }

    /// What is longer is dropped, in bytes.
    package static let longest = 4096

    /// The path that it is bound to.
    package let path: String
    private let socket: FileDescriptor

    /// Binds with mode 0600, in place of a socket that an earlier process left there. The caller holds
    /// the lock that says that no earlier process is alive.
    ///
    /// - Throws: as ``UnixListener`` does.
    package init(path: String) throws(SystemError) {
        let address = try UnixAddress(path)
        socket = try UnixAddress.makeSocket(SOCK_DGRAM, nonblocking: true)
        self.path = path
        let number = socket.rawValue
        try systemCall("setsockopt", path) { cl_want_senders(number) }
        try address.bindPrivately(number, path)
    }

    /// Readable when something has come; for an ``EventLoop``.
    package var descriptor: Int32 { socket.rawValue }

    /// Takes the next one; those that are too long, and those of nobody, are dropped.
    ///
    /// - Returns: nil where none is there.
    /// - Throws: ENOMEM and the like.
    package func receive() throws(SystemError) -> Datagram? {
        var bytes = [UInt8](repeating: 0, count: NoticeSocket.longest)
        let number = socket.rawValue
        while true {
            var pid: pid_t = 0
            var uid: uid_t = 0
            var gid: gid_t = 0
            do throws(SystemError) {
                let count = try systemCall("recvmsg", path) {
                    bytes.withUnsafeMutableBytes {
                        cl_receive(number, $0.baseAddress, $0.count, &pid, &uid, &gid)
                    }
                }
                return Datagram(
                    bytes: Array(bytes[..<count]),
                    sender: PeerCredentials(pid: pid, uid: uid, gid: gid))
            } catch {
                switch error.code {
                case EAGAIN: return nil
                case EMSGSIZE, EACCES: continue
                default: throw error
                }
            }
        }
    }

    /// Removes the socket's name, so that nobody finds it any more.
    package func removeName() {
        unlink(path)
    }
}

/// The way to our service manager: datagrams of assignments, as sd_notify(3) has them. Nothing here
/// ever waits.
package final class ServiceSocket {
    private let socket: FileDescriptor
    private let address: String

    /// - Parameter address: as NOTIFY_SOCKET has it, `/…` or `@…`.
    /// - Throws: EINVAL, ENAMETOOLONG; ENOENT, ECONNREFUSED or EACCES where no manager can be
    ///   reached; EMFILE.
    package init(address: String) throws(SystemError) {
        let native = try UnixAddress(ofServiceManager: address)
        socket = try UnixAddress.makeSocket(SOCK_DGRAM, nonblocking: true)
        self.address = address
        let number = socket.rawValue
        // Connected, so that it can be waited for room in the manager's queue.
        try systemCall("connect", address) { native.use { connect(number, $0, $1) } }
    }

    /// For an ``EventLoop``: writable where the manager takes something.
    package var descriptor: Int32 { socket.rawValue }

    /// Sends one datagram, whole or not at all.
    ///
    /// - Returns: false where the manager takes nothing now.
    /// - Throws: ECONNREFUSED or ENOTCONN where the manager is gone, EMSGSIZE.
    package func send(_ text: String) throws(SystemError) -> Bool {
        let number = socket.rawValue
        do throws(SystemError) {
            let bytes = Array(text.utf8)
            try systemCall("send", address) {
                bytes.withUnsafeBytes {
                    Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
            return true
        } catch {
            guard error.isNotNow else { throw error }
            return false
        }
    }
}
