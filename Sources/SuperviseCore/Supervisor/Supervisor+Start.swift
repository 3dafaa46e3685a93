import SuperviseFormats

/// From the first event to a running job: leftovers, the choice, the record, the spawn.
extension Supervisor {
    mutating func start(at now: Moment) {
        guard phase == .idle else { return }
        countMachineFailure(at: now)
        if case .checkpoint(let id) = settings.resumeFrom {
            guard (checkpoints.map(\.id) + damaged.map(\.id)).contains(id) else {
                refuseRun(nothingGoodMessage, at: now)
                return
            }
            record.failures.suspects[id.description] = nil
        }
        if mayHaveLeftovers {
            phase = .clearing
            troubles.searchForLeftovers(&orders)
            orders.set(.abandon, after: settings.stopTimeout, at: now)
        } else {
            choose(at: now)
        }
    }

    /// The last attempt has not ended, so the supervisor or the machine died under it. After a
    /// clean end an attempt only stands there because something of it was left behind.
    private mutating func countMachineFailure(at now: Moment) {
        if record.outcome != nil {
            record.outcome = nil
            record.current = nil
            record.failures.withoutProgress = 0
            record.failures.suspects = [:]
            record.progress.sameEnds = nil
        }
        // Also where the run was stopped, or given up, before the next attempt began.
        if let last = record.failures.last, last.attempt == record.attempt { lastFailure = last }
        guard let lost = record.current else { return }
        watch.attemptWasLost(since: lost.started)
        let failure = Failure(
            attempt: record.attempt, kind: .machine, at: now.wall, lostSeconds: 0)
        record.current = nil
        record.failures.total += 1
        record.experience.failures += 1
        record.failures.last = failure
        lastFailure = failure
        if !lost.progressed, let from = lost.resumedFrom {
            record.failures.suspects[from.description, default: 0] += 1
        }
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
        let choice = ResumeChoice.choose(
            from: checkpoints.map(\.id), scope: settings.resumeFrom,
            startSequence: startSequence, suspects: record.failures.suspects,
            rollbackAfter: settings.rollbackAfter, everCommitted: record.commits > 0)
        switch choice {
        case .beginning:
            prepareAttempt(resume: nil, metadata: [:], at: now)
        case .checkpoint(let id):
            phase = .choosing(id)
            // Everything is read at the first resume, and after a roll-back.
            let isNewest = id == candidates.last && damaged.isEmpty
            let trusting = hasResumed && isNewest
            if compression.current == id { cancelCompression() }
            orders.add(.verify(id, trusting: trusting))
        case .nothingGood:
            refuseRun(nothingGoodMessage, at: now)
        }
    }

    private var nothingGoodMessage: String {
        if case .checkpoint(let id) = settings.resumeFrom {
            return "there is no good checkpoint \(id) to resume from; "
                + "supervise checkpoints \(record.name) list shows which there are"
        }
        let newest = damaged.max { $0.id < $1.id }
        let example = newest.map { " (\($0.id): \($0.reason))" } ?? ""
        return "run \(record.name) has committed \(record.commits) checkpoints and none of them "
            + "can be used\(example); to begin from the beginning all the same: "
            + "--resume-from none"
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
            let index = checkpoints.firstIndex { $0.id == id }
            // It was brought back for the job.
            if let index { checkpoints[index].compressedBytes = nil }
            prepareAttempt(resume: index.map { checkpoints[$0] }, metadata: metadata, at: now)
        case .bad(let reason):
            checkpoints.removeAll { $0.id == id }
            record.failures.suspects[id.description] = nil
            damaged.append(Damaged(id: id, reason: reason))
            choose(at: now)
        case .unreadable(let message):
            refuseRun(message, at: now)
        case .shortage(let message):
            waitForMachine(message, at: now)
        }
    }

    private mutating func setBadOnesAside() {
        for bad in damaged {
            orders.add(.setAside(bad.id, reason: bad.reason))
            orders.log(.setAside(.init(id: bad.id, reason: bad.reason)))
        }
        setAside = (setAside + damaged).sorted { $0.id < $1.id }.suffix(2)
        damaged = []
    }

    private mutating func prepareAttempt(
        resume: CheckpointSummary?, metadata: [String: JSONValue], at now: Moment
    ) {
        if let resume {
            setBadOnesAside()
            hasResumed = true
            tellOfStepBack(to: resume.id)
        }
        let former = record.attempt
        lastResumed = resume?.id
        hasChosen = true
        watch.attemptBegins(from: resume, among: checkpoints)
        branch(from: resume?.id)
        progress.attemptBegins()
        record.attempt = numbers.give()
        record.attemptsReserved = numbers.reserved
        let token = record.runToken + hexadecimal(random.next())
        record.current = RunRecord.Attempt(
            token: token, resumedFrom: resume?.id, started: now.wall, progressed: false)
        attempt = Attempt(
            number: record.attempt, formerNumber: former, token: token, resume: resume,
            metadata: metadata,
            startedAt: now.counted, lastFailure: lastFailure, parent: resume?.id,
            securedAt: now.counted,
            hang: HangWatch(HangWatch.Limits(settings)))
        orders.add(.record(record, confirm: isFirstSpawn))
        let order = Action.SpawnOrder(
            attempt: record.attempt, token: token, resume: resume,
            lastFailure: lastFailure?.kind)
        if isFirstSpawn || !numbers.mayStart(order.attempt) {
            phase = .recording(order)
        } else {
            spawn(order)
        }
    }

    mutating func recorded(at now: Moment) {
        guard case .recording(let order) = phase else { return }
        numbers.recorded(numbers.reserved)
        spawn(order)
    }

    mutating func spawn(_ order: Action.SpawnOrder) {
        isFirstSpawn = false
        phase = .running
        input.prepare(for: order.attempt, &orders)
        orders.add(.spawn(order))
    }

    mutating func spawned(_ pid: Int, at now: Moment) {
        guard phase == .running, let attempt else { return }
        let held = heldSignals.take() + attempt.heldSignals
        troubles.started(record.attempt, at: now, &orders)
        input.attemptRan()
        orders.log(
            .attemptStarted(
                .init(
                    attempt: attempt.number, resumedFrom: attempt.resume?.id,
                    bytes: attempt.resume?.bytes ?? 0,
                    verified: attempt.resume == nil ? nil : settings.verify)))
        self.attempt?.pid = pid
        startWaiters.started(attempt.number, at: now.counted)
        self.attempt?.heldSignals = []
        for number in held { orders.add(.signalLeader(number)) }
        if stop?.stage == .killing { orders.add(.killEverything) }
        if isPaused { orders.add(.pauseJob) }
        if !orders.isSet(.interval) { startInterval(at: now) }
        tendArchives()
        // Not before: until here any checkpoint may be needed to go on from.
        if diedSaving, stop == nil {
            _ = suspectShortage(isTold: false, error: ProtocolError(.noSpace, "the disk is full"))
        }
        diedSaving = false
    }

    /// At the start we do not run what we could not find again; later the job goes on.
    mutating func recordFailed(_ message: String, at now: Moment) {
        if case .recording = phase, isFirstSpawn {
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

/// 16 hexadecimal digits.
private func hexadecimal(_ bits: UInt64) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let places = stride(from: 60, through: 0, by: -4)
    return String(decoding: places.map { digits[Int(bits >> $0 & 15)] }, as: UTF8.self)
}
