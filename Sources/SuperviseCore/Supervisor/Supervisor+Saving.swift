import SuperviseFormats

/// Checkpoints on their way: begun, then committed, or added, or given up.
extension Supervisor {
    mutating func begin(_ begin: JobMessage.Begin, _ sender: Sender, at now: Moment) {
        if let open = saves.open {
            guard open.connection == sender.connection else {
                orders.refuse(
                    sender, .conflict, "checkpoint \(open.id) is open; commit or abort it first")
                return
            }
            if let earlier = saves.takeBegin() {
                orders.refuse(
                    earlier, .conflict, "another begin on this connection took its place")
            }
            noteDropped(open, .begunAgain, at: now)
            drop(open, at: now)
        }
        guard makesWay(for: sender), isSaving(sender) else { return }
        let held = HeldBegin(message: begin, sender: sender, at: now.counted)
        if commits.admits(purpose(ofBegin: begin.request)) {
            open(held, at: now)
        } else {
            saves.hold(held)
        }
    }

    private static let isHeld =
        "the answer to another begin is held back until an earlier checkpoint is durable; "
        + "try again later"

    /// A `begin` is held back by one that is: of the same connection, the new one takes its place.
    ///
    /// - Returns: false where the new one was refused.
    private mutating func makesWay(for sender: Sender) -> Bool {
        guard let held = saves.held else { return true }
        guard held.connection == sender.connection else {
            orders.refuse(sender, .conflict, Self.isHeld)
            return false
        }
        _ = saves.takeHeld()
        orders.refuse(held.sender, .conflict, "another begin on this connection took its place")
        return true
    }

    /// What a checkpoint would be for that is begun with this request.
    private func purpose(ofBegin number: Int?) -> CommitQueue.Purpose {
        guard let request = requestBook.open, request.final, !isAnswering(request) else {
            return .ordinary
        }
        return number == request.number ? .final : .perhapsFinal
    }

    /// After every event: answers the `begin` that is held back, once there is a place or nothing new is
    /// begun any more.
    mutating func beginHeld(at now: Moment) {
        guard phase == .running, let held = saves.held, saves.open == nil else { return }
        guard stop == nil || stop?.stage == .asking else {
            _ = saves.takeHeld()
            _ = isSaving(held.sender)
            return
        }
        guard commits.admits(purpose(ofBegin: held.request)) else { return }
        _ = saves.takeHeld()
        open(held, at: now)
    }

    /// The job has had to wait since it said so.
    private mutating func open(_ held: HeldBegin, at now: Moment) {
        let request = named(held.request)
        requestBook.answerLate(request.number)
        let id = nextID(step: held.message.step)
        saves.begin(id, held, request)
        orders.add(.makeStaging(id))
        if request.isOpen, let open = requestBook.open, !open.final, !isAnswering(open) {
            requestBook.isBegun()
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
    }

    mutating func stagingMade(_ id: CheckpointID, path: String) {
        guard saves.open?.id == id, let begin = saves.takeBegin() else { return }
        orders.answer(.began(.init(id: id, path: path)), to: begin)
    }

    mutating func commit(_ commit: JobMessage.Commit, _ sender: Sender, at now: Moment) {
        guard let open = saves.open, open.id == commit.id, open.begin == nil,
            open.connection == sender.connection
        else {
            orders.refuse(sender, .unknownCheckpoint, "\(commit.id) is not open on this connection")
            return
        }
        saves.close()
        let written = (now.counted - open.beganAt).seconds
        history.saved(seconds: written)
        var named = self.named(commit.request)
        if !named.isOpen, open.request != nil, open.request == requestBook.open?.number {
            // It names an older one here; what `begin` named is answered as well.
            requestBook.answerLate(named.number)
            named = RequestBook.Named(reason: open.reason)
        }
        let order = commitOrder(
            open.id, reason: named.number == nil ? open.reason : named.reason,
            costFrom: named.madeAt?.counted ?? open.costFrom, commit.metrics, commit.metadata,
            at: now)
        let held = max(blocked(commit.blocked, at: now), written)
        // What held it up before `begin` was no wait for it to look.
        let wait = open.wait.map { max(0, $0.seconds - (held - written)) }
        track(
            order, sender, request: named.number ?? open.request, securedAt: open.beganAt,
            saving: .init(held: held, wait: wait), at: now)
    }

    mutating func add(_ add: JobMessage.Add, _ sender: Sender, at now: Moment) {
        if let open = saves.open {
            orders.refuse(
                sender, .conflict, "checkpoint \(open.id) is open; commit or abort it first")
            return
        }
        guard saves.held == nil else {
            orders.refuse(sender, .conflict, Self.isHeld)
            return
        }
        guard let mode = AddMode(rawValue: add.mode ?? "copy") else {
            let modes = AddMode.allCases.map(\.rawValue).joined(separator: ", ")
            orders.refuse(
                sender, .badMessage, "\"\(add.mode ?? "")\" is no mode; use one of \(modes)")
            return
        }
        guard add.path.utf8.first == UInt8(ascii: "/") else {
            orders.refuse(sender, .badPath, "\(add.path) is not an absolute path")
            return
        }
        guard isSaving(sender) else { return }
        let request = named(add.request)
        let id = nextID(step: add.step)
        let order = commitOrder(
            id, reason: request.reason, costFrom: request.madeAt?.counted ?? now.counted,
            add.metrics,
            add.metadata, at: now)
        let source = Action.Source(path: FilePath(add.path), mode: mode)
        let held = blocked(add.blocked, at: now)
        let wait = request.madeAt.map { max(0, (now.counted - $0.counted).seconds - held) }
        track(
            order, from: source, sender, request: request.number, securedAt: now.counted,
            saving: .init(held: held, wait: wait), at: now)
    }

    /// What a job says of itself, within what can be.
    private func blocked(_ seconds: Double?, at now: Moment) -> Double {
        guard let attempt, let seconds, seconds.isFinite else { return 0 }
        return min(max(0, seconds), (now.counted - attempt.startedAt).seconds)
    }

    mutating func abort(_ abort: JobMessage.Abort, _ sender: Sender, at now: Moment) {
        let id = abort.id
        guard let open = saves.open, open.id == id, open.connection == sender.connection else {
            orders.refuse(sender, .unknownCheckpoint, "\(id) is not open on this connection")
            return
        }
        if let begin = open.begin {
            orders.refuse(begin, .conflict, "checkpoint \(id) was aborted")
        }
        if open.request == nil {
            let error = abort.error?.bounded ?? "the job gave no reason"
            let reason = "the job aborted it: \(error)"
            orders.log(.checkpointFailed(.init(id: id, request: nil, error: reason)))
            countOwnFailure(id, reason, at: now)
        }
        drop(open, at: now)
        orders.answer(.aborted, to: sender)
        _ = suspectShortage(
            isTold: abort.code == JobMessage.noSpace, aborted: open.request,
            error: ProtocolError(.noSpace, "the disk is full"))
    }

    mutating func drop(_ open: OpenCheckpoint, at now: Moment) {
        saves.close()
        orders.add(.dropStaging(open.id))
        // The interval may have ended while it was open.
        if !orders.isSet(.interval) { startInterval(at: now) }
    }

    /// After `stop` nothing new is begun.
    mutating func isSaving(_ sender: Sender) -> Bool {
        guard stop == nil || stop?.stage == .asking else {
            orders.refuse(sender, .stopping, "the run is stopping; nothing new is saved")
            return false
        }
        return true
    }

    private func named(_ number: Int?) -> RequestBook.Named {
        guard attempt != nil else { return RequestBook.Named(reason: .job) }
        return requestBook.named(number, again: shortage?.again)
    }

    mutating func nextID(step: Int64?) -> CheckpointID {
        let sequence = history.giveSequence()
        orders.add(.record(record, confirm: false))
        return CheckpointID(sequence: sequence, step: step)
    }

    mutating func commitOrder(
        _ id: CheckpointID, reason: Manifest.Reason, costFrom: Instant, _ metrics: Metrics?,
        _ metadata: [String: JSONValue]?, at now: Moment
    ) -> CommitOrder {
        progress.warnOfDropped(metrics, &orders)
        let base = phase == .gathering ? kept.tip?.id : attempt?.parent
        let parent = [commits.newest, base].compactMap { $0 }.max()
        return CommitOrder(
            id: id, reason: reason, attempt: attempt?.number ?? record.attempt, parent: parent,
            created: now.wall, secondsSoFar: (now.counted - costFrom).seconds,
            metrics: metrics?.values ?? [:], metadata: metadata ?? [:],
            progress: progress.ofCheckpoint(id.step, lastStep: attempt?.lastStep))
    }

    mutating func track(
        _ order: CommitOrder, from added: Action.Source? = nil, _ sender: Sender?,
        request: Int?, securedAt: Instant, watched: WatchedFile? = nil,
        saving: Committing.Saving? = nil, at now: Moment
    ) {
        // Whether a watched file is an answer is known when it has become a checkpoint.
        if watched == nil { requestBook.answerLate(request) }
        let isOpen = request != nil && requestBook.open?.number == request
        commits.append(
            Committing(
                order: order, added: added, attempt: order.attempt, sender: sender,
                request: request, isFinal: isOpen && requestBook.open?.final == true,
                watched: watched, securedAt: securedAt, saving: saving, receivedAt: now.counted))
        if isOpen { orders.cancel(.request) }
        supersedeOlder(at: now)
    }
    /// What no rule would keep beside the newest one is not made a checkpoint at all.
    private mutating func supersedeOlder(at now: Moment) {
        guard resumePoint.hasChosen, commits.mayShrink else { return }
        let unkept = kept.unkept(with: commits.expected, protection)
        for commit in commits.giveWay(unkept) {
            orders.add(.dropStaging(commit.id))
            saves.wasSuperseded()
            publisher.noteChange()
            orders.log(.checkpointDropped(.init(id: commit.id, reason: .superseded)))
            guard let sender = commit.sender, let newest = commits.newest else { continue }
            let message =
                "checkpoint \(newest) came before the disk had begun with \(commit.id), and no rule "
                + "keeps both"
            orders.refuse(sender, .superseded, message)
        }
    }
}

/// What becomes of saves.
extension Supervisor {
    /// In order of sequence.
    package var committing: [Committing] { commits.unfinished }

    package var ownSaves: Status.OwnSaves { saves.counts }

    /// The checkpoint that the job is writing.
    package var openCheckpoint: OpenCheckpoint? { saves.open }

    /// A `begin` whose answer is held back.
    package var heldBegin: HeldBegin? { saves.held }

    /// After every event: gives the disk the next order, once it has done the one before.
    mutating func orderNextCommit(at now: Moment) {
        if isClosing { return }
        if let action = commits.takeNext(newestFirst: stop != nil, at: now.counted) {
            orders.add(action)
        }
    }

    /// It was open, and nobody can commit it any more. A request has an end of its own.
    mutating func noteDropped(
        _ open: OpenCheckpoint, _ reason: RunEvent.CheckpointDropped.Reason, at now: Moment
    ) {
        guard open.request == nil else { return }
        orders.log(.checkpointDropped(.init(id: open.id, reason: reason)))
        countOwnFailure(open.id, reason.text, at: now)
    }

    /// The event is logged already. The status tells it as often as it tells progress.
    ///
    /// - Parameter id: nil if the job had not begun it.
    mutating func countOwnFailure(_ id: CheckpointID?, _ error: String, at now: Moment) {
        saves.hasFailed(id, error, at: now.wall)
        publisher.noteChange()
    }

    /// We end, and the disk has not finished these.
    mutating func noteUnfinished() {
        saves.leave(commits.unfinished.map(\.id))
        for commit in commits.unfinished {
            orders.log(.checkpointDropped(.init(id: commit.id, reason: .unfinished)))
        }
    }
}
