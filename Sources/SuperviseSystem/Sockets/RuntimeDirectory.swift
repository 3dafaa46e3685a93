import CLinux
import Glibc

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
