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

    /// The line behind the pid of the one who had the lock before; nil where there was none. It stays.
    package let formerNote: String?

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
        let file = try open(path)
        let number = file.rawValue
        do throws(SystemError) {
            try systemCall("fcntl", path) { cl_lock_whole_file(number) }
        } catch {
            guard error.code == EAGAIN || error.code == EACCES else { throw error }
            return .heldBy(try writtenPID(in: number, path))
        }
        return .taken(try FileLock(taken: file, path, writesPID: writesPID))
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
            return try FileLock(
                taken: FileDescriptor(adopting: descriptor), path, writesPID: false)
        } catch {
            guard error.code == EAGAIN || error.code == EACCES else { throw error }
            return nil
        }
    }

    /// Waits until the lock is free and takes it: for a thread that may wait.
    package static func takeWaiting(_ path: String) throws(SystemError) -> FileLock {
        let file = try open(path)
        let number = file.rawValue
        try systemCall("fcntl", path) { cl_await_whole_file(number) }
        return try FileLock(taken: file, path)
    }

    private static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY
        let file = FileDescriptor(
            adopting: try systemCall("open", path) { Glibc.open(path, flags, 0o600) })
        let number = file.rawValue
        var found = stat()
        try systemCall("fstat", path) { fstat(number, &found) }
        // Our pid is written there: not into what has another name too, and may be somebody's file.
        guard found.st_mode & S_IFMT == S_IFREG, found.st_nlink <= 1 else {
            let code = found.st_nlink > 1 ? EMLINK : EINVAL
            throw SystemError(call: "open", code: code, subject: path)
        }
        return file
    }

    /// It is ours from now on.
    private init(
        taken file: consuming FileDescriptor, _ path: String, writesPID: Bool = true
    ) throws(SystemError) {
        formerNote = try Self.lines(of: file.rawValue, path).dropFirst().first.map(String.init)
        rawDescriptor = file.release()
        // A command that only looks at the run leaves the note for the next supervisor.
        if writesPID { try note(formerNote, path) }
    }

    /// Writes a line for others behind our pid, in place of the one that is there; nil leaves none.
    ///
    /// First the lines, then the end: at any moment the first line is a whole one.
    package func note(_ text: String?, _ path: String) throws(SystemError) {
        let file = rawDescriptor
        let note = text.map { "\($0)\n" } ?? ""
        let line = Array("\(getpid())\n\(note)".utf8)
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
        try lines(of: file, path).first.flatMap { Int32($0) }
    }

    /// Whole lines only.
    private static func lines(of file: Int32, _ path: String) throws(SystemError) -> [Substring] {
        var text = [UInt8](repeating: 0, count: 128)
        let count = try systemCall("read", path) { pread(file, &text, text.count, 0) }
        return String(decoding: text[..<count], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }
}
