import SuperviseFormats
import SuperviseSystem

/// What went wrong with the state on the disk: what happened, to what, and what to do.
package enum StoreError: Error, Equatable, Sendable {
    /// Reading failed, and nothing is said about what is there: EIO, EACCES and the like.
    case unreadable(SystemError)
    /// Writing failed: ENOSPC, EROFS, EIO and the like.
    case unwritable(SystemError)
    /// A directory that must be there is not, as where a disk is not mounted.
    case missing(String)
    /// A directory that must be ours is a link or a file.
    case noDirectory(String)
    /// A file that must be ours is not what it should be.
    case garbage(path: String, reason: String)
    /// A newer version of `supervise` wrote it.
    case newerFormat(path: String, format: Int)
    /// Something in a payload, or a path to add, that cannot be taken.
    case badPath(String, reason: String)
    /// A checkpoint without any file.
    case emptyCheckpoint(CheckpointID)
    /// A payload file was written to while it was being committed.
    case changed(String)
    /// There is no checkpoint of that name.
    case unknownCheckpoint(CheckpointID)
    /// A checkpoint is not what was committed; the text says what differs.
    case bad(String)
    /// A program that we need is missing or has failed; the text says which, at what, and how.
    case tool(String)
    /// It was asked to stop.
    case cancelled
    /// A checkpoint holds the same already.
    case repeats(CheckpointID)
    /// What was to be taken is not there any more.
    case gone(String)

    init(reading error: SystemError) {
        self = error.isCancellation ? .cancelled : .unreadable(error)
    }

    init(writing error: SystemError) {
        self = error.isCancellation ? .cancelled : .unwritable(error)
    }

    init(_ error: FormatError, in path: String) {
        switch error {
        case .unreadable(let reason): self = .garbage(path: path, reason: reason)
        case .newerFormat(let format): self = .newerFormat(path: path, format: format)
        }
    }

    /// What the system said, where it was the system.
    package var systemError: SystemError? {
        switch self {
        case .unreadable(let error), .unwritable(let error): error
        case .missing, .noDirectory, .garbage, .newerFormat, .badPath, .emptyCheckpoint, .changed,
            .unknownCheckpoint, .bad, .tool, .cancelled, .repeats, .gone:
            nil
        }
    }

    /// The machine is short of descriptors, memory or processes: the same may succeed later.
    package var isShortage: Bool { systemError?.isShortage ?? false }

    /// The disk, or somebody's share of it, is full.
    package var isNoSpace: Bool { systemError?.isNoSpace ?? false }

    /// Whether the same commit may succeed once there is space. After a failed fsync it must not be
    /// tried: the kernel may have dropped what it could not write, and a second one proves nothing.
    package var canTryAgain: Bool { isNoSpace && systemError?.call != "fsync" }

    /// What a job is told in the protocol's `error`.
    package var protocolCode: ProtocolError.Code {
        switch self {
        case .emptyCheckpoint: .emptyCheckpoint
        case .badPath: .badPath
        case .unknownCheckpoint: .unknownCheckpoint
        case .cancelled: .stopping
        case .changed, .repeats: .conflict
        case .gone: .badPath
        case .unreadable, .unwritable: isNoSpace ? .noSpace : .io
        case .missing, .noDirectory, .garbage, .newerFormat, .bad, .tool: .io
        }
    }
}

/// A path in a message: on one line, whatever a job has called its files.
func shown(_ path: String) -> String {
    printable(path)
}

func shown(_ path: FilePath) -> String { shown(path.text) }

/// Does something that only reads.
func reading<Result>(
    _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw StoreError(reading: error)
    }
}

/// Does something that writes.
func writing<Result>(
    _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw StoreError(writing: error)
    }
}

/// nil where there is no such file or directory.
func unlessMissing<Result>(
    _ body: () throws(SystemError) -> Result
) throws(SystemError) -> Result? {
    do throws(SystemError) {
        return try body()
    } catch {
        if error.isMissing { return nil }
        throw error
    }
}
