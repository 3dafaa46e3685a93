import CLinux
import Glibc

/// The machine's own files.
package struct Disk: FileSystem {
    /// What paths below them are followed from; nil where all are followed by their names.
    let anchors: Anchors?

    package init(anchors: Anchors? = nil) { self.anchors = anchors }

    /// Who changes owners below the same directories.
    package var belongings: Belongings { Belongings(anchors: anchors) }

    package func anchored(at directories: [String]) throws(SystemError) -> any FileSystem {
        Disk(anchors: try Anchors(directories))
    }

    /// The same, where each of them has to be there.
    package func anchored(atAll directories: [String]) throws(SystemError) -> any FileSystem {
        Disk(anchors: try Anchors(directories, allThere: true))
    }

    package func makeDirectory(_ path: String) throws(SystemError) {
        try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("mkdir", path) { mkdirat(directory, name, 0o700) }
        }
    }

    package func writeFile(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try withOpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, anchors) {
            (file) throws(SystemError) in
            try writeAll(content[...], to: file, subject: path)
        }
    }

    package func append(_ content: [UInt8], to path: String) throws(SystemError) {
        try withOpenFile(path, O_WRONLY | O_CREAT | O_APPEND, anchors) {
            (file) throws(SystemError) in
            try writeAll(content[...], to: file, subject: path)
        }
    }

    package func truncate(_ path: String, to size: Int64) throws(SystemError) {
        try withRegularFile(path, O_WRONLY, anchors) { (file, _) throws(SystemError) in
            try systemCall("ftruncate", path) { ftruncate(file, off_t(size)) }
        }
    }

    package func makeLink(_ path: String, to target: String) throws(SystemError) {
        try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("symlink", path) { symlinkat(target, directory, name) }
        }
    }

    package func status(_ path: String) throws(SystemError) -> FileStatus {
        var found = stat()
        try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("lstat", path) {
                fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW)
            }
        }
        return FileStatus(found)
    }

    package func syncFile(_ path: String) throws(SystemError) {
        try withRegularFile(path, O_RDONLY, anchors) { (file, _) throws(SystemError) in
            try systemCall("fsync", path) { fsync(file) }
        }
    }

    package func syncDirectory(_ path: String) throws(SystemError) {
        // Follows a link, such as one that the user gave for the state directory: an fsync of another
        // directory than the one that was meant changes nothing there.
        let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC
        let directory = FileDescriptor(adopting: try openDescriptor(path, flags, anchors))
        let number = directory.rawValue
        do throws(SystemError) {
            try systemCall("fsync", path) { fsync(number) }
        } catch {
            // Some network and user-space file systems keep names at once, and say this.
            if error.code != EINVAL { throw error }
        }
    }

    package func rename(_ path: String, to other: String) throws(SystemError) {
        try withParent(of: path, anchors) { (from, name) throws(SystemError) in
            try withParent(of: other, anchors) { (to, otherName) throws(SystemError) in
                try systemCall("rename", path) { renameat(from, name, to, otherName) }
            }
        }
    }

    package func removeFile(_ path: String) throws(SystemError) {
        try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("unlink", path) { unlinkat(directory, name, 0) }
        }
    }

    package func removeDirectory(_ path: String) throws(SystemError) {
        try withParent(of: path, anchors) { (directory, name) throws(SystemError) in
            try systemCall("rmdir", path) { unlinkat(directory, name, AT_REMOVEDIR) }
        }
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
        let hold = DirectoryHold(adopting: try openDescriptor(path, flags, anchors))
        return try hold.lock(alone: alone, path: path) ? hold : nil
    }

    package func awaitRelease(ofDirectory path: String) throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW
        try DirectoryHold(adopting: try openDescriptor(path, flags, anchors)).wait(path: path)
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

    /// Until nobody else holds it.
    fileprivate func wait(path: String) throws(SystemError) {
        guard let descriptor else { return }
        try systemCall("flock", path) { flock(descriptor, LOCK_EX) }
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
