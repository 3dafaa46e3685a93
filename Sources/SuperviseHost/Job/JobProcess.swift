import SuperviseCore
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
