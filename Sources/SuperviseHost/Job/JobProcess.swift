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
        watchGuard()
    }

    func start(_ order: SpawnRequest, token: String) {
        var request = order
        request.group = group?.renewed()
        group = request.group ?? group
        request.guarded = guardian.attempt
        isPaused = false
        guardian.attempt.begin(token: token)
        countMemoryKills()
        do throws(SystemError) {
            let process = try spawn(request)
            leader = process
            watchReport(of: process)
        } catch {
            guardian.attempt.end()
            deliver(.spawnFailed(.system("the job cannot be started: \(error)")))
        }
    }
}
