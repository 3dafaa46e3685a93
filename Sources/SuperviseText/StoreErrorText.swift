import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// What went wrong with the state on the disk, for people: what happened, to what, and what to do.
extension StoreError: CustomStringConvertible {
    /// One line, in lower case.
    package var description: String {
        switch self {
        case .unreadable(let error):
            "cannot read \(printable(error.subject)): \(errorText(error.code)) (\(error.call)); "
                + (Self.advice(on: error) ?? "nothing was changed")
        case .unwritable(let error):
            "cannot write \(printable(error.subject)): \(errorText(error.code)) (\(error.call)); "
                + (Self.advice(on: error) ?? "what was saved before stays as it is")
        case .missing(let path):
            "\(printable(path)) is missing, though there was a run; mount its disk or bring it back"
        case .noDirectory(let path):
            "\(printable(path)) is no directory; put the directory itself there, in place of the link "
                + "or file (for another disk there is \(OptionName.checkpointDir))"
        case .garbage(let path, let reason):
            "\(printable(path)) is damaged (\(reason)); "
                + "bring a good copy back, or begin anew with \(OptionName.fresh), which keeps it in the "
                + "archive"
        case .newerFormat(let path, let format):
            "\(printable(path)) has format \(format), which this version of supervise does not read; "
                + "use the newer supervise that wrote it"
        case .badPath(let path, let reason):
            "\(printable(path)) \(reason)"
        case .emptyCheckpoint(let id):
            "checkpoint \(id) holds no files; write them below its path before the commit"
        case .changed(let path):
            "\(printable(path)) was written to while it was being committed; "
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
            "\(printable(path)) is not there any more"
        }
    }

    /// What somebody can do about a failed system call on a file of a run; nil where only the call is
    /// to be told.
    private static func advice(on error: SystemError) -> String? {
        if error.isNoSpace { return "make room on that disk" }
        if error.isTooLarge, let limit = fileSizeLimit() {
            return
                "files may have \(limit) bytes here: raise that (ulimit -f, LimitFSIZE= in a unit)"
        }
        if error.call == "mkdir", error.isForbidden || error.isNoDirectory {
            return
                "let user \(userId()) make that directory, or choose another place with "
                + "\(OptionName.stateDir) or \(OptionName.checkpointDir)"
        }
        if error.isForbidden {
            return "call it as the owner of that file, or let user \(userId()) read and write it"
        }
        if error.isReadOnly {
            return "mount it writable, or choose another place with \(OptionName.stateDir) or "
                + "\(OptionName.checkpointDir)"
        }
        if error.isTooManyOpen { return "allow more open files (ulimit -n)" }
        if error.isDiskFailure {
            return "look after that disk (dmesg); what was saved stays as it is"
        }
        if error.isNoDirectory {
            return
                "a part of that path is a file or a link; move it away, and put the directory back"
        }
        if error.isMissing {
            return
                "a part of that path is not there, or is a link that leads nowhere; mount its disk, "
                + "or make the directory"
        }
        if error.isADirectory || error.isALink { return "move away what is in its place" }
        return nil
    }
}

extension PinsFile {
    /// What somebody is told where ``PinsFile/load()`` has failed.
    package func advice(on error: StoreError) -> String {
        let why =
            if case .garbage(_, let reason) = error {
                "\(printable(paths.pins)) is damaged (\(reason))"
            } else {
                "\(error)"
            }
        return "\(why); until it is mended no checkpoint is removed: bring a good copy back, "
            + "or remove it and pin again what is to stay"
    }
}
