import CLinux
import Glibc

/// The write lock of an open file description (`F_OFD_SETLK`) on a whole file, with our pid in it.
///
/// It is free when the last descriptor of that description is closed: of this object, and of every
/// process that inherited it. The file itself is never moved or removed, so that all who ask mean
/// the same one.
package final class FileLock: Sendable {
    /// Shares the lock with a process that inherits it; closed when this object goes.
    package let rawDescriptor: Int32

    private init(adopting descriptor: Int32) { rawDescriptor = descriptor }

    deinit { _ = close(rawDescriptor) }

    /// Frees a lock that is shared with nobody, at once: a process that is just being started holds
    /// our descriptors until it executes its program.
    package func release() { _ = cl_unlock_whole_file(rawDescriptor) }

    /// What came of trying to take the lock.
    package enum Attempt: Sendable {
        case taken(FileLock)
        /// By another process; nil where it has not written its pid yet.
        case heldBy(Int32?)
    }

    /// Takes the lock without waiting, and writes our pid into the file.
    ///
    /// - Parameter writesPID: false leaves the pid of the holder before us there, so that others wait
    ///   for us as for the guard of one that is gone.
    /// - Throws: EACCES, EROFS, ENOLCK where the file system has no locks, …
    package static func take(
        _ path: String, writesPID: Bool = true
    ) throws(SystemError) -> Attempt {
        let lock = try FileLock(opening: path)
        let file = lock.rawDescriptor
        do throws(SystemError) {
            try systemCall("fcntl", path) { cl_lock_whole_file(file) }
        } catch {
            guard error.code == EAGAIN || error.code == EACCES else { throw error }
            return .heldBy(try writtenPID(in: file, path))
        }
        if writesPID { try lock.writePID(path) }
        return .taken(lock)
    }

    /// The lock that the guard holds and has handed to us, to settle its run.
    ///
    /// - Returns: nil where the guard has not executed us.
    package static func settling(_ path: String) throws(SystemError) -> FileLock? {
        let descriptor = Int32(CL_SETTLE_LOCK)
        // Whether there is one at all; it belongs to nobody else in this program.
        guard cl_fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { return nil }
        do throws(SystemError) {
            let held = try fileStatus(descriptor, path)
            let named = try withOpenFile(path, O_RDONLY) { (file) throws(SystemError) in
                try fileStatus(file, path)
            }
            guard held.device == named.device, held.inode == named.inode else { return nil }
            // It succeeds for all who share the lock, and for nobody else.
            try systemCall("fcntl", path) { cl_lock_whole_file(descriptor) }
            return FileLock(adopting: descriptor)
        } catch {
            guard error.code == EAGAIN || error.code == EACCES else { throw error }
            return nil
        }
    }

    /// Waits until the lock is free and takes it: for a thread that may wait.
    package static func takeWaiting(_ path: String) throws(SystemError) -> FileLock {
        let lock = try FileLock(opening: path)
        let file = lock.rawDescriptor
        try systemCall("fcntl", path) { cl_await_whole_file(file) }
        try lock.writePID(path)
        return lock
    }

    private convenience init(opening path: String) throws(SystemError) {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY
        self.init(adopting: try systemCall("open", path) { open(path, flags, 0o600) })
    }

    /// First the line, then the end: at any moment the first line is a whole one.
    private func writePID(_ path: String) throws(SystemError) {
        let file = rawDescriptor
        let line = Array("\(getpid())\n".utf8)
        try systemCall("write", path) { pwrite(file, line, line.count, 0) }
        try systemCall("ftruncate", path) { ftruncate(file, off_t(line.count)) }
    }

    /// Writes a line for others behind our pid.
    package func note(_ text: String, _ path: String) throws(SystemError) {
        let file = rawDescriptor
        let line = Array("\(getpid())\n\(text)\n".utf8)
        try systemCall("write", path) { pwrite(file, line, line.count, 0) }
        try systemCall("ftruncate", path) { ftruncate(file, off_t(line.count)) }
    }

    /// Who holds a lock, asked without touching it.
    package enum Holder: Equatable, Sendable {
        case nobody
        /// nil where it has not written its pid yet.
        case process(Int32?)
    }

    /// Who holds the lock; nobody where there is no such file.
    package static func holder(_ path: String) throws(SystemError) -> Holder {
        do throws(SystemError) {
            return try withOpenFile(path, O_RDONLY) { (file) throws(SystemError) in
                let isLocked = try systemCall("fcntl", path) { cl_whole_file_is_locked(file) }
                return isLocked == 0 ? .nobody : .process(try writtenPID(in: file, path))
            }
        } catch {
            if error.code == ENOENT { return .nobody }
            throw error
        }
    }

    private static func writtenPID(in file: Int32, _ path: String) throws(SystemError) -> Int32? {
        var text = [UInt8](repeating: 0, count: 32)
        let count = try systemCall("read", path) { pread(file, &text, text.count, 0) }
        return Int32(
            String(decoding: text[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
