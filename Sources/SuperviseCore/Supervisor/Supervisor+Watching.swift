import SuperviseFormats

/// Jobs that know nothing of us: what they write is taken up once it is complete, one after the
/// other, and a signal asks them for more.
extension Supervisor {
    /// The job can be asked for a checkpoint: over a connection, or by a signal once it runs.
    var canAsk: Bool {
        guard let attempt else { return false }
        return !attempt.accepting.isEmpty
            || settings.requestSignal != nil && attempt.pid != nil
    }

    /// Nothing that the job completed is still to be taken up.
    var isSaved: Bool { commits.isEmpty && watch.isDone }

    package var namedSteps: NamedSteps { watch.names }

    /// There may be time for one file only.
    var takesNewestFirst: Bool {
        if case .ending = phase { return true }
        return stop != nil
    }

    mutating func watched(_ files: [WatchedFile], at now: Moment) {
        if phase == .running, !files.isEmpty { attempt?.hang.signOfLife(at: now.counted) }
        let taking: WatchQueue.Taking =
            switch phase {
            case .running: .running(attempt?.lastCloses)
            case .gathering: .gathering
            case .ending(let ending):
                .ending(attempt?.lastCloses, ending.end, wasStopped: stop != nil)
            case .idle, .clearing, .choosing, .recording, .waiting, .closing, .finished: .nothing
            }
        watch.found(files, taking, &orders)
        passOverOlderFiles()
    }

    mutating func passOverOlderFiles() {
        if takesNewestFirst { watch.passOverOlder(&orders) }
    }

    /// Only one is under way at a time, so that a file that is written again while it waits is
    /// taken once; and none while a checkpoint is open, for numbers are finished in their order.
    mutating func takeWatched(at now: Moment) {
        switch phase {
        case .running, .gathering: break
        case .ending(let ending): if ending.commitsAbandoned { return }
        case .idle, .clearing, .choosing, .recording, .waiting, .closing, .finished: return
        }
        let isEmptied = watch.dropRepeats(except: commits.isEmpty ? checkpoints.last?.id : nil)
        let isPassedOver = takesNewestFirst && watch.passOverOlder(&orders)
        if isEmptied || isPassedOver { return concludeIfOver(at: now) }
        preferNewestFile()
        guard saves.open == nil,
            !committing.contains(where: { $0.watched != nil || $0.waitsForRoom }),
            let file = watch.takeNext(newestFirst: takesNewestFirst)
        else { return }
        let answered = file.isRepeat ? nil : requestAnswered(by: file)
        let id = nextID(step: step(of: file))
        var order = commitOrder(
            id, reason: answered?.reason ?? .job,
            costFrom: answered?.madeAt?.counted ?? now.counted,
            nil, nil, at: now)
        // So that what was completed later is known to be newer.
        order.created = now.wall(at: file.completedAt)
        order.source = watch.lastingPath(of: file)
        let source = watch.source(of: file, newest: checkpoints.last?.id)
        track(
            order, from: source, nil, request: answered?.number,
            securedAt: clock.reading(at: file.completedAt), watched: file, at: now)
    }

    private mutating func step(of file: WatchedFile) -> Int64? {
        let hadEnded = watch.names.trust == .ended
        let step = watch.step(of: file, &orders)
        history.setTrust(inNames: watch.names.trust)
        if watch.names.trust == .ended, !hadEnded { history.endSteps() }
        return step
    }

    private func requestAnswered(by file: WatchedFile) -> RequestBook.Named? {
        requestBook.answered(
            byFileOf: file.completedAt,
            isAnswered: requestBook.open.map(isAnswering) ?? false)
    }

    /// The job would have ended by the signal, as one does that has not installed its handler yet.
    mutating func requestNotSent(_ reason: String, at now: Moment) {
        guard phase == .running, let open = requestBook.open, !isAnswering(open),
            let request = requestBook.notSent(reason, &orders)
        else { return }
        startInterval(at: now)
        if request.final { finalRequestEnded(made: false, at: now) }
    }

    mutating func gather(since: Timestamp) {
        enter(.gathering)
        watch.gather(since: since, from: kept.tip.flatMap { kept.step(behind: $0) }, &orders)
    }

    mutating func watchFlushed(at now: Moment) {
        watch.flushed()
        attempt?.lastCloses.leaderIsDone()
        if case .ending(let ending) = phase, ending.descendantsGone, watch.isDone,
            let request = requestBook.open, request.isBySignal, !isAnswering(request)
        {
            endRequestWithJob(at: now)
        }
        concludeIfOver(at: now)
    }

    mutating func concludeGathering(at now: Moment) {
        guard phase == .gathering, isSaved else { return }
        orders.cancel(.stopDeadline)
        if stop != nil {
            finishStopped(at: now)
        } else {
            choose(at: now)
        }
    }
}

/// What comes of a file that is being taken.
extension Supervisor {
    /// Gives up the copy of an older file, as a newer one is complete and somebody waits for our end.
    mutating func preferNewestFile() {
        guard stop != nil, let newest = watch.newest,
            let older = committing.first(where: { $0.watched != nil }), let file = older.watched,
            older.request == nil, older.stage != .waitingForRoom, !older.isGivenUp,
            !newest.isRepeat, file.isRepeat || newest.completedAt > file.completedAt
        else { return }
        if older.stage == .waiting {
            // Else it is cancelled when the disk has its order again.
            if older.wasOrdered { return }
            _ = commits.drop(older.id)
            watch.putFirst(file)
            return
        }
        commits.giveUp(older.id)
        orders.add(.cancelAdd(older.id))
    }

    /// An order to take a watched file has ended without a checkpoint, and nothing is wrong: the
    /// request that it would have answered stays open.
    mutating func notAdded(_ id: CheckpointID, _ reason: Event.NotAdded, at now: Moment) {
        guard let commit = commits.drop(id) else { return }
        if let file = commit.watched {
            watch.notTaken(file, reason, isRenamed: commit.isRenamed)
        }
        passOverOlderFiles()
        reopen(commit.request, at: now)
        concludeIfOver(at: now)
    }

    /// What was to answer it has not become a checkpoint: it is waited for, unless another one answers it.
    mutating func reopen(_ request: Int?, at now: Moment) {
        guard phase == .running else { return }
        if let open = requestBook.open, open.number == request, !open.final,
            !commits.answers(open.number)
        {
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
        if !orders.isSet(.interval) { startInterval(at: now) }
    }

    /// The request stays open: what was changed will be complete again.
    mutating func changedMeanwhile(_ file: WatchedFile, request: Int?, at now: Moment) {
        watch.hasChanged(file)
        if phase == .running {
            orders.add(.watchAgain(file.path, was: file.content))
            reopen(request, at: now)
        } else {
            let message = "\(file.path) was changed while it was taken; it is not taken"
            orders.warn(message)
        }
    }

    /// A file that waits, or is being taken, has another name now.
    mutating func watchedRenamed(from old: FilePath, to new: FilePath) {
        watch.rename(old, to: new)
        commits.rename(old, to: new)
    }

    /// A payload is no longer in its place: if it is that of the newest checkpoint, or of one that is being
    /// made, it is taken where it is now.
    mutating func payloadMoved(from old: FilePath, to new: FilePath, at now: Moment) {
        commits.hasLeft(old, new)
        guard let newest = checkpoints.last, FilePath(newest.path) == old else { return }
        watch.takeBeside(
            WatchedFile(path: new, step: nil, completedAt: now.instant, wasMoved: true), newest.id)
    }
}

/// What may end processes of the job while they write: see ``LastCloses``.
extension Supervisor {
    /// Before a signal that may end its receiver: whether it does. After it, that cannot be seen.
    mutating func noteFatalSignals(at now: Moment) {
        for action in orders.actions { signals.note(action, at: now.instant) }
        guard watch.isWatching, attempt != nil else { return }
        for action in orders.actions {
            switch action {
            case .signalLeader(Self.sigterm): attempt?.lastCloses.wasTerminated(at: now.instant)
            case .killEverything:
                attempt?.lastCloses.wasKilled(at: now.instant, leaderRuns: phase == .running)
            default: break
            }
        }
        orders.insert { action in
            switch action {
            case .signalLeader(Self.sigterm): .lookForHandlers(.leader)
            case .endDescendants(.politely): .lookForHandlers(.descendants)
            default: nil
            }
        }
    }
}
