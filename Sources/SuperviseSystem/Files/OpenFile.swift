import CLinux
import Glibc

/// Opens a file, lends its descriptor to `body`, and closes it. Always closed on exec, never a
/// controlling terminal, and never waiting for the other side of a FIFO.
@discardableResult
func withOpenFile<Result>(
    _ path: String, _ flags: Int32, _ anchors: Anchors? = nil,
    _ body: (Int32) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    let always = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
    let descriptor = try openDescriptor(path, flags | always, anchors)
    // Linux closes the descriptor whatever close returns; what had to be durable was synced.
    defer { _ = close(descriptor) }
    return try body(descriptor)
}

/// As ``withOpenFile(_:_:_:_:)``, and sure that it is a regular file.
///
/// - Parameter body: gets the descriptor and what the file system said of it.
/// - Throws: EINVAL for anything else, such as a FIFO that was put in its place.
@discardableResult
func withRegularFile<Result>(
    _ path: String, _ flags: Int32 = O_RDONLY, _ anchors: Anchors? = nil,
    _ body: (Int32, FileStatus) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    try withOpenFile(path, flags, anchors) { (descriptor) throws(SystemError) in
        let status = try fileStatus(descriptor, path)
        guard status.kind == .file else {
            throw SystemError(call: "open", code: EINVAL, subject: path)
        }
        return try body(descriptor, status)
    }
}

/// What the file system says of an open file.
func fileStatus(_ descriptor: Int32, _ path: String) throws(SystemError) -> FileStatus {
    var found = stat()
    try systemCall("fstat", path) { fstat(descriptor, &found) }
    return FileStatus(found)
}

extension FileStatus {
    init(_ found: stat) {
        self.init(
            kind: FileKind(mode: found.st_mode), size: Int64(found.st_size),
            inode: UInt64(found.st_ino), device: UInt64(found.st_dev),
            modified: nanoseconds(found.st_mtim), changed: nanoseconds(found.st_ctim),
            mode: UInt32(found.st_mode & 0o7777))
    }
}

extension FileKind {
    init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .link
        default: self = .other
        }
    }
}

private func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Whether somebody has a regular file open for writing.
///
/// - Returns: nil where that cannot be known: on some network file systems, and for another user's
///   file.
/// - Throws: ENOENT, EACCES, EINVAL where it is no regular file, …
package func isOpenForWriting(_ path: String) throws(SystemError) -> Bool? {
    try withRegularFile(path) { (file, _) throws(SystemError) in
        switch cl_has_writers(file) {
        case 0: false
        case 1: true
        default: nil
        }
    }
}

/// Whether two paths lead to the same directory, with links followed.
package func leadToSameDirectory(_ one: String, _ other: String) -> Bool {
    var first = stat()
    var second = stat()
    return stat(one, &first) == 0 && stat(other, &second) == 0
        && first.st_mode & S_IFMT == S_IFDIR && first.st_dev == second.st_dev
        && first.st_ino == second.st_ino
}

/// Changes our umask so that we may use what we make; to be called before there are threads.
///
/// - Returns: the umask as it was; nil where it took no rights from the owner, and is unchanged.
package func giveOwnerItsRights() -> UInt32? {
    let before = umask(0)
    let owner: mode_t = 0o700
    _ = umask(before & ~owner)
    return before & owner == 0 ? nil : UInt32(before)
}

/// How large a file we may make, in bytes; nil where there is no limit (setrlimit(2)).
package func fileSizeLimit() -> UInt64? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
        limit.rlim_cur != rlim_t.max
    else { return nil }
    return UInt64(limit.rlim_cur)
}
