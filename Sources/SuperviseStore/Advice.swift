import SuperviseSystem

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
