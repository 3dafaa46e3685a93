import CLinux
import Glibc

/// The address of a Unix-domain socket.
struct UnixAddress {
    /// What a path may have at most, in bytes. The kernel has room for 107; the rest is in reserve, so
    /// that every client library on every system can use a path that we accept.
    static let longestPath = 100

    private var native = sockaddr_un()
    private var size = MemoryLayout<sockaddr_un>.size

    /// A name in the file system.
    ///
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

    /// The address of a service manager's socket: an absolute path, or `@` and a name that is in no
    /// file system.
    ///
    /// - Throws: ENAMETOOLONG, EINVAL for anything else.
    init(ofServiceManager text: String) throws(SystemError) {
        var bytes = Array(text.utf8)
        let room = MemoryLayout.size(ofValue: native.sun_path)
        guard bytes.count < room else {
            throw SystemError(call: "connect", code: ENAMETOOLONG, subject: text)
        }
        let isAbstract = bytes.first == UInt8(ascii: "@")
        guard bytes.count > 1, isAbstract || bytes.first == UInt8(ascii: "/"), !bytes.contains(0)
        else { throw SystemError(call: "connect", code: EINVAL, subject: text) }
        if isAbstract { bytes[0] = 0 }
        native.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &native.sun_path) { $0.copyBytes(from: bytes) }
        // A name that is in no file system is as long as it is said to be.
        let path = MemoryLayout<sockaddr_un>.size - room
        if isAbstract { size = path + bytes.count }
    }

    /// Hands the address to a call in the form that it wants.
    func use<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafeBytes(of: native) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { address in
                guard let base = address.baseAddress else { preconditionFailure("no address") }
                return body(base, socklen_t(size))
            }
        }
    }

    /// Binds with mode 0600, in place of a socket that an earlier process left there.
    ///
    /// - Throws: ENOENT or EACCES for its directory, EADDRINUSE where something that is no socket is
    ///   in the way, EROFS, ENOSPC.
    func bindPrivately(_ number: Int32, _ path: String) throws(SystemError) {
        // Before the bind, which takes the mode from here: no moment in which others could connect,
        // and no umask, which all threads share.
        try systemCall("fchmod", path) { fchmod(number, 0o600) }
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
        try systemCall("bind", path) { use { bind(number, $0, $1) } }
    }

    /// A new socket of this kind, closed on exec.
    ///
    /// - Parameter kind: SOCK_STREAM or SOCK_DGRAM.
    static func makeSocket(
        _ kind: __socket_type = SOCK_STREAM, nonblocking: Bool
    ) throws(SystemError) -> FileDescriptor {
        let extra = nonblocking ? Int32(SOCK_NONBLOCK.rawValue) : 0
        let kind = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | extra
        return FileDescriptor(adopting: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
    }
}

/// Calls `body` with a path of a socket that a ``UnixAddress`` can hold: a longer one is reached through its
/// directory, held open, as /proc shows it.
///
/// - Throws: ENOENT or EACCES where the directory of a long path cannot be opened; what `body` throws, also
///   where /proc is not mounted.
func withShortPath<Result>(
    _ path: String, _ body: (String) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    guard path.utf8.count > UnixAddress.longestPath,
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    else { return try body(path) }
    let directory = FileDescriptor(
        adopting: try systemCall("open", path) {
            open(String(path[..<slash]), CL_O_PATH | O_DIRECTORY | O_CLOEXEC)
        })
    return try body("/proc/self/fd/\(directory.rawValue)\(path[slash...])")
}

/// Makes a directory for sockets, mode 0700, where it is not there.
///
/// - Parameter group: may pass through it and no more (0710); nil for nobody else.
/// - Returns: the path.
/// - Throws: EACCES where what is there is no real directory of ours with that mode.
package func makePrivateDirectory(
    _ path: String, openTo group: UInt32? = nil
) throws(SystemError) -> String {
    do throws(SystemError) {
        try systemCall("mkdir", path) { mkdir(path, 0o700) }
    } catch {
        guard error.code == EEXIST else { throw error }
    }
    var status = stat()
    try systemCall("lstat", path) { lstat(path, &status) }
    let mode = status.st_mode & 0o7777
    let isOurs =
        status.st_uid == getuid() && (mode == 0o700 || group != nil && mode == 0o710)
    guard status.st_mode & S_IFMT == S_IFDIR, isOurs else {
        throw SystemError(call: "open", code: EACCES, subject: path)
    }
    if let group { try Belongings.open(path, to: group) }
    return path
}

/// Makes a directory of a name that nobody had, mode 0700: `prefix` and six characters.
package func makeTemporaryDirectory(_ prefix: String) throws(SystemError) -> String {
    var template = Array((prefix + "XXXXXX").utf8CString)
    try systemCall("mkdtemp", prefix) { mkdtemp(&template) == nil ? -1 : 0 }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Whether there is anything at the path; a link that leads nowhere counts.
package func pathExists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// Removes the name of a socket of ours; anything else stays.
package func removeSocket(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    unlink(path)
}
