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

/// The guard, which ends the tree when we cannot.
extension JobProcess {
    /// Somebody has killed it: a new one watches from now on. Where none can be started the core orders
    /// it again.
    func replaceGuard() {
        do throws(SystemError) {
            stopWatchingGuard()
            guardian = try Guard.start(
                of: guardian.attempt, holding: locks, group: group, settling: guardian.settling)
            hasNoGuard = false
            watchGuard()
            deliver(.warned("the guard was killed by somebody; started another"))
        } catch {
            let isFirst = !hasNoGuard
            // From now on its number may be that of a process of the job.
            hasNoGuard = true
            if isFirst {
                deliver(
                    .warned(
                        "the guard was killed and cannot be started again: \(error); should the "
                            + "supervisor be killed, the job would live on until the next start"))
            }
            deliver(.hindered(.guardian))
        }
    }

    /// While we end what an earlier supervisor has left the guard is ready to do it in our place.
    ///
    /// - Parameter runToken: the run's half of the token.
    func guardLeftovers(ofRunToken runToken: String) {
        // Our ancestors may bear it, too: we spare them, but the guard would have no ancestors any more.
        guard !ProcessTree.weBear(runToken: runToken) else { return }
        guardian.attempt.begin(leftoversOf: runToken)
    }

    /// None of them is left.
    func leftoversAreGone() { guardian.attempt.end() }

    /// Ends the guard, where nobody is left for it to end: else it stays, and the lock with it,
    /// until what outlived us is gone.
    func release() {
        guard guardian.attempt.isEmpty else { return }
        group?.remove()
        stopWatchingGuard()
        guardian.release()
    }

    func watchGuard() {
        // It is looked for whenever a child has ended, too.
        let number = guardian.process.descriptor
        // A sandbox may refuse pidfds: then it is only looked for.
        guard number >= 0 else { return }
        guardWatch = try? loop.watch(number, for: .read, rank: .first) {
            [unowned self] _ in reap()
        }
    }

    private func stopWatchingGuard() {
        if let guardWatch { loop.cancel(guardWatch) }
        guardWatch = nil
    }
}
