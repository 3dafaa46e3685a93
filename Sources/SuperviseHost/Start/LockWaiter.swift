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

    /// - Throws: ``StartError`` that names who uses the run.
    func take() throws(StartError) -> FileLock {
        let attempt = try ShortageWait(console).explaining { () throws(StoreError) in
            try RunLock.acquire(path)
        }
        switch attempt {
        case .taken(let lock): return lock
        case .heldBy(let pid):
            guard isDying(pid) else { throw inUse(by: pid) }
            let left = HeldLock(paths: paths, pid: pid).left(path)
            if left.keeper?.isStopped == true { throw StartError.held(left) }
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

    private func stillHeld(_ pid: Int32?) -> StartError {
        guard let pid, RunStore(paths).distance(toHolder: pid) == .here, HeldLock.hasEnded(pid)
        else { return inUse(by: pid) }
        return .held(HeldLock(paths: paths, pid: pid).left(path))
    }

    private func inUse(by pid: Int32?) -> StartError {
        if case .payload(let owner) = subject {
            return .payloadInUse(paths.payload, by: pid, owner: owner)
        }
        let status = try? RunStore(paths).derived.readStatus()
        var user = StartError.LockUser(
            run: paths.name, pid: pid, distance: RunStore(paths).distance(toHolder: pid),
            started: status?.started)
        user.isPaused = status?.phase == .paused
        user.isResume = isResume
        user.placeOption = placeOption
        return .inUse(user)
    }

    /// The kernel tells when the lock is free: a thread waits for it, and we for the thread.
    private func wait() throws(StartError) -> FileLock? {
        try ShortageWait(console).describing(.waitForLock) {
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

/// A lock whose supervisor is gone, and which its guard may still hold.
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

    /// What is known of who holds it.
    package func left(_ lock: String) -> LeftLock {
        LeftLock(
            run: paths.name, lock: lock, pid: pid, keeper: LockKeeper.find(lock), again: again)
    }
}
