import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// The job's processes: starts the leader, hears of its end, and ends what it leaves behind.
///
/// We are the subreaper, so whatever loses its parent becomes our child: when no child but the
/// guard is left, nothing of the attempt is. Where the job has a control group, that one is empty
/// then, too: somebody may have been put into it.
final class JobProcess {
    static let batch = 1024

    let loop: EventLoop
    var guardian: Guard
    var group: ControlGroup?
    let tools: Tools
    let locks: Guard.Locks
    let deliver: (Event) -> Void
    /// Called between the leader's end and the event that tells it.
    let beforeEnd: () -> Void
    var leader: SpawnedProcess?
    var report: EventLoop.Registration?
    var groupWatch: EventLoop.Registration?
    var guardWatch: EventLoop.Registration?
    var isEnding: Action.Urgency?
    /// Of the attempt's group at its start; nil where nobody counts.
    var memoryKills: (count: OutOfMemoryCount, before: Int)?
    var isStopped = false
    var isPaused = false
    /// What kept the command from being watched: its start is to be tried again once it has ended.
    var refusal: SystemError?
    /// Processes that could not be signalled, each told once.
    var toldRefusers: Set<Int32> = []
    /// SIGKILL was ordered for all of the attempt, and it is not gone yet.
    var isKilling = false
    /// What makes the job stand still, or go on, could not be sent to all of it, and is sent again.
    var missesStanding = false
    /// SIGTERM to all that the leader has left could not be sent, and is sent again: only then, as
    /// a job may take a second one for an order to end at once.
    var missesPolite = false
    /// What the guard would have noted if the last start had not been tried.
    var numberBefore = 0
    /// Of the last attempt, and so of the process group that it was born to lead.
    var leaderNumber: Int32?
    /// The guard has gone, and no other could be started yet.
    var hasNoGuard = false

    /// - Parameter locks: those that the guard shares.
    init(
        on loop: EventLoop, guardian: Guard, group: ControlGroup?, tools: Tools,
        locks: Guard.Locks,
        beforeEnd: @escaping () -> Void,
        _ deliver: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.guardian = guardian
        self.group = group
        self.tools = tools
        self.locks = locks
        self.beforeEnd = beforeEnd
        self.deliver = deliver
        JobTree.holdReserve()
        watchGuard()
    }

    func start(_ wanted: SpawnRequest, _ order: Action.SpawnOrder) {
        var request = wanted
        request.group = group?.renewed()
        group = request.group ?? group
        request.guarded = guardian.attempt
        isPaused = false
        refusal = nil
        isKilling = false
        missesStanding = false
        missesPolite = false
        toldRefusers = []
        if hasNoGuard { replaceGuard() }
        // A process that ended earlier is no longer there.
        reap()
        countMemoryKills()
        do throws(SystemError) {
            try guardian.attempt.takeInherited()
        } catch {
            let message = "the processes that were there before the job cannot be listed"
            return deliver(.spawnFailed(.shortage("\(message): \(error.whyUnseen)")))
        }
        numberBefore = guardian.attempt.number
        do throws(SystemError) {
            guardian.attempt.begin(token: order.token, number: order.attempt)
            let process = try spawn(request)
            leader = process
            leaderNumber = process.pid
            watchReport(of: process)
        } catch {
            guardian.attempt.end()
            // Nothing was started with the number, so that the next attempt has it.
            guardian.attempt.number = numberBefore
            deliver(.spawnFailed(.refused(error, "the job cannot be started")))
        }
    }

    /// Does something with the job's processes, while no tool of ours starts and none is reaped.
    func withTree<Result>(_ body: (JobTree) -> Result) -> Result {
        tools.withProcesses { tools in
            let helpers = hasNoGuard ? tools : tools + [guardian.pid]
            let tree = JobTree(
                helpers: helpers, sparing: guardian.attempt, leader: leader?.pid,
                lookingAtMost: TreeBounds.look)
            return body(tree)
        }
    }

    /// The same, for one who looks at them for longer.
    var tree: JobTree { withTree { $0 } }
}

extension Event.SpawnFailure {
    /// The system refused something that a start needs.
    ///
    /// - Parameter what: could not be done, for people.
    static func refused(_ error: SystemError, _ what: String) -> Event.SpawnFailure {
        let message = "\(what): \(error)"
        return error.isShortage
            ? .shortage("\(message); \(error.shortageAdvice)") : .system(message)
    }
}

/// A command of the user's that works for the supervisor: as whom and where it runs.
struct HelperCall: Sendable {
    /// The program's name and its arguments.
    var command: [String]
    /// The file to execute, an absolute path; nil looks for the command's first word in PATH.
    var program: String?
    var environment: [String]
    var directory = HelperPlace.directory
    var settings = ProcessSettings()
}

extension Session {
    /// The call of `--on-hang`: as the supervisor, in `/`; or as the job, in its directory.
    func onHangCall(_ command: [String]) -> HelperCall {
        guard request.onHangUser == .job else { return helperCall(command, helpers.onHang) }
        var call = HelperCall(
            command: command, program: helpers.onHang,
            environment: JobEnvironment.ofHelper(inherited: environment, as: job.identity),
            directory: found.record.directory)
        call.settings.identity = job.identity
        return call
    }

    /// A call as the supervisor.
    func helperCall(_ command: [String], _ program: String?) -> HelperCall {
        HelperCall(
            command: command, program: program,
            environment: JobEnvironment.ofHelper(inherited: environment, path: HelperPlace.path))
    }
}

/// What the job is to have otherwise than we have it.
package struct JobSettings: Equatable, Sendable {
    /// Entries `NAME=value`, over what it inherits; of two with one name the later one counts.
    package var environment: [String] = []
    /// Without an identity: that comes of ``user``, once it is looked up.
    package var process = ProcessSettings()
    package var user: UserChoice?

    package init() {}
}

/// A user and perhaps a group as somebody wrote them: each a name or a number.
package struct UserChoice: Equatable, Sendable {
    package var user: String
    /// nil for the user's own.
    package var group: String?

    /// `USER` or `USER:GROUP`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let isOdd = text.contains { $0.isWhitespace || $0 == "\0" || $0 == "/" }
        guard (1...2).contains(parts.count), !parts.contains(""), !isOdd else { return nil }
        user = parts[0]
        group = parts.count == 2 ? parts[1] : nil
    }
}

/// Who would end by SIGTERM.
extension JobProcess {
    func lookForHandlers(_ hearers: LastCloses.Hearers) {
        switch hearers {
        case .leader:
            guard let leader else { return }
            let reception = try? SignalReception(of: 15, by: leader.pid)
            deliver(.handlersFound(.leader, reception == .handled || reception == .ignored))
        case .descendants:
            let (all, reaped) = withTree { $0.handles(15) }
            deliver(.handlersFound(.descendants, all))
            ended(reaped)
        }
    }
}
