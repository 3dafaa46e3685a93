import SuperviseCore
import SuperviseSystem

/// The job's processes: starts the leader, hears of its end, and ends what it leaves behind.
///
/// We are the subreaper, so whatever loses its parent becomes our child: when no child but the
/// guard is left, nothing of the attempt is.
final class JobProcess {
    private let loop: EventLoop
    private let guardian: Guard
    private let deliver: (Event) -> Void
    /// Called between the leader's end and the event that tells it.
    private let beforeEnd: () -> Void
    private var leader: SpawnedProcess?
    private var report: EventLoop.Registration?
    private var isEnding: Action.Urgency?

    init(
        on loop: EventLoop, guardian: Guard, beforeEnd: @escaping () -> Void,
        _ deliver: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.guardian = guardian
        self.beforeEnd = beforeEnd
        self.deliver = deliver
    }

    func start(_ request: SpawnRequest, token: String) {
        do throws(SystemError) {
            let process = try spawn(request)
            leader = process
            guardian.watch(leader: process.pid, token: token)
            report = try loop.watch(process.reportDescriptor, for: .read) { [unowned self] _ in
                readReport()
            }
        } catch {
            if let leader { _ = try? leader.process.signal(9) }
            leader = nil
            deliver(.spawnFailed(.system("the job cannot be started: \(error)")))
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

    func killEverything() {
        signalLeader(9)
        ProcessTree.signalDescendants(9, except: [guardian.pid])
        if isEnding != nil { isEnding = .atOnce }
    }

    func endDescendants(_ urgency: Action.Urgency) {
        isEnding = urgency
        guard ProcessTree.hasChildren(except: [guardian.pid]) else {
            isEnding = nil
            deliver(.descendantsGone)
            return
        }
        ProcessTree.signalDescendants(urgency == .politely ? 15 : 9, except: [guardian.pid])
    }

    /// After SIGCHLD: takes every process that has ended.
    func reap() {
        while let reaped = reapOne() {
            if reaped.pid == leader?.pid {
                leaderEnded(reaped.status)
            } else if reaped.pid == guardian.pid {
                deliver(.warned("the guard was killed; a killed supervisor would leave the job"))
            }
        }
        guard let urgency = isEnding else { return }
        if !ProcessTree.hasChildren(except: [guardian.pid]) {
            isEnding = nil
            deliver(.descendantsGone)
        } else if urgency == .atOnce {
            // What its parent left to us since the last look.
            ProcessTree.signalDescendants(9, except: [guardian.pid])
        }
    }

    private func leaderEnded(_ status: ExitStatus) {
        // Had the exec failed, its report was written before the end.
        readReport()
        guard leader != nil else { return }
        forgetLeader()
        beforeEnd()
        deliver(.jobExited(JobEnd(status)))
    }

    private func readReport() {
        guard report != nil, let leader else { return }
        switch leader.readExecResult() {
        case .pending:
            return
        case .running:
            stopWatchingReport()
            deliver(.spawned(pid: Int(leader.pid)))
        case .failed(let error):
            forgetLeader()
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
