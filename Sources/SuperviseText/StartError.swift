import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Why a start, or another work on a whole run, is refused or cannot be done.
package enum StartError: Error, Equatable, Sendable {
    case store(StoreError)
    /// A call of the system has failed in this step.
    case step(Step, SystemError)
    /// The machine is short of something.
    case shortage(SystemError)
    /// The run was begun with another command.
    case otherCommand(CommandMatch, RunName, isCompleted: Bool)
    /// What this state was moved or copied from is still at work.
    case otherOrigin(StateOrigin, RunRecord, RunName)
    /// The directory of checkpoints belongs to another state.
    case otherState(PayloadTenancy, RunPaths)
    /// Another user can change the place; the option gives another one.
    case weakPlace(PlaceTrust.Weakness, option: String)
    case unseenPlace(String, SystemError)
    /// The job could change a program that would run as root.
    case weakHelper(Helper, PlaceTrust.Weakness)
    case unseenHelper(Helper, SystemError)
    /// A program that an option needs is not in PATH.
    case noProgram(String, option: String)
    case noUser(UserDatabase.Problem)
    case userNeedsRoot
    case ownedFilesOfUser
    /// The job could not be started as it is wanted.
    case rehearsal(SystemError, JobWish)
    /// There is no directory for the socket: none of these that were tried, nor one below the state
    /// directory.
    case noSocketDirectory(SystemError?, tried: [String], below: SocketRefusal)
    /// A path of a socket is too long; the variable gives its directory.
    case longSocketPath(String, longest: Int, variable: String)
    /// Nobody can tell whether processes of the run are left.
    case unseenLeftovers(SystemError)
    /// They do not end.
    case stuckLeftovers(RunName)
    /// The supervisor is gone, and its lock is still held.
    case held(LeftLock)
    case inUse(LockUser)
    case payloadInUse(String, by: Int32?, owner: String?)
    /// Another command makes or starts it right now.
    case isBeingMade(RunName)
    /// It is not in `/proc/self/mountinfo`.
    case unknownMount(String)
    /// It is on the root file system, or on an automount at that point.
    case notMounted(String, point: FilePath)
    case missingState(MissingState)

    /// What was being done.
    package enum Step: Equatable, Sendable {
        case start
        case work
        case noteLock
        case randomNumbers
        case openState
        case waitForLock
        case lookAtMount(String)
        case searchLeftovers(RunName)
    }

    /// A program that would run as root beside the job.
    package struct Helper: Equatable, Sendable {
        package enum Kind: Equatable, Sendable { case onHang, preempt }

        package var kind: Kind
        package var program: String

        package init(_ kind: Kind, program: String) {
            self.kind = kind
            self.program = program
        }
    }

    /// What of a job's wishes its messages name.
    package struct JobWish: Equatable, Sendable {
        package var user: String?
        /// A directory was given with an option.
        package var namesDirectory: Bool

        package init(user: String?, namesDirectory: Bool) {
            self.user = user
            self.namesDirectory = namesDirectory
        }
    }

    /// Why there is no socket in a directory.
    package enum SocketRefusal: Equatable, Sendable {
        case system(SystemError)
        case tooLong(String, longest: Int)
    }

    /// Who holds a run's lock, and since when.
    package struct LockUser: Equatable, Sendable {
        package var run: RunName
        package var pid: Int32?
        package var distance: SupervisorDistance
        /// As the supervisor has published it; nil where there is no status.
        package var started: Timestamp?
        package var isPaused = false
        package var isResume = false
        /// What another command has to be given to find the run.
        package var placeOption: [String] = []

        package init(
            run: RunName, pid: Int32?, distance: SupervisorDistance, started: Timestamp?
        ) {
            self.run = run
            self.pid = pid
            self.distance = distance
            self.started = started
        }
    }
}

/// A lock whose supervisor is gone, and which somebody still holds.
package struct LeftLock: Equatable, Sendable {
    package var run: RunName
    /// The path of the lock.
    package var lock: String
    /// The supervisor that is gone.
    package var pid: Int32?
    /// Who holds it; nil where that cannot be seen.
    package var keeper: LockKeeper?
    /// The command to repeat, for the reader of the message.
    package var again: String

    package init(run: RunName, lock: String, pid: Int32?, keeper: LockKeeper?, again: String) {
        self.run = run
        self.lock = lock
        self.pid = pid
        self.keeper = keeper
        self.again = again
    }

    /// Why it is still held, and what to do.
    package var sentence: String {
        let number = pid.map { ", pid \($0)," } ?? ""
        let gone = "the supervisor of run \(run)\(number) is gone"
        guard let keeper else {
            return "\(gone), and something that cannot be seen from here still holds "
                + "\(printable(lock)); \(again) when that has ended"
        }
        if keeper.isStopped {
            return
                "\(gone), and its guard, pid \(keeper.pid), which is to end the job and then "
                + "free the "
                + "run, was stopped by somebody: let it go on with kill -CONT \(keeper.pid), "
                + "and \(again)"
        }
        return "\(gone), and its guard, pid \(keeper.pid), is still ending what the job has left; "
            + "\(again) when that is done"
    }
}

/// A directory of a run that a start requires, and that is not there.
package struct MissingState: Equatable, Sendable {
    package var paths: RunPaths
    package var path: String

    package init(_ paths: RunPaths, _ path: String) {
        self.paths = paths
        self.path = path
    }

    package var shown: String { printable(path) }

    private var what: String {
        path == paths.run
            ? "the directory of run \(paths.name)" : "the directory of its checkpoints"
    }

    package var announcement: String {
        let limit = HumanText.limit(AwaitedState.patience.seconds)
        return "\(what), \(shown), is not there: its disk may not be mounted yet; waiting up to "
            + "\(limit) for it (\(OptionName.requireState))"
    }

    var refusal: String {
        "\(what), \(shown), is not there, and \(OptionName.requireState) begins nothing without "
            + "it: "
            + "its disk may not be mounted; mount it, or, only for a new run: \(cure)"
    }

    private var cure: String {
        guard path == paths.run else { return HumanText.commandLine(["mkdir", "-p", path]) }
        var words = [
            "supervise", "init", "\(paths.name)", "\(OptionName.stateDir)", paths.stateDirectory,
        ]
        if paths.isSplit { words += ["\(OptionName.checkpointDir)", paths.payloadRoot] }
        return HumanText.commandLine(words)
    }
}
