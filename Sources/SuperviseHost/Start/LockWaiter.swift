import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Takes the lock of a run, or of a directory with its checkpoints; for one that is just ending it
/// waits a little.
struct LockWaiter {
    let paths: RunPaths
    let console: Console
    var subject = Subject.run
    /// A second run is not what was wanted.
    var isResume = false
    /// What another command has to be given to find the run.
    var placeOption: [String] = []

    enum Subject: Equatable {
        case run
        /// With the path of the run that it belongs to, where that is known.
        case payload(of: String?)
    }

    private var path: String { subject == .run ? paths.lock : paths.payloadLock }

    /// - Throws: ``HostError`` that names who uses the run.
    func take() throws(HostError) -> FileLock {
        let attempt = try ShortageWait(console).explaining { () throws(StoreError) in
            try RunLock.acquire(path)
        }
        switch attempt {
        case .taken(let lock): return lock
        case .heldBy(let pid):
            guard isDying(pid) else { throw inUse(by: pid) }
            if let text = HeldLock(paths: paths, pid: pid).stoppedGuard(path) {
                throw HostError(text)
            }
            let who = pid.map { "by pid \($0)" } ?? "by another supervisor"
            let time = Int(ShellBounds.earlierSupervisor.seconds)
            console.say(
                "run \(paths.name) is being ended \(who); waiting up to \(time) s", .normal)
            guard let lock = try wait() else { throw stillHeld(pid) }
            return lock
        }
    }

    /// A supervisor that is gone has left its guard, which is ending the job; one that stops is
    /// about to go.
    private func isDying(_ pid: Int32?) -> Bool {
        let isElsewhere = RunStore(paths).distance(toHolder: pid) != .here
        guard let pid, isElsewhere || !HeldLock.hasEnded(pid) else { return true }
        let status = try? RunStore(paths).derived.readStatus()
        return status?.supervisorPID == Int(pid)
            && (status?.phase == .stopping || status?.phase == .finished)
    }

    private func stillHeld(_ pid: Int32?) -> HostError {
        guard let pid, RunStore(paths).distance(toHolder: pid) == .here, HeldLock.hasEnded(pid)
        else { return inUse(by: pid) }
        return HostError(HeldLock(paths: paths, pid: pid).sentence(path))
    }

    private func inUse(by pid: Int32?) -> HostError {
        if case .payload(let owner) = subject { return payloadInUse(by: pid, of: owner) }
        let status = try? RunStore(paths).derived.readStatus()
        let since = status.map { " (since \(localTime($0.started)))" } ?? ""
        let place = RunStore(paths).distance(toHolder: pid).phrase
        let who = pid.map { "pid \($0)\(place)" } ?? "another supervisor"
        let what = "run \(paths.name) is in use by \(who)\(since)"
        if status?.phase == .paused {
            let call = ["supervise", "unpause", paths.name.description] + placeOption
            return HostError(
                "\(what), and paused; to let it go on: \(HumanText.commandLine(call))")
        }
        return HostError(
            isResume ? what : "\(what). To run a second one beside it: --name")
    }

    private func payloadInUse(by pid: Int32?, of owner: String?) -> HostError {
        let who = pid.map { "by pid \($0)" } ?? "by another supervisor"
        let state = owner.map { ", for the state in \(HumanText.printable($0))" } ?? ""
        return HostError(
            "the checkpoints in \(HumanText.printable(paths.payload)) are in use \(who)\(state); give "
                + "another --checkpoint-dir, or stop that run first")
    }

    /// To the minute, such as `2026-11-21 05:04`.
    private func localTime(_ moment: Timestamp) -> String {
        let ahead = secondsAheadOfUTC(at: moment.milliseconds / 1000)
        let text = moment.advanced(bySeconds: Double(ahead)).description.prefix(16)
        return text.map { $0 == "T" ? " " : String($0) }.joined()
    }

    /// The kernel tells when the lock is free: a thread waits for it, and we for the thread.
    private func wait() throws(HostError) -> FileLock? {
        try ShortageWait(console).describing("cannot wait for the lock") {
            () throws(SystemError) in
            let loop = try EventLoop()
            var taken: FileLock?
            let mailbox = try Mailbox<FileLock>(on: loop) { locks in
                taken = locks.first
                loop.stop()
            }
            let limit = try TimerSource(on: loop) { loop.stop() }
            limit.set(MonotonicTime.now() + ShellBounds.earlierSupervisor)
            let lane = WorkerLane(name: "lock", threads: 1)
            let isGivenUp = CancelFlag()
            lane.submit { [path] in
                if !isGivenUp.isRaised, let lock = try? FileLock.takeWaiting(path) {
                    mailbox.post(lock)
                }
            }
            if let refusal = WorkerLane.takeRefusal() {
                isGivenUp.raise()
                throw refusal
            }
            try loop.run()
            return taken
        }
    }
}

/// Words for a lock whose supervisor is gone, and which its guard still holds.
package struct HeldLock {
    let paths: RunPaths
    /// The supervisor that is gone.
    let pid: Int32?
    /// The command to repeat, for the reader of the message.
    let again: String

    package init(paths: RunPaths, pid: Int32?, again: String = "start again") {
        self.paths = paths
        self.pid = pid
        self.again = again
    }

    /// Whether a supervisor has ended, also where nobody has reaped it yet, as a shell does not
    /// until it is asked to wait.
    ///
    /// - Parameter limit: one that was killed a moment ago is still on its way out, so it gets that
    ///   moment.
    package static func hasEnded(
        _ pid: Int32, within limit: Duration = .milliseconds(250)
    ) -> Bool {
        do throws(SystemError) {
            let process = try ProcessHandle(opening: pid)
            return try process.waitForEnd(atMost: limit)
        } catch {
            // If nobody can tell, it has not ended.
            return error.isNoProcess
        }
    }

    /// What to do where somebody has stopped the guard, so that it never ends by itself; nil where it
    /// works.
    func stoppedGuard(_ lock: String) -> String? {
        guard let keeper = LockKeeper.find(lock), keeper.isStopped else { return nil }
        return
            "the supervisor of run \(paths.name)\(number) is gone, and its guard, pid \(keeper.pid), which is "
            + "to end the job and then free the run, was stopped by somebody: let it go on with kill "
            + "-CONT \(keeper.pid), and \(again)"
    }

    /// Why it is still held.
    package func sentence(_ lock: String) -> String {
        if let text = stoppedGuard(lock) { return text }
        let gone = "the supervisor of run \(paths.name)\(number) is gone"
        guard let keeper = LockKeeper.find(lock) else {
            return "\(gone), and something that cannot be seen from here still holds "
                + "\(HumanText.printable(lock)); \(again) when that has ended"
        }
        return
            "\(gone), and its guard, pid \(keeper.pid), is still ending what the job has left; "
            + "\(again) when that is done"
    }

    private var number: String { pid.map { ", pid \($0)," } ?? "" }
}
