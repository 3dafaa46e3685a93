import CLinux
import Glibc

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
