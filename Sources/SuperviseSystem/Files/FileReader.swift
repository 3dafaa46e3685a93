import CLinux
import Glibc

/// A regular file that is read from its beginning, whatever becomes of its name meanwhile.
package final class FileReader {
    /// Tells it from all others of its directory.
    package let inode: UInt64
    private let descriptor: FileDescriptor
    private let path: String

    /// - Throws: ENOENT, EACCES, EINVAL where it is no regular file, …
    package init(_ path: String) throws(SystemError) {
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
        let file = FileDescriptor(adopting: try systemCall("open", path) { open(path, flags) })
        let status = try fileStatus(file.rawValue, path)
        guard status.kind == .file else {
            throw SystemError(call: "open", code: EINVAL, subject: path)
        }
        inode = status.inode
        descriptor = file
        self.path = path
    }

    /// Whether it is still in a directory, whatever it is called there.
    package func hasName() throws(SystemError) -> Bool {
        var status = stat()
        let number = descriptor.rawValue
        try systemCall("fstat", path) { fstat(number, &status) }
        return status.st_nlink > 0
    }

    /// What comes next, as much as there is at once; nothing at the end, so far.
    package func next() throws(SystemError) -> [UInt8] {
        let number = descriptor.rawValue
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = try systemCall("read", path) { read(number, &bytes, bytes.count) }
        bytes.removeSubrange(count...)
        return bytes
    }
}
