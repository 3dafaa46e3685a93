import CLinux
import Glibc

/// The address of a Unix-domain socket with a name in the file system.
struct UnixAddress {
    /// What a path may have at most, in bytes. The kernel has room for 107; the rest is in reserve, so
    /// that every client library on every system can use a path that we accept.
    static let longestPath = 100

    private var native = sockaddr_un()

    /// - Throws: ENAMETOOLONG for more than 100 bytes, EINVAL for an empty path.
    init(_ path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        guard bytes.count <= UnixAddress.longestPath else {
            throw SystemError(call: "bind", code: ENAMETOOLONG, subject: path)
        }
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw SystemError(call: "bind", code: EINVAL, subject: path)
        }
        native.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &native.sun_path) { $0.copyBytes(from: bytes) }
    }

    /// Hands the address to a call in the form that it wants.
    func use<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafeBytes(of: native) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { address in
                guard let base = address.baseAddress else { preconditionFailure("no address") }
                return body(base, socklen_t(bytes.count))
            }
        }
    }

    /// A new stream socket of this kind, closed on exec.
    static func makeSocket(nonblocking: Bool) throws(SystemError) -> FileDescriptor {
        let extra = nonblocking ? Int32(SOCK_NONBLOCK.rawValue) : 0
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | extra
        return FileDescriptor(adopting: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
    }
}
