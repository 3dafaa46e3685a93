import SuperviseFormats

/// From the job's end to the next attempt, or to our own.
extension Supervisor {
    mutating func jobExited(_ end: JobEnd, at now: Moment) {
        guard phase == .running, let attempt else { return }
        orders.log(
            .jobExited(
                .init(
                    attempt: attempt.number, exitCode: end.exitCode, signal: end.signal,
                    seconds: (now.counted - attempt.startedAt).seconds)))
        for connection in attempt.allConnections { orders.add(.close(connection)) }
        if let open = saves.open {
            orders.add(.dropStaging(open.id))
            noteDropped(open, .jobEnded, at: now)
        }
        saves.jobEnded(end)
        abandonShortage()
        self.attempt?.leaderEnded()
        if let request = requestBook.open, !isAnswering(request) {
            // What it completed at last may answer it, and a final one is never just dropped.
            if request.isBySignal || request.final {
                orders.cancel(.request)
            } else {
                requestBook.endMoot(at: now, &orders)
            }
        }
        orders.cancel(.interval)
        orders.cancel(.terminate)
        self.attempt?.hang.abandon(&orders)
        enter(
            .ending(
                EndingAttempt(
                    end, at: now.counted, descendantsAbandoned: stop?.leavesLeader == true,
                    commitsAbandoned: stop?.restarts == false && isPastDeadline(at: now))))
        watch.flush(&orders)
        endDescendants(after: end, at: now)
    }

    private mutating func endDescendants(after end: JobEnd, at now: Moment) {
        if let stop {
            if stop.stage == .asking { finalRequestLost(at: now) }
            orders.add(.endDescendants(stop.stage == .killing ? .atOnce : .politely))
        } else if end == .exited(0), !wasKilledForHang {
            boundTheEnd(at: now)
            // Who is paused hears nothing.
            if isPaused { orders.add(.unpauseJob) }
            orders.add(.endDescendants(.politely))
        } else {
            orders.set(.abandon, after: settings.stopTimeout, at: now)
            orders.add(.endDescendants(.atOnce))
        }
    }

    /// The leader is gone before it answered: nobody is left to be asked or told.
    private mutating func finalRequestLost(at now: Moment) {
        stop?.tell(spares: false)
        boundTheEnd(at: now)
    }

    /// The last words of the attempt are awaited, but not for long.
    mutating func treeGone(at now: Moment) {
        guard phase.ending != nil else { return }
        orders.add(.readLastOutput(attempt: record.attempt))
        orders.set(.lastOutput, after: ShellBounds.lastOutput, at: now)
    }

    mutating func outputTail(_ lines: [String], attempt number: Int, at now: Moment) {
        // Later it is not waited for, and another attempt may run.
        guard orders.isSet(.lastOutput), number == attempt?.number else { return }
        attempt?.hasWritten(lines)
        orders.cancel(.lastOutput)
        descendantsGone(at: now)
    }

    mutating func descendantsGone(at now: Moment) {
        guard phase.ending != nil else { return }
        changeEnding { $0.descendantsAreGone() }
        // The last that they closed.
        watch.flush(&orders)
        concludeIfOver(at: now)
    }

    /// The next attempt chooses only when the old one's tree is gone and what it committed is there.
    mutating func concludeIfOver(at now: Moment) {
        concludeGathering(at: now)
        if phase == .running, stop?.leavesLeader == true,
            isSaved || isPastDeadline(at: now)
        {
            finishStopped(at: now)
        }
        guard case .ending(let ending) = phase,
            ending.descendantsGone || ending.descendantsAbandoned,
            isSaved || ending.commitsAbandoned
        else { return }
        endRequestWithJob(at: now)
        for timer in [TimerID.stopDeadline, .kill, .abandon] { orders.cancel(timer) }
        if stop?.restarts == false {
            finishStopped(at: now)
        } else if attempt?.gaveUp != nil {
            if stop != nil { forgetStop() }
            countFailure(failureKind, end: ending.end, at: now)
        } else if stop != nil {
            startAgain(.asked, at: now)
        } else if completes(ending.end), attempt?.resume == nil, input.isUsedUp {
            // To end without its input completes nothing, unless it went on from a checkpoint.
            finish(
                Outcome(kind: .failed, exitCode: 0, reason: .inputUsedUp), .failed(status: 1),
                because: InputHistory.usedUp, at: now)
        } else if completes(ending.end) {
            finish(Outcome(kind: .completed, exitCode: 0), .completed, at: now)
        } else if ending.end == .exited(0), !wasKilledForHang {
            startAgain(.always, at: now)
        } else {
            countFailure(failureKind, end: ending.end, at: now)
        }
    }

    private var failureKind: Failure.Kind {
        if wasKilledForHang { return .hang }
        return (attempt?.outOfMemory ?? 0) > 0 ? .oom : .crash
    }

    /// Where nobody asked for anything else.
    func completes(_ end: JobEnd) -> Bool {
        end == .exited(0) && attempt?.gaveUp == nil && settings.restart != .always
            && !wasKilledForHang
    }

    mutating func forgetStop() {
        stop = nil
        for timer in [TimerID.stopDeadline, .terminate, .kill, .abandon] { orders.cancel(timer) }
    }

    mutating func countFailure(_ kind: Failure.Kind, end: JobEnd, at now: Moment) {
        guard let attempt else { return }
        let endedAt = phase.ending?.at ?? now.counted
        let unsaved = kind == .spawn ? 0 : (endedAt - attempt.securedAt).seconds
        notices.crashed(unsaved: unsaved)
        let lost = knowsLosses ? unsaved : 0
        let ran = endedAt - attempt.startedAt
        var failure = Failure(
            attempt: attempt.number, kind: kind, exitCode: end.exitCode, signal: end.signal,
            at: now.wall, lostSeconds: lost)
        failure.atStart = (kind == .crash || kind == .oom) && isStart(attempt, ran)
        failure.error = attempt.gaveUp
        failure.outputTail = attempt.outputTail
        if kind == .hang { failure.report = RunEvent.Hung.report(attempt: attempt.number) }
        history.lose(seconds: lost)
        var isAlways = false
        var progressed = attempt.progressed
        if kind != .spawn {
            let (isProgress, isSame) = history.noteEnd(end, failed: true, lived: ran)
            progressed = progressed || isProgress
            isAlways = isSame
        }
        history.attemptFailed(
            failure, progressed: progressed,
            suspected: attempt.committedAnything ? nil : attempt.resume?.id)
        let final = final(end, kind, isAlways: isAlways)
        let wait = Backoff.wait(
            afterFailures: record.failures.withoutProgress, range: settings.backoff,
            jitter: Double.random(in: -1...1, using: &random))
        orders.log(
            .failed(
                .init(
                    failure: failure, ran: ran.seconds, count: record.failures.withoutProgress,
                    limit: settings.maxFailures, backoff: final == nil ? wait.seconds : nil,
                    final: final)))
        if let final {
            let outcome = Outcome(kind: .failed, exitCode: end.exitCode, signal: end.signal)
            history.giveUp(because: final)
            finish(outcome, .failed(status: exitStatus(after: end, final)), at: now)
        } else {
            waitToRestart(wait, at: now)
        }
    }

    /// Status 0 would say that it completed.
    private func exitStatus(
        after end: JobEnd, _ final: RunEvent.FailureCounted.Final
    ) -> Int32 {
        let own = max(1, end.shellStatus)
        return switch final {
        case .maxFailures, .sameEachTime, .gaveUp: settings.gaveUpExitCode ?? own
        case .restartNever, .fatalExitCode: own
        }
    }

    /// Why there is no other attempt after this one; nil where there is.
    ///
    /// - Parameter isAlways: it failed as the last ones did, which says more than their number.
    private func final(
        _ end: JobEnd, _ kind: Failure.Kind, isAlways: Bool
    ) -> RunEvent.FailureCounted.Final? {
        if attempt?.gaveUp != nil { return .gaveUp }
        if settings.restart == .never { return .restartNever }
        if kind == .crash || kind == .oom, let code = end.exitCode,
            settings.fatalExitCodes.contains(code)
        {
            return .fatalExitCode
        }
        if isAlways { return .sameEachTime }
        return record.failures.withoutProgress >= settings.maxFailures ? .maxFailures : nil
    }

    /// It got no further than its start: what is wrong is probably the command, not its work. After a
    /// second, only a job that has said hello before shows by its silence that it is still there.
    private func isStart(_ attempt: Attempt, _ ran: Duration) -> Bool {
        if attempt.committedAnything || record.current?.progressed == true { return false }
        if ran < .seconds(1) { return true }
        return !attempt.hasGreeted && (language.hasGreeted || record.progress.reportedStep != nil)
    }

    /// Whether a failure shows which work was lost. A job that never speaks, and whose files are not
    /// watched, may save by itself.
    package var knowsLosses: Bool {
        language.hasSpoken || watch.isWatching || record.commits > 0
            || record.progress.reportedStep != nil
    }

    /// A wait of nothing still goes through a timer, so that signals and sockets get their turn.
    mutating func waitToRestart(_ wait: Duration, at now: Moment) {
        forgetAttempt()
        orders.add(.record(record, confirm: false))
        enter(.waiting)
        orders.set(.backoff, after: wait, at: now)
    }

    mutating func finishStopped(at now: Moment) {
        guard let stop else { return }
        let end = phase.ending?.end
        let outcome = Outcome(
            kind: stop.preempts ? .preempted : .stopped, exitCode: end?.exitCode,
            signal: end?.signal)
        countPreemption(at: now)
        finish(outcome, stop.ending, at: now)
    }

    /// A clean end: counts of failures start at zero after it. Where something of the attempt had
    /// to be left behind, the record still shows it, and the next start looks for it.
    mutating func finish(
        _ outcome: Outcome, _ ending: Action.Ending, because error: String? = nil, at now: Moment
    ) {
        endRequestWithJob(at: now)
        noteUnfinished()
        if isTreeGone { history.attemptIsGone() }
        history.endNumbers()
        close(ending, outcome, because: error, at: now)
    }

    private var isTreeGone: Bool {
        switch phase {
        case .ending(let ending): ending.descendantsGone
        case .running: attempt?.neverRan == true
        case .idle, .clearing, .gathering, .choosing, .recording, .waiting, .closing, .finished:
            true
        }
    }

    /// We cannot go on, and what is on the disk stays as it is; only a status that we have written
    /// already is put right.
    mutating func refuseRun(_ message: String, at now: Moment) {
        close(.refused(message), nil, at: now)
    }
}

/// Gives up what only another attempt would need.
extension Supervisor {
    /// What our starter gave us for the job is held only as long as another attempt may need it: others
    /// may wait until it is closed.
    mutating func closeInherited() {
        if isClosing || stop?.restarts == false { input.closeInherited(&orders) }
    }
}
