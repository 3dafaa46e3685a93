import SuperviseFormats

/// The last files of a job: at a stop and at its end the newest is taken first, and what its death has
/// closed is not taken.
extension Supervisor {
    /// There may be time for one file only.
    var takesNewestFirst: Bool {
        if case .ending = phase { return true }
        return stop != nil
    }

    /// Gives up the copy of an older file, as a newer one is complete and somebody waits for our end.
    mutating func preferNewestFile() {
        guard stop != nil, let newest = backlog.newest,
            let older = committing.first(where: { $0.watched != nil }), let file = older.watched,
            older.request == nil, older.stage != .waitingForRoom, !older.isGivenUp,
            !newest.isRepeat, file.isRepeat || newest.completedAt > file.completedAt
        else { return }
        if older.stage == .waiting {
            // Else it is cancelled when the disk has its order again.
            if older.wasOrdered { return }
            _ = commits.drop(older.id)
            backlog.putFirst(file)
            return
        }
        commits.giveUp(older.id)
        orders.add(.cancelAdd(older.id))
    }

    /// After this one, older ones would get higher numbers.
    mutating func watchedCommitted(_ file: WatchedFile) {
        backlog.wasTaken(file)
        passOverOlderFiles()
    }

    /// - Returns: whether there were any.
    @discardableResult
    mutating func passOverOlderFiles() -> Bool {
        guard takesNewestFirst else { return false }
        let older = backlog.passOverOlder()
        guard !older.isEmpty else { return false }
        let names = older.prefix(3).map(\.path.text).joined(separator: ", ")
        let more = older.count > 3 ? " and \(older.count - 3) more" : ""
        let message =
            "\(names)\(more): not taken, as the attempt ends and a newer file was taken first"
        orders.warn(message)
        return true
    }

    /// An order to take a watched file has ended without a checkpoint, and nothing is wrong: the
    /// request that it would have answered stays open.
    mutating func notAdded(_ id: CheckpointID, _ reason: Event.NotAdded, at now: Moment) {
        guard let commit = commits.drop(id) else { return }
        switch reason {
        case .gone:
            if let file = commit.watched { backlog.isGone(file, wasRenamed: commit.isRenamed) }
        case .sameAs(let known): if let file = commit.watched { takeBeside(file, known) }
        // Should the newer one fail, this one is still there.
        case .cancelled: if let file = commit.watched { backlog.putFirst(file) }
        }
        passOverOlderFiles()
        reopen(commit.request, at: now)
        concludeIfOver(at: now)
    }

    /// What was to answer it has not become a checkpoint.
    mutating func reopen(_ request: Int?, at now: Moment) {
        guard phase == .running else { return }
        if let open = requestBook.open, open.number == request, !open.final {
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
        if !orders.isSet(.interval) { startInterval(at: now) }
    }

    /// A payload that stays where the job wrote it is lost with that place. Where the job keeps the
    /// content under another name, a checkpoint of that is as good. It has a higher number than all
    /// others, so that is done for the newest one only.
    mutating func takeBeside(_ file: WatchedFile, _ known: CheckpointID) {
        guard settings.watchMode.leavesOriginal, !file.isRepeat else { return }
        var file = file
        file.repeats = known
        backlog.putFirst(file)
    }

    /// A file that waits, or is being taken, has another name now.
    mutating func watchedRenamed(from old: FilePath, to new: FilePath) {
        backlog.rename(old, to: new)
        commits.rename(old, to: new)
    }

    /// A payload is no longer in its place: if it is that of the newest checkpoint, or of one that is being
    /// made, it is taken where it is now.
    mutating func payloadMoved(from old: FilePath, to new: FilePath, at now: Moment) {
        commits.hasLeft(old, new)
        guard let newest = checkpoints.last, FilePath(newest.path) == old else { return }
        takeBeside(
            WatchedFile(path: new, step: nil, completedAt: now.instant, wasMoved: true), newest.id)
    }

    /// Before a signal that may end its receiver: whether it does. After it, that cannot be seen.
    mutating func noteFatalSignals(at now: Moment) {
        for action in orders.actions { signals.note(action, at: now.instant) }
        guard isWatching, attempt != nil else { return }
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

    mutating func handlersFound(_ hearers: LastCloses.Hearers, _ handle: Bool) {
        switch hearers {
        case .leader: attempt?.lastCloses.leaderHandlesTermination = handle
        case .descendants: attempt?.lastCloses.descendantsHandleTermination = handle
        }
    }
}
