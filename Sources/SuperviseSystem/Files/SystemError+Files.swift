import Glibc

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
