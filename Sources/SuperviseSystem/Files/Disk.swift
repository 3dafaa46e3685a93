import CLinux
import Glibc

/// The machine's own files.
package struct Disk: FileSystem {
    package init() {}

    package func makeDirectory(_ path: String) throws(SystemError) {
        try systemCall("mkdir", path) { mkdir(path, 0o700) }
    }

    package func writeFile(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try withOpenFile(path, O_WRONLY | O_CREAT | O_TRUNC) { (file) throws(SystemError) in
            try writeAll(content, descriptor: file, path: path)
        }
    }

    package func append(_ content: [UInt8], to path: String) throws(SystemError) {
        try withOpenFile(path, O_WRONLY | O_CREAT | O_APPEND) { (file) throws(SystemError) in
            try writeAll(content, descriptor: file, path: path)
        }
    }

    package func truncate(_ path: String, to size: Int64) throws(SystemError) {
        try withRegularFile(path, O_WRONLY) { (file, _) throws(SystemError) in
            try systemCall("ftruncate", path) { ftruncate(file, off_t(size)) }
        }
    }

    package func makeLink(_ path: String, to target: String) throws(SystemError) {
        try systemCall("symlink", path) { symlink(target, path) }
    }

    package func status(_ path: String) throws(SystemError) -> FileStatus {
        var found = stat()
        try systemCall("lstat", path) { lstat(path, &found) }
        return FileStatus(found)
    }

    package func syncFile(_ path: String) throws(SystemError) {
        try withRegularFile(path) { (file, _) throws(SystemError) in
            try systemCall("fsync", path) { fsync(file) }
        }
    }

    package func syncDirectory(_ path: String) throws(SystemError) {
        try withOpenFile(path, O_RDONLY | O_DIRECTORY) { (directory) throws(SystemError) in
            do throws(SystemError) {
                try systemCall("fsync", path) { fsync(directory) }
            } catch {
                // Some network and user-space file systems keep names at once, and say this.
                if error.code != EINVAL { throw error }
            }
        }
    }

    package func rename(_ path: String, to other: String) throws(SystemError) {
        try systemCall("rename", path) { Glibc.rename(path, other) }
    }

    package func removeFile(_ path: String) throws(SystemError) {
        try systemCall("unlink", path) { unlink(path) }
    }

    package func removeDirectory(_ path: String) throws(SystemError) {
        try systemCall("rmdir", path) { rmdir(path) }
    }

    package func freeSpace(_ path: String, asRoot: Bool) throws(SystemError) -> Int64 {
        var found = statvfs()
        try systemCall("statvfs", path) { statvfs(path, &found) }
        guard found.f_blocks > 0 else { return .max }
        // Some count no inodes, and have none free.
        let inodes = asRoot ? found.f_ffree : found.f_favail
        if found.f_files > 0, inodes < 16 { return 0 }
        let (bytes, overflow) = Int64(clamping: asRoot ? found.f_bfree : found.f_bavail)
            .multipliedReportingOverflow(by: Int64(clamping: found.f_frsize))
        return overflow ? .max : bytes
    }

    package func holdDirectory(
        _ path: String, alone: Bool
    ) throws(SystemError) -> DirectoryHold? {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW
        let hold = DirectoryHold(adopting: try systemCall("open", path) { open(path, flags) })
        return try hold.lock(alone: alone, path: path) ? hold : nil
    }
}

/// A directory that is being read, or taken away, until this is let go of.
package final class DirectoryHold: Sendable {
    private let descriptor: Int32?

    /// Holds nothing: for file systems that have no other users.
    package init() { descriptor = nil }

    fileprivate init(adopting descriptor: Int32) { self.descriptor = descriptor }

    /// Lets go now; whoever else shares this hold goes on holding it no longer.
    package func release() {
        guard let descriptor else { return }
        _ = flock(descriptor, LOCK_UN)
    }

    deinit {
        guard let descriptor else { return }
        // A child that is between fork and exec has a copy of the descriptor, and would go on holding.
        release()
        _ = close(descriptor)
    }

    fileprivate func lock(alone: Bool, path: String) throws(SystemError) -> Bool {
        guard let descriptor else { return true }
        do throws(SystemError) {
            let operation = alone ? LOCK_EX | LOCK_NB : LOCK_SH
            try systemCall("flock", path) { flock(descriptor, operation) }
            return true
        } catch {
            if error.code == EWOULDBLOCK { return false }
            throw error
        }
    }
}
