import SuperviseFormats

/// Jobs that know nothing of us: what they write is taken up once it is complete, one after the
/// other, and a signal asks them for more.
extension Supervisor {
    var isWatching: Bool { !settings.watch.isEmpty }

    /// The job can be asked for a checkpoint: over a connection, or by a signal once it runs.
    var canAsk: Bool {
        guard let attempt else { return false }
        return !attempt.accepting.isEmpty
            || settings.requestSignal != nil && attempt.pid != nil
    }

    /// Nothing that the job completed is still to be taken up.
    var isSaved: Bool { commits.isEmpty && backlog.isEmpty && !isFlushingWatch }

    mutating func watched(_ files: [WatchedFile], at now: Moment) {
        if phase == .running, !files.isEmpty { attempt?.hang.signOfLife(at: now.counted) }
        for file in files where isTaken(file) {
            incomplete.completed(file.path)
            backlog.add(file)
        }
        passOverOlderFiles()
    }

    private mutating func isTaken(_ file: WatchedFile) -> Bool {
        switch phase {
        case .running:
            return file.wasMoved || attempt?.lastCloses.isBeforeKill(file.completedAt) != false
        case .gathering: return file.wasMoved
        case .ending(let ending):
            if file.wasMoved || wasClosedByWill(file, ending.end) { return true }
            let message =
                "\(file.path) was closed when the job died, and may be half written; it is not "
                + "taken (what is written under another name and then renamed always is)"
            orders.warn(message)
            return false
        case .idle, .clearing, .choosing, .recording, .waiting, .closing, .finished: return false
        }
    }

    private func wasClosedByWill(_ file: WatchedFile, _ end: JobEnd) -> Bool {
        attempt?.lastCloses.wasClosedByWill(
            at: file.completedAt, end: end, wasStopped: stop != nil) == true
    }

    /// Only one is under way at a time, so that a file that is written again while it waits is
    /// taken once; and none while a checkpoint is open, for numbers are finished in their order.
    mutating func takeWatched(at now: Moment) {
        switch phase {
        case .running, .gathering: break
        case .ending(let ending): if ending.commitsAbandoned { return }
        case .idle, .clearing, .choosing, .recording, .waiting, .closing, .finished: return
        }
        let hasDropped = backlog.dropRepeats(
            except: commits.isEmpty ? checkpoints.last?.id : nil)
        if passOverOlderFiles() || hasDropped, backlog.isEmpty { return concludeIfOver(at: now) }
        preferNewestFile()
        guard saves.open == nil,
            !committing.contains(where: { $0.watched != nil || $0.waitsForRoom })
        else { return }
        guard let file = backlog.takeNext(newestFirst: takesNewestFirst) else { return }
        let answered = file.isRepeat ? nil : requestAnswered(by: file)
        let id = nextID(step: file.isRepeat ? nil : stepOf(file))
        var order = commitOrder(
            id, reason: answered?.reason ?? .job,
            costFrom: answered?.madeAt?.counted ?? now.counted,
            nil, nil, at: now)
        // So that what was completed later is known to be newer.
        order.created = now.wall(at: file.completedAt)
        order.source = source(of: file)
        let source = Action.Source(
            path: file.path, mode: settings.watchMode,
            rule: file.isRepeat
                ? nil : RepeatRule(path: file.path, step: file.step, newest: checkpoints.last?.id),
            content: file.content)
        track(
            order, from: source, nil, request: answered?.number,
            securedAt: clock.reading(at: file.completedAt), watched: file, at: now)
    }

    private func requestAnswered(by file: WatchedFile) -> RequestBook.Named? {
        requestBook.answered(
            byFileOf: file.completedAt,
            isAnswered: requestBook.open.map(isAnswering) ?? false)
    }

    /// The request stays open: what was changed will be complete again.
    mutating func changedMeanwhile(_ file: WatchedFile, request: Int?, at now: Moment) {
        // Or it was only renamed, which may be reported later.
        backlog.isGone(file, wasRenamed: false)
        if phase == .running {
            orders.add(.watchAgain(file.path, was: file.content))
            reopen(request, at: now)
        } else {
            let message = "\(file.path) was changed while it was taken; it is not taken"
            orders.warn(message)
        }
    }

    /// The job would have ended by the signal, as one does that has not installed its handler yet.
    mutating func requestNotSent(_ reason: String, at now: Moment) {
        guard phase == .running, let open = requestBook.open, !isAnswering(open),
            let request = requestBook.notSent(reason, &orders)
        else { return }
        startInterval(at: now)
        if request.final { finalRequestEnded(made: false, at: now) }
    }

    mutating func flushWatch() {
        guard isWatching else { return }
        flushesOfWatch += 1
        orders.add(.flushWatch)
    }

    mutating func gather(since: Timestamp) {
        enter(.gathering)
        beginNames(from: kept.tip)
        flushesOfWatch += 1
        orders.add(.gatherWatched(since: since))
    }

    mutating func watchFlushed(at now: Moment) {
        flushesOfWatch = max(0, flushesOfWatch - 1)
        attempt?.lastCloses.isLeaderDone = true
        if case .ending(let ending) = phase, ending.descendantsGone, !isFlushingWatch,
            let request = requestBook.open, request.isBySignal, !isAnswering(request),
            backlog.isEmpty
        {
            endRequestWithJob(at: now)
        }
        concludeIfOver(at: now)
    }

    mutating func concludeGathering(at now: Moment) {
        guard phase == .gathering, isSaved else { return }
        gatherSince = nil
        orders.cancel(.stopDeadline)
        if stop != nil {
            finishStopped(at: now)
        } else {
            choose(at: now)
        }
    }
}
