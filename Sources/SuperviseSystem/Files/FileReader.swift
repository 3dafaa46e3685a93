import CLinux
import Glibc
import Synchronization

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

/// A file that one thread writes to at its end while others read what is there. Nothing of it is
/// synced.
package final class GrowingFile: Sendable {
    private let descriptor: FileDescriptor
    private let path: String
    private let end: Atomic<Int64>
    private let gone = Atomic(false)

    /// Opens it, and makes it where there is none.
    ///
    /// - Throws: ELOOP where it is a symbolic link, EISDIR, ENOSPC, …
    package init(_ path: String) throws(SystemError) {
        let flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
        let file = FileDescriptor(
            adopting: try systemCall("open", path) { open(path, flags, 0o600) })
        let status = try fileStatus(file.rawValue, path)
        guard status.kind == .file else {
            throw SystemError(call: "open", code: EINVAL, subject: path)
        }
        descriptor = file
        self.path = path
        end = Atomic(status.size)
    }

    /// In bytes.
    package var size: Int64 { end.load(ordering: .acquiring) }

    /// It was removed, and nobody is to need it any more.
    package var isGone: Bool { gone.load(ordering: .relaxed) }

    package func markGone() { gone.store(true, ordering: .relaxed) }

    /// Adds all of it, or as much as there is room for.
    ///
    /// - Returns: where it begins.
    /// - Throws: ENOSPC, EFBIG, EIO, …
    package func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int64 {
        let start = size
        let number = descriptor.rawValue
        var rest = bytes
        while !rest.isEmpty {
            let count = try systemCall("write", path) {
                rest.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
            end.add(Int64(count), ordering: .acquiringAndReleasing)
        }
        return start
    }

    /// Up to `limit` bytes from `offset` on; none at the end.
    package func read(at offset: Int64, limit: Int) throws(SystemError) -> [UInt8] {
        let number = descriptor.rawValue
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { room, count in
            var result = 0
            repeat {
                result = pread(number, room.baseAddress, limit, off_t(offset))
                failure = result < 0 ? errno : 0
            } while failure == EINTR
            count = max(0, result)
        }
        if failure != 0 { throw SystemError(call: "pread", code: failure, subject: path) }
        return bytes
    }
}
