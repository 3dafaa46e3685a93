import SuperviseFormats

/// From the first event to a running job: leftovers, the choice, the record, the spawn.
extension Supervisor {
    mutating func start(at now: Moment) {
        guard phase == .idle else { return }
        countMachineFailure(at: now)
        if case .checkpoint(let id) = settings.resumeFrom {
            guard kept.contains(id) || resumePoint.damaged.contains(where: { $0.id == id }) else {
                refuseRun(resumePoint.nothingGood(record), at: now)
                return
            }
            history.trust(id)
        }
        if mayHaveLeftovers {
            enter(.clearing)
            troubles.searchForLeftovers(&orders)
            orders.set(.abandon, after: settings.stopTimeout, at: now)
        } else {
            choose(at: now)
        }
    }

    private mutating func countMachineFailure(at now: Moment) {
        guard let (lost, failure) = history.takeUp(at: now.wall) else { return }
        watch.attemptWasLost(since: lost.started)
        orders.log(
            .failed(
                .init(
                    failure: failure, ran: 0, count: record.failures.withoutProgress,
                    limit: settings.maxFailures, backoff: 0)))
    }

    mutating func leftoversUnseen(_ reason: String, ended: [String], at now: Moment) {
        guard phase == .clearing else { return }
        troubles.leftoversUnseen(reason, ended: ended, at: now, &orders)
    }

    mutating func leftoversEnded(_ processes: [String], at now: Moment) {
        guard phase == .clearing else { return }
        troubles.leftoversEnded(processes, at: now, &orders)
        orders.cancel(.abandon)
        if stop != nil {
            finishStopped(at: now)
        } else if settings.resumeFrom == .newest,
            let since = watch.untaken(after: checkpoints.last?.created)
        {
            gather(since: since)
        } else {
            choose(at: now)
        }
    }

    mutating func choose(at now: Moment) {
        let choice = resumePoint.choose(
            from: kept.all, history, rollbackAfter: settings.rollbackAfter)
        switch choice {
        case .beginning:
            prepareAttempt(resume: nil, metadata: [:], at: now)
        case .checkpoint(let id):
            enter(.choosing(id))
            kept.cancelCompression(of: id, &orders)
            orders.add(.verify(id, trusting: resumePoint.trusts(id, of: kept.all)))
        case .nothingGood:
            refuseRun(resumePoint.nothingGood(record), at: now)
        }
    }

    mutating func verifying(_ id: CheckpointID, _ progress: Event.VerificationProgress) {
        guard phase == .choosing(id), progress.total > 0 else { return }
        self.progress.verifying(id, progress, &orders)
        publisher.noteChange()
    }

    mutating func verified(_ id: CheckpointID, _ result: Event.Verification, at now: Moment) {
        guard phase == .choosing(id) else { return }
        progress.verificationEnded()
        switch result {
        case .good(let metadata):
            prepareAttempt(resume: kept.broughtBack(id), metadata: metadata, at: now)
        case .bad(let reason):
            kept.takeOut(id)
            history.trust(id)
            resumePoint.foundBad(id, reason)
            choose(at: now)
        case .unreadable(let message):
            refuseRun(message, at: now)
        case .shortage(let message):
            waitForMachine(message, at: now)
        }
    }

    /// It has ended, or was taken back.
    mutating func forgetAttempt() {
        attempt = nil
        requestBook.attemptIsOver()
    }

    private mutating func prepareAttempt(
        resume: CheckpointSummary?, metadata: [String: JSONValue], at now: Moment
    ) {
        resumePoint.goOn(from: resume?.id, of: kept.all, history, &orders)
        let former = record.attempt
        watch.attemptBegins(from: resume.flatMap { kept.step(behind: $0) })
        requestBook.attemptIsOver()
        saves.attemptBegins()
        kept.branch(
            from: resume?.id, next: record.sequence + 1,
            isAsked: resumePoint.isAsked(of: kept.all))
        history.setBranches(kept.lineage.forks)
        progress.attemptBegins()
        let token = history.beginAttempt(secret: random.next(), from: resume?.id, at: now.wall)
        signals.beginAttempt()
        attempt = Attempt(
            number: record.attempt, formerNumber: former, token: token, resume: resume,
            metadata: metadata, lastFailure: history.lastFailure,
            hang: HangWatch(settings, attempt: record.attempt), at: now.counted)
        orders.add(.record(record, confirm: history.isFirstSpawn))
        let order = Action.SpawnOrder(
            attempt: record.attempt, token: token, resume: resume,
            lastFailure: history.lastFailure?.kind)
        if !history.mayStart {
            enter(.recording(order))
        } else {
            spawn(order, at: now)
        }
    }

    mutating func recorded(at now: Moment) {
        guard case .recording(let order) = phase else { return }
        history.isRecorded()
        spawn(order, at: now)
    }

    private mutating func spawn(_ order: Action.SpawnOrder, at now: Moment) {
        history.isStarted()
        enter(.running)
        input.prepare(for: order.attempt, &orders)
        orders.add(.holdRecords)
        orders.set(.records, after: ShellBounds.recordsDuringExec, at: now)
        orders.add(.spawn(order))
    }

    /// The start is over, or records no longer wait for it. They wait while the timer is set.
    mutating func releaseRecords() {
        guard orders.isSet(.records) else { return }
        orders.cancel(.records)
        orders.add(.releaseRecords)
    }

    mutating func spawned(_ pid: Int, at now: Moment) {
        guard phase == .running, let attempt else { return }
        releaseRecords()
        let held = signals.take()
        troubles.started(record.attempt, at: now, &orders)
        input.attemptRan()
        orders.log(
            .attemptStarted(
                .init(
                    attempt: attempt.number, resumedFrom: attempt.resume?.id,
                    bytes: attempt.resume?.bytes ?? 0,
                    verified: attempt.resume == nil ? nil : settings.verify)))
        self.attempt?.started(pid)
        startWaiters.started(attempt.number, at: now.counted)
        for number in held { orders.add(.signalLeader(number)) }
        if stop?.stage == .killing { orders.add(.killEverything) }
        if isPaused { orders.add(.pauseJob) }
        if !orders.isSet(.interval) { startInterval(at: now) }
        room.tendArchives(&orders)
        // Not before: until here any checkpoint may be needed to go on from.
        if saves.takeDiedSaving(), stop == nil {
            _ = suspectShortage(isTold: false, error: ProtocolError(.noSpace, "the disk is full"))
        }
    }

    /// At the start we do not run what we could not find again; later the job goes on.
    mutating func recordFailed(_ message: String, at now: Moment) {
        if case .recording = phase, history.isFirstSpawn {
            refuseRun("the run record cannot be written: \(message)", at: now)
        } else {
            troubles.recordFailed(message, at: now, &orders)
        }
    }

    mutating func backoffPassed(at now: Moment) {
        guard case .waiting = phase else { return }
        choose(at: now)
    }
}

/// A start of the job that failed: the command's fault, the system's, or a shortage of the machine.
extension Supervisor {
    mutating func spawnFailed(_ failure: Event.SpawnFailure, at now: Moment) {
        guard phase == .running, let attempt else { return }
        releaseRecords()
        self.attempt?.couldNotStart()
        let (status, message): (Int32, String)
        switch failure {
        case .notFound(let text): (status, message) = (127, text)
        case .notExecutable(let text): (status, message) = (126, text)
        case .system(let text): (status, message) = (125, text)
        case .shortage(let text): return startRefused(text, hasBegun: false, at: now)
        case .unwatched(let text): return startRefused(text, hasBegun: true, at: now)
        }
        troubles.startFailed()
        signals.forget()
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            orders.warn(message)
            finishStopped(at: now)
        } else if attempt.number == 1, status != 125 {
            finish(
                Outcome(kind: .failed, exitCode: Int(status)), .failed(status: status),
                because: message, at: now)
        } else {
            orders.warn(message)
            countFailure(.spawn, end: .exited(Int(status)), at: now)
        }
    }

    /// The machine is short of something: no failure of anybody, and tried again.
    ///
    /// - Parameter hasBegun: the command may have seen its number.
    private mutating func startRefused(_ message: String, hasBegun: Bool, at now: Moment) {
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            orders.warn(message)
            return finishStopped(at: now)
        }
        waitForMachine(message, hasBegun: hasBegun, at: now)
    }

    /// The same for the record of the first attempt.
    mutating func recordRefused(_ message: String, at now: Moment) {
        if case .recording = phase, history.isFirstSpawn {
            waitForMachine("the run record cannot be written: \(message)", at: now)
        } else {
            troubles.recordFailed(message, at: now, &orders)
        }
    }

    /// Goes on with the choice of a checkpoint once it is tried again.
    mutating func waitForMachine(_ message: String, hasBegun: Bool = false, at now: Moment) {
        let jitter = Double.random(in: -1...1, using: &random)
        switch troubles.startRefused(message, at: now, jitter: jitter, &orders) {
        case .wait(let wait, _):
            takeBackAttempt(hasBegun: hasBegun)
            waitToRestart(wait, at: now)
        case .giveUp(let time):
            if attempt != nil {
                takeBackAttempt(hasBegun: hasBegun)
                history.endNumbers()
                orders.add(.record(record, confirm: false))
            }
            refuseRun("\(message); tried for \(MachineTroubles.seconds(time))", at: now)
        }
    }

    /// It counts for none: the record knows of none, and if it has not begun, the next one has its number.
    private mutating func takeBackAttempt(hasBegun: Bool) {
        guard let attempt else { return }
        if !hasBegun { startWaiters.takeBack(attempt.number) }
        history.takeBackAttempt(
            to: attempt.formerNumber, hasBegun: hasBegun, waitsForRecord: !troubles.hasStarted)
        forgetAttempt()
    }
}

/// What is tried again.
extension Supervisor {
    mutating func againTimePassed(at now: Moment) {
        let living: Int? =
            switch phase {
            case .running: attempt?.number
            case .ending(let ending): ending.descendantsGone ? nil : attempt?.number
            case .idle, .clearing, .gathering, .choosing, .recording, .waiting, .closing,
                .finished:
                nil
            }
        troubles.againTimePassed(
            isClearing: phase == .clearing, attempt: living, record: isClosing ? nil : record,
            at: now, &orders)
    }

    /// - Parameter reserved: no later supervisor gives numbers up to this one to an attempt.
    mutating func recordWritten(reserving reserved: Int, at now: Moment) {
        troubles.recordWritten(at: now, &orders)
        history.isRecorded(reserving: reserved)
        guard case .recording(let order) = phase, history.mayStart else { return }
        spawn(order, at: now)
    }
}
