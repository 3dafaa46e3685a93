import Glibc

/// The operations on files that durable state is made of.
///
/// ``Disk`` does them for real. A test puts another one in its place that loses what was not synced,
/// and crashes after any of them. Nothing is durable before it is synced: a file's content by
/// ``syncFile(_:)``, and the names in a directory (made, renamed, removed) by
/// ``syncDirectory(_:)``. Only the last component of a path is kept from being a symbolic link.
///
/// All throw ``SystemError`` with the path.
package protocol FileSystem: Sendable {
    /// Makes a directory, mode 0700.
    ///
    /// - Throws: EEXIST, ENOENT where its parent is missing, …
    func makeDirectory(_ path: String) throws(SystemError)

    /// Writes a file anew, mode 0600, in place of what had the name.
    ///
    /// - Throws: ELOOP where it is a symbolic link, ENOSPC, …
    func writeFile(_ path: String, _ content: [UInt8]) throws(SystemError)

    /// Adds to the end of a file in one write, and makes the file where there is none.
    ///
    /// - Throws: ENOSPC, also where only a part could be written.
    func append(_ content: [UInt8], to path: String) throws(SystemError)

    /// Cuts a file off after `size` bytes.
    func truncate(_ path: String, to size: Int64) throws(SystemError)

    /// The whole of a regular file.
    ///
    /// - Throws: ENOENT; EFBIG where it holds more than `limit` bytes; EINVAL where it is no file.
    func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8]

    /// As ``readFile(_:limit:)``, with the user id of the owner of what was read.
    func readOwned(
        _ path: String, limit: Int
    ) throws(SystemError) -> (content: [UInt8], owner: UInt32)

    /// The last bytes of a regular file, at most `limit`.
    func readTail(_ path: String, limit: Int) throws(SystemError) -> [UInt8]

    /// Makes a link to `target`, whatever that is.
    func makeLink(_ path: String, to target: String) throws(SystemError)

    /// What a symbolic link says.
    ///
    /// - Throws: EILSEQ where that is no UTF-8.
    func readLink(_ path: String) throws(SystemError) -> String

    /// The absolute path without any symbolic links.
    func resolved(_ path: String) throws(SystemError) -> String

    /// What is at the path: of a link itself, not of what it leads to.
    func status(_ path: String) throws(SystemError) -> FileStatus

    /// What a directory holds, in order of the names' bytes.
    ///
    /// - Throws: ENOTDIR where it is something else; a final `/.` lets it be a link to one.
    func list(_ path: String) throws(SystemError) -> [DirectoryEntry]

    /// Shows what a directory holds, in any order, and keeps none of it: for a great many.
    func visit(_ path: String, _ body: (DirectoryEntry) -> Void) throws(SystemError)

    /// Makes a file's content durable. Whatever it throws, what of the content is durable is unknown,
    /// and a second call proves nothing.
    func syncFile(_ path: String) throws(SystemError)

    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(SystemError)

    /// Gives a file or directory another name, in place of what had it (a directory: if empty).
    ///
    /// - Throws: ENOTEMPTY or EEXIST, EXDEV, …
    func rename(_ path: String, to other: String) throws(SystemError)

    /// Removes a file or a link.
    func removeFile(_ path: String) throws(SystemError)

    /// Removes a directory that is empty.
    ///
    /// - Throws: ENOTEMPTY, ENOTDIR, EBUSY where something is mounted there, …
    func removeDirectory(_ path: String) throws(SystemError)

    /// Removes whatever is at the path, a directory with all that is in it at any depth, never
    /// following a link. What others remove at the same time does not disturb it.
    ///
    /// - Throws: the first error, after all that could be removed was.
    func removeTree(_ path: String) throws(SystemError)

    /// Copies a regular file to a new one, sharing its blocks where the file system can; holes stay
    /// holes. The copy is not synced. Of a file that grows meanwhile not all is copied.
    ///
    /// - Parameters:
    ///   - mode: of the copy, as ``FileStatus/mode``; its owner may read it in any case. nil: its
    ///     owner alone may read and write it, and execute it if the original's may.
    ///   - goOn: called after every piece with its size; false ends it with ECANCELED.
    /// - Throws: EINVAL where it is no regular file, EEXIST, ENOSPC, …
    func copyFile(
        _ path: String, to copy: String, mode: UInt32?, goOn: (Int) -> Bool
    ) throws(SystemError)

    /// The digest of a regular file, read in pieces of 1 MiB. Of one that grows meanwhile not all is
    /// read.
    ///
    /// - Parameters:
    ///   - startsWriting: a sync will follow: what was read is already on its way to the disk.
    ///   - goOn: called after every piece with its size; false ends it with ECANCELED.
    /// - Throws: EINVAL where it is no regular file, EIO, …
    func hashFile(
        _ path: String, startsWriting: Bool, goOn: (Int) -> Bool
    ) throws(SystemError) -> HashedFile

    /// Sends a regular file through a program.
    ///
    /// - Parameters:
    ///   - copy: gets what comes out: a new file, not synced; nil only takes the digest.
    ///   - mode: of the copy, as ``FileStatus/mode``; its owner may read it in any case.
    ///   - limit: ends the program once more bytes than this have come; what the copy then holds is
    ///     not all.
    ///   - goOn: called after every piece that came out with its size; false ends it with ECANCELED.
    /// - Throws: of the call `execve` where the program is not there or cannot be executed; EEXIST,
    ///   ENOSPC, EINVAL where it is no regular file, … That the program failed is no error here.
    func filterFile(
        _ path: String, through filter: Filter, to copy: String?, mode: UInt32, limit: Int64?,
        goOn: (Int) -> Bool
    ) throws(SystemError) -> FilteredFile

    /// How many bytes may still be written to the file system that holds the path; the most there
    /// are where it knows of no blocks, as some in user space, and 0 where fewer than 16 files can be
    /// made.
    ///
    /// - Parameter asRoot: root may also use what is reserved.
    func freeSpace(_ path: String, asRoot: Bool) throws(SystemError) -> Int64

    /// Holds a directory (`flock`), shared with others who read it or alone to take it away. Shared, it
    /// waits for those who hold it alone, which is never for long; alone, it does not wait.
    ///
    /// - Returns: nil where somebody else holds it so that we cannot.
    func holdDirectory(_ path: String, alone: Bool) throws(SystemError) -> DirectoryHold?

    /// Waits until nobody holds a directory any more.
    func awaitRelease(ofDirectory path: String) throws(SystemError)

    /// The same files, with directories that are held open: what is below them is reached from there, and
    /// through no link. Those that are not there are left out.
    ///
    /// - Parameter directories: absolute paths.
    func anchored(at directories: [String]) throws(SystemError) -> any FileSystem
}

/// What a path leads to.
package enum FileKind: Hashable, Sendable {
    case file, directory, link
    /// A socket, a FIFO or a device.
    case other
}

/// What the file system says of a path.
package struct FileStatus: Equatable, Sendable {
    package var kind: FileKind
    /// In bytes.
    package var size: Int64
    package var inode: UInt64
    package var device: UInt64
    /// When the content changed last, in nanoseconds since 1970 by the file system's clock.
    package var modified: Int64
    /// When the content or anything told here changed last; nobody can set it.
    package var changed: Int64
    /// The permissions, such as 0o600.
    package var mode: UInt32

    package init(
        kind: FileKind, size: Int64, inode: UInt64, device: UInt64, modified: Int64,
        changed: Int64, mode: UInt32
    ) {
        self.kind = kind
        self.size = size
        self.inode = inode
        self.device = device
        self.modified = modified
        self.changed = changed
        self.mode = mode
    }
}

extension FileSystem {
    package func copyFile(
        _ path: String, to copy: String, goOn: (Int) -> Bool
    ) throws(SystemError) {
        try copyFile(path, to: copy, mode: nil, goOn: goOn)
    }

    /// For file systems that have one user.
    package func readOwned(
        _ path: String, limit: Int
    ) throws(SystemError) -> (content: [UInt8], owner: UInt32) {
        (try readFile(path, limit: limit), userId())
    }

    package func anchored(at directories: [String]) throws(SystemError) -> any FileSystem { self }

    /// For file systems that have no other users.
    package func awaitRelease(ofDirectory path: String) throws(SystemError) {}

    /// As an ordinary user may use it.
    package func freeSpace(_ path: String) throws(SystemError) -> Int64 {
        try freeSpace(path, asRoot: false)
    }

    package func visit(_ path: String, _ body: (DirectoryEntry) -> Void) throws(SystemError) {
        for entry in try list(path) { body(entry) }
    }
}

/// One name in a directory.
package struct DirectoryEntry: Equatable, Sendable {
    package var name: String
    package var kind: FileKind
    /// False where the name holds other bytes: then `name` is only good for showing.
    package var isUTF8: Bool
    /// As the directory says; on some file systems not that of the status.
    package var inode: UInt64

    package init(name: String, kind: FileKind, isUTF8: Bool = true, inode: UInt64) {
        self.name = name
        self.kind = kind
        self.isUTF8 = isUTF8
        self.inode = inode
    }
}

/// A file that was read to its end.
package struct HashedFile: Equatable, Sendable {
    package var digest: Digest
    /// How many bytes were hashed.
    package var size: Int64
    /// Before the first byte was read.
    package var before: FileStatus
    /// After the last: different from ``before`` where somebody wrote to the file meanwhile.
    package var after: FileStatus

    package init(digest: Digest, size: Int64, before: FileStatus, after: FileStatus) {
        self.digest = digest
        self.size = size
        self.before = before
        self.after = after
    }
}

/// What a failed operation on a file says.
extension SystemError {
    /// There is no such file or directory.
    package var isMissing: Bool { code == ENOENT }

    /// The name is in use: by something, by a directory that is not empty, or by no directory.
    package var isTaken: Bool { code == EEXIST || code == ENOTEMPTY || code == ENOTDIR }

    /// The disk, or somebody's share of it, is full.
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }

    /// What a write says to a full disk.
    package static func noSpace(_ path: String) -> SystemError {
        SystemError(call: "write", code: ENOSPC, subject: path)
    }

    /// It was asked to stop.
    package var isCancellation: Bool { code == ECANCELED }

    /// We may not do that.
    package var isForbidden: Bool { code == EACCES || code == EPERM }

    /// A regular file was wanted, and it is a link, a directory or something odder.
    package var isNoRegularFile: Bool { code == ELOOP || code == EISDIR || code == EINVAL }

    /// The file is larger than was wanted.
    package var isTooLarge: Bool { code == EFBIG }

    /// A rename could not move it there: another file system, a mount point, or a place that we may
    /// not take it from. A copy may do.
    package var isBeyondRename: Bool {
        call == "rename" && (code == EXDEV || code == EBUSY || isForbidden)
    }

    /// A directory cannot go because there is more in it, or something is mounted on it.
    package var isInUse: Bool { code == ENOTEMPTY || code == EEXIST || code == EBUSY }

    /// The path is too long for the system.
    package var isTooLongAPath: Bool { code == ENAMETOOLONG }

    /// A directory was wanted, and it is a link or a file.
    package var isNoDirectory: Bool { code == ENOTDIR }

    /// A file was wanted, and it is a directory.
    package var isADirectory: Bool { code == EISDIR }

    /// A link, where none is followed.
    package var isALink: Bool { code == ELOOP }

    /// The file system takes no writes.
    package var isReadOnly: Bool { code == EROFS }

    /// There is no descriptor left, for us or for the machine.
    package var isTooManyOpen: Bool { code == EMFILE || code == ENFILE }

    /// The disk or what leads to it has failed.
    package var isDiskFailure: Bool { code == EIO || code == ESTALE || code == ENODEV }
}

extension SystemError {
    /// Who reads it has gone, or the terminal was hung up.
    package var isNobodyThere: Bool { code == EPIPE || code == EIO || code == ECONNRESET }

    /// Who read a pipe has gone.
    package var isBrokenPipe: Bool { code == EPIPE }

    /// Nothing now; it is to be tried again once the descriptor is ready.
    package var isNotNow: Bool { code == EAGAIN }
}
