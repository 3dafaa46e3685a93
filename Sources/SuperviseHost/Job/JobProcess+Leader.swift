import SuperviseCore
import SuperviseSystem
import SuperviseText

/// The leader, from what comes of its exec to its end.
extension JobProcess {
    func watchReport(of process: SpawnedProcess) {
        do throws(SystemError) {
            report = try loop.watch(process.reportDescriptor, for: .read) { [unowned self] _ in
                readReport()
            }
        } catch {
            // It lives, so its end has to be waited for before it is started again.
            refusal = error
            killEverything()
        }
    }

    func leaderEnded(_ status: ExitStatus) {
        // Had the exec failed, its report was written before the end.
        readReport(hasEnded: true)
        guard leader != nil else { return }
        forgetLeader()
        // It never ran, as far as the core knows: what it started in that moment ends first.
        if refusal != nil { return endDescendants(.atOnce) }
        reportMemoryKills()
        beforeEnd()
        deliver(.jobExited(JobEnd(status)))
    }

    func readReport(hasEnded: Bool = false) {
        guard report != nil, let leader else { return }
        switch leader.readExecResult(hasEnded: hasEnded) {
        case .pending:
            return
        case .running:
            stopWatchingReport()
            deliver(.spawned(pid: Int(leader.pid)))
        case .failed(let error):
            forgetLeader()
            guardian.attempt.end()
            // Tried again with the same number.
            if error.isShortage { guardian.attempt.number = numberBefore }
            deliver(.spawnFailed(Self.failure(error)))
        }
    }

    private static func failure(_ error: SystemError) -> Event.SpawnFailure {
        let reason = "\(error.subject): \(errorText(error.code))"
        if error.isShortage { return .refused(error, "the job cannot be started") }
        if error.commandStatus == 127 {
            return .notFound("command not found: \(reason)")
        }
        if error.call == "chdir" { return .notExecutable(directorySentence(error)) }
        return error.call == "execve" || error.call == "interpreter of"
            ? .notExecutable("the command cannot be executed: \(reason)")
            : .refused(error, "the job cannot be started")
    }

    private static func directorySentence(_ error: SystemError) -> String {
        let what = "the job's working directory \(HumanText.printable(error.subject))"
        let cure = "the next attempt looks for it there"
        return error.isMissing
            ? "\(what) is gone; make it again: \(cure)"
            : "\(what) cannot be entered (\(errorText(error.code))); put that right: \(cure)"
    }

    func forgetLeader() {
        stopWatchingReport()
        leader = nil
    }

    func stopWatchingReport() {
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
