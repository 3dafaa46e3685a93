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

extension StoreError: CustomStringConvertible {
    /// One line, in lower case.
    package var description: String {
        switch self {
        case .unreadable(let error):
            "cannot read \(shown(error.subject)): \(errorText(error.code)) (\(error.call)); "
                + (advice(on: error) ?? "nothing was changed")
        case .unwritable(let error):
            "cannot write \(shown(error.subject)): \(errorText(error.code)) (\(error.call)); "
                + (advice(on: error) ?? "what was saved before stays as it is")
        case .missing(let path):
            "\(shown(path)) is missing, though there was a run; mount its disk or bring it back"
        case .noDirectory(let path):
            "\(shown(path)) is no directory; put the directory itself there, in place of the link "
                + "or file (for another disk there is --checkpoint-dir)"
        case .garbage(let path, let reason):
            "\(shown(path)) is damaged (\(reason)); "
                + "bring a good copy back, or begin anew with --fresh, which keeps it in the archive"
        case .newerFormat(let path, let format):
            "\(shown(path)) has format \(format), which this version of supervise does not read; "
                + "use the newer supervise that wrote it"
        case .badPath(let path, let reason):
            "\(shown(path)) \(reason)"
        case .emptyCheckpoint(let id):
            "checkpoint \(id) holds no files; write them below its path before the commit"
        case .changed(let path):
            "\(shown(path)) was written to while it was being committed; "
                + "send the commit when all files are written and closed"
        case .unknownCheckpoint(let id):
            "there is no checkpoint \(id)"
        case .bad(let text), .tool(let text):
            text
        case .cancelled:
            "it was cut short"
        case .repeats(let id):
            "checkpoint \(id) holds the same"
        case .gone(let path):
            "\(shown(path)) is not there any more"
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

/// What somebody can do about a failed system call on a file of a run; nil where only the call is
/// to be told.
func advice(on error: SystemError) -> String? {
    if error.isNoSpace { return "make room on that disk" }
    if error.isTooLarge, let limit = fileSizeLimit() {
        return "files may have \(limit) bytes here: raise that (ulimit -f, LimitFSIZE= in a unit)"
    }
    if error.call == "mkdir", error.isForbidden || error.isNoDirectory {
        return "let user \(userId()) make that directory, or choose another place with --state-dir "
            + "or --checkpoint-dir"
    }
    if error.isForbidden {
        return "call it as the owner of that file, or let user \(userId()) read and write it"
    }
    if error.isReadOnly {
        return "mount it writable, or choose another place with --state-dir or --checkpoint-dir"
    }
    if error.isTooManyOpen { return "allow more open files (ulimit -n)" }
    if error.isDiskFailure { return "look after that disk (dmesg); what was saved stays as it is" }
    if error.isNoDirectory {
        return "a part of that path is a file or a link; move it away, and put the directory back"
    }
    if error.isMissing {
        return "a part of that path is not there, or is a link that leads nowhere; mount its disk, "
            + "or make the directory"
    }
    if error.isADirectory || error.isALink { return "move away what is in its place" }
    return nil
}
