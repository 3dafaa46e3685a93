import CLinux
import Glibc

/// A connection to a Unix-domain socket for those who may wait: the commands that ask a supervisor.
package final class UnixClient {
    private let socket: FileDescriptor
    package let path: String
    private var received: [UInt8] = []
    /// How much of ``received`` is known to have no end of line.
    private var searched = 0

    /// A line longer than this is no line of our protocol, in bytes.
    private static let longestLine = 16 << 20

    /// Connects.
    ///
    /// - Parameter limit: how long a listener may take that has many connections waiting.
    /// - Throws: ENOENT or ECONNREFUSED where nobody listens, EACCES, EAGAIN after `limit`,
    ///   ENAMETOOLONG for a path of more than 100 bytes unless it may be long: that one is followed
    ///   through /proc.
    package init(
        path: String, mayBeLong: Bool = false, limit: Duration = .seconds(5)
    ) throws(SystemError) {
        socket = try UnixAddress.makeSocket(nonblocking: false)
        self.path = path
        let number = socket.rawValue
        var wait = timeval()
        wait.tv_sec = Int(limit.components.seconds)
        wait.tv_usec = Int(limit.components.attoseconds / 1_000_000_000_000)
        // A wait of zero would be one without end.
        if wait.tv_sec == 0 && wait.tv_usec == 0 { wait.tv_usec = 1 }
        let size = socklen_t(MemoryLayout<timeval>.size)
        try systemCall("setsockopt", path) {
            setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &wait, size)
        }
        let reach = { (name: String) throws(SystemError) in
            let address = try UnixAddress(name)
            try systemCall("connect", path) { address.use { connect(number, $0, $1) } }
        }
        if mayBeLong { try withShortPath(path, reach) } else { try reach(path) }
    }

    /// Makes sure that one of these users listens there, as the kernel vouches for it.
    ///
    /// - Throws: EACCES where it is another one.
    package func requireListener(among users: [UInt32]) throws(SystemError) {
        let number = socket.rawValue
        var pid: pid_t = 0
        var uid: uid_t = 0
        var gid: gid_t = 0
        try systemCall("getsockopt", path) { cl_peer(number, &pid, &uid, &gid) }
        guard users.contains(uid) else {
            throw SystemError(call: "connect", code: EACCES, subject: path)
        }
    }

    /// Sends a line; its end is added here.
    ///
    /// - Throws: EPIPE or ECONNRESET where the other side is gone, EAGAIN where it takes nothing for as
    ///   long as connecting was given.
    package func send(line: String) throws(SystemError) {
        let number = socket.rawValue
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = try systemCall("send", path) {
                rest.withUnsafeBytes {
                    Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line, without its end.
    ///
    /// - Parameter limit: how long to wait for all of it; nil waits for ever.
    /// - Returns: nil where the other side has closed; what it left unfinished is no line.
    /// - Throws: ETIMEDOUT after `limit`, EMSGSIZE for a line over 16 MiB.
    package func readLine(within limit: Duration?) throws(SystemError) -> String? {
        let deadline = limit.map { MonotonicTime.now() + $0 }
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                searched = 0
                return line
            }
            searched = received.count
            guard searched <= UnixClient.longestLine else {
                throw SystemError(call: "read", code: EMSGSIZE, subject: path)
            }
            guard try waitUntilReady(socket.rawValue, for: Int32(POLLIN), until: deadline) else {
                throw SystemError(call: "read", code: ETIMEDOUT, subject: path)
            }
            if try readAvailable(socket.rawValue, into: &received) == .end { return nil }
        }
    }
}
