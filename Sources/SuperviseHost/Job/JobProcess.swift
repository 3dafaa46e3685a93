import SuperviseCore
import SuperviseSystem

/// The job's processes: starts the leader, hears of its end, and ends what it leaves behind.
///
/// We are the subreaper, so whatever loses its parent becomes our child: when no child but the
/// guard is left, nothing of the attempt is. Where the job has a control group, that one is empty
/// then, too: somebody may have been put into it.
final class JobProcess {
    private static let batch = 1024

    private let loop: EventLoop
    private var guardian: Guard
    private var group: ControlGroup?
    private let tools: Tools
    private let lock: Int32
    private var token = ""
    private let deliver: (Event) -> Void
    /// Called between the leader's end and the event that tells it.
    private let beforeEnd: () -> Void
    private var leader: SpawnedProcess?
    private var report: EventLoop.Registration?
    private var groupWatch: EventLoop.Registration?
    private var isEnding: Action.Urgency?
    private var isStopped = false
    private var isPaused = false

    /// - Parameter lock: the descriptor of the run's lock, which the guard shares.
    init(
        on loop: EventLoop, guardian: Guard, group: ControlGroup?, tools: Tools, lock: Int32,
        beforeEnd: @escaping () -> Void,
        _ deliver: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.guardian = guardian
        self.group = group
        self.tools = tools
        self.lock = lock
        self.beforeEnd = beforeEnd
        self.deliver = deliver
    }

    func start(_ order: SpawnRequest, token: String) {
        var request = order
        request.group = group?.renewed()
        group = request.group ?? group
        self.token = token
        isPaused = false
        // Before the spawn, so that there is no moment without a guard.
        if !guardian.watch(leader: 0, token: token) { replaceGuard() }
        do throws(SystemError) {
            let process = try spawn(request)
            leader = process
            guardian.watch(leader: process.pid, token: token)
            watchReport(of: process)
        } catch {
            forgetToken()
            deliver(.spawnFailed(.system("the job cannot be started: \(error)")))
        }
    }

    private func watchReport(of process: SpawnedProcess) {
        do throws(SystemError) {
            report = try loop.watch(process.reportDescriptor, for: .read) { [unowned self] _ in
                readReport()
            }
        } catch {
            // It lives, so its end has to be waited for before there is another one.
            deliver(.warned("the job cannot be watched, and is ended: \(error)"))
            deliver(.spawned(pid: Int(process.pid)))
            signalLeader(9)
        }
    }

    func signalLeader(_ signal: Int32) {
        guard let leader else { return }
        do throws(SystemError) {
            _ = try leader.process.signal(signal)
        } catch {
            deliver(.warned("\(signalName(signal)) cannot be sent to the job: \(error)"))
        }
    }

    /// A request that the job does not understand would be its end, and so it is not sent.
    func ask(by signal: Settings.RequestSignal) {
        guard let leader else { return }
        let reception = try? SignalReception(of: signal.number, by: leader.pid)
        switch reception {
        case .handled: signalLeader(signal.number)
        case .ignored:
            deliver(.requestNotSent("the job ignores \(signal.name)"))
        case .standard:
            deliver(
                .requestNotSent(
                    "process \(leader.pid) has no handler for \(signal.name), and would end by "
                        + "it (a shell in between? start the program with exec)"))
        case nil: deliver(.requestNotSent("the job is about to end"))
        }
    }

    /// Ctrl-Z: the job's session is not that of the terminal, so it would not stop by itself.
    ///
    /// - Parameter isTyped: at a terminal, where there may be no shell that could continue us: then
    ///   nobody stops for longer than a moment.
    /// - Returns: whether we had been stopped.
    func stopWithUs(isTyped: Bool = true) -> Bool {
        let before = MonotonicTime.now()
        isStopped = true
        signalDescendants(19)
        var hasStopped = true
        if isTyped {
            hasStopped = stopThisProcessAsATerminal()
        } else {
            stopThisProcess()
        }
        if !hasStopped { _ = goOnWithUs() }
        // Told before any timer that went off meanwhile.
        let stood = MonotonicTime.now().nanoseconds - before.nanoseconds
        deliver(.stoodStill(.nanoseconds(stood)))
        return hasStopped
    }

    /// - Returns: whether we had been stopped.
    func goOnWithUs() -> Bool {
        guard isStopped else { return false }
        isStopped = false
        if !isPaused { signalDescendants(18) }
        return true
    }

    func pause() {
        isPaused = true
        tools.withProcesses { ProcessTree.stopDescendants(except: $0.union([guardian.pid])) }
    }

    func goOn() {
        isPaused = false
        if !isStopped { signalDescendants(18) }
    }

    func killEverything() {
        signalLeader(9)
        signalDescendants(9)
        if isEnding != nil { isEnding = .atOnce }
    }

    func endDescendants(_ urgency: Action.Urgency) {
        isEnding = urgency
        guard hasDescendants else {
            treeIsGone()
            return
        }
        watchGroup()
        signalDescendants(urgency == .politely ? 15 : 9)
    }

    /// After SIGCHLD: takes every process that has ended, a batch at a time, as a job may make them
    /// faster than we take them, and others want to be served, too.
    func reap() {
        for taken in 1... {
            guard let reaped = reapOne() else { break }
            if reaped.pid == leader?.pid {
                leaderEnded(reaped.status)
            } else if reaped.pid == guardian.pid {
                replaceGuard()
            } else {
                _ = tools.ended(reaped)
            }
            if taken == Self.batch {
                loop.whenQuiet { [weak self] in self?.reap() }
                break
            }
        }
        guard let urgency = isEnding else { return }
        if !hasDescendants {
            treeIsGone()
        } else if urgency == .atOnce {
            // What its parent left to us since the last look.
            signalDescendants(9)
        }
    }

    /// The guard and our tools are no part of the job.
    private var hasDescendants: Bool {
        // Asked first, so that what its watch has told is taken.
        if let group, group.isPopulated { return true }
        return tools.withProcesses { ProcessTree.hasChildren(except: $0.union([guardian.pid])) }
    }

    /// Its last member need not be our child.
    private func watchGroup() {
        guard let group, groupWatch == nil else { return }
        groupWatch = try? loop.watch(group.changes, for: .urgent) { [unowned self] _ in reap() }
    }

    /// Our children that are no part of the job.
    var helpers: Set<Int32> { tools.withProcesses { $0.union([guardian.pid]) } }

    private func signalDescendants(_ signal: Int32) {
        if signal == 9 { group?.kill() }
        tools.withProcesses { tools in
            _ = ProcessTree.signalDescendants(signal, except: tools.union([guardian.pid]))
        }
    }

    /// Somebody has killed it: a new one watches from now on.
    private func replaceGuard() {
        do throws(SystemError) {
            guardian = try Guard.start(holding: lock, group: group)
            guardian.watch(leader: leader?.pid ?? 0, token: token)
            deliver(.warned("the guard was killed by somebody; started another"))
        } catch {
            deliver(
                .warned(
                    "the guard was killed and cannot be started again: \(error); should the "
                        + "supervisor be killed, the job would live on until the next start"))
        }
    }

    /// Ends the guard, where nobody is left for it to end: else it stays, and the lock with it,
    /// until what outlived us is gone.
    func release() {
        guard token.isEmpty else { return }
        group?.remove()
        guardian.release()
    }

    private func treeIsGone() {
        isEnding = nil
        if let groupWatch { loop.cancel(groupWatch) }
        groupWatch = nil
        forgetToken()
        deliver(.descendantsGone)
    }

    /// A number that is free may become a stranger's, so the guard forgets it.
    private func forgetToken() {
        token = ""
        guardian.watchNothing()
    }

    private func leaderEnded(_ status: ExitStatus) {
        // Had the exec failed, its report was written before the end.
        readReport(hasEnded: true)
        guard leader != nil else { return }
        forgetLeader()
        beforeEnd()
        deliver(.jobExited(JobEnd(status)))
    }

    private func readReport(hasEnded: Bool = false) {
        guard report != nil, let leader else { return }
        switch leader.readExecResult(hasEnded: hasEnded) {
        case .pending:
            return
        case .running:
            stopWatchingReport()
            deliver(.spawned(pid: Int(leader.pid)))
        case .failed(let error):
            forgetLeader()
            forgetToken()
            deliver(.spawnFailed(Self.failure(error)))
        }
    }

    private static func failure(_ error: SystemError) -> Event.SpawnFailure {
        let reason = "\(error.subject): \(errorText(error.code))"
        if error.commandStatus == 127 {
            return .notFound("command not found: \(reason)")
        }
        return error.call == "execve" || error.call == "chdir" || error.call == "interpreter of"
            ? .notExecutable("the command cannot be executed: \(reason)")
            : .system("the job cannot be started: \(error)")
    }

    private func forgetLeader() {
        stopWatchingReport()
        leader = nil
    }

    private func stopWatchingReport() {
        if let report { loop.cancel(report) }
        report = nil
    }
}

extension JobEnd {
    init(_ status: ExitStatus) {
        switch status {
        case .exited(let code): self = .exited(Int(code))
        case .signaled(let number):
            self = .signaled(number: Int(number), name: signalName(number))
        }
    }
}
