import SuperviseFormats

/// Whether a command may go on with a run that another one has begun.
///
/// Something else is another program, or the same in another directory. Other arguments, another
/// interpreter and another path of the same program are not.
package struct CommandMatch: Equatable, Sendable {
    package var recorded: Call
    package var given: Call
    /// The directory that the run was last in, as it is now.
    package var directory: Directory
    /// Go on even if it is something else (`--adopt`).
    package var isAdopted: Bool

    package struct Call: Equatable, Sendable {
        package var command: [String]
        /// An absolute path.
        package var directory: String

        package init(command: [String], directory: String) {
            self.command = command
            self.directory = directory
        }
    }

    /// The recorded directory, compared with the one given now.
    package enum Directory: Equatable, Sendable {
        /// It is the one of this command.
        case same
        /// It is there, and another one.
        case other
        case gone
        /// The run was last on another host, whose directories are not ours.
        case elsewhere
        /// It may be there; the text says why nobody can tell.
        case unknown(String)
    }

    package enum Verdict: Equatable, Sendable {
        /// The same command in the same directory.
        case same
        /// Other words, of the same program.
        case otherCommand
        /// The same program in another directory, as the recorded one is gone.
        case moved
        /// Something else, which is to go on all the same.
        case adopted
        case refused(Difference)
    }

    package enum Difference: Equatable, Sendable {
        case program(recorded: String, given: String)
        case directory(program: String)
        /// The text says why nobody can tell whether the recorded directory is there.
        case unknownDirectory(program: String, String)
    }

    package init(recorded: Call, given: Call, directory: Directory, isAdopted: Bool = false) {
        self.recorded = recorded
        self.given = given
        self.directory = directory
        self.isAdopted = isAdopted
    }

    package var verdict: Verdict {
        if let difference { return isAdopted ? .adopted : .refused(difference) }
        if recorded == given { return .same }
        return directory == .gone ? .moved : .otherCommand
    }

    private var difference: Difference? {
        let last = RunName.program(of: recorded.command)
        let program = RunName.program(of: given.command)
        guard last.utf8.elementsEqual(program.utf8) else {
            return .program(recorded: last, given: program)
        }
        return switch directory {
        case .same, .gone, .elsewhere: nil
        case .other: .directory(program: last)
        case .unknown(let reason): .unknownDirectory(program: last, reason)
        }
    }
}

/// Which of two runs a command means that names none, where its directory has two paths: the one that
/// the shell knows it by, and the one without links.
package struct DefaultRun: Equatable, Sendable {
    package struct Found: Equatable, Sendable {
        package var isCompleted: Bool
        package var created: Timestamp

        package init(isCompleted: Bool, created: Timestamp) {
            self.isCompleted = isCompleted
            self.created = created
        }
    }

    /// The run by the shell's path, which a new run gets the name of; nil where there is none.
    package var usual: Found?
    /// The run by the other path.
    package var second: Found?

    package init(usual: Found?, second: Found?) {
        self.usual = usual
        self.second = second
    }

    package var areBothUnfinished: Bool {
        usual?.isCompleted == false && second?.isCompleted == false
    }

    /// An unfinished one is meant, and of two the newer one; else the one that is there.
    package var takesSecond: Bool {
        guard let second else { return false }
        guard let usual else { return true }
        if usual.isCompleted != second.isCompleted { return usual.isCompleted }
        return !usual.isCompleted && usual.created < second.created
    }
}
