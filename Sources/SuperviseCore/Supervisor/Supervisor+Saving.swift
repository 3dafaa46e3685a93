import SuperviseFormats

/// Checkpoints on their way: begun, then committed, or added, or given up.
extension Supervisor {
    mutating func begin(_ begin: JobMessage.Begin, _ sender: Sender, at now: Moment) {
        if let open = attempt?.open {
            guard open.connection == sender.connection else {
                orders.refuse(
                    sender, .conflict, "checkpoint \(open.id) is open; commit or abort it first")
                return
            }
            if let earlier = open.begin {
                orders.refuse(earlier, .conflict, "another begin on this connection took its place")
            }
            attempt?.open?.begin = nil
            noteDropped(open, .begunAgain, at: now)
            drop(open, at: now)
        }
        guard makesWay(for: sender) else { return }
        guard isSaving(sender) else { return }
        let held = HeldBegin(message: begin, sender: sender, at: now.counted)
        if commits.admits(purpose(ofBegin: begin.request)) {
            open(held, at: now)
        } else {
            attempt?.held = held
        }
    }

    /// The job has had to wait since it said so.
    mutating func open(_ held: HeldBegin, at now: Moment) {
        let request = named(held.request)
        answerLate(request.number)
        let id = nextID(step: held.message.step)
        attempt?.hasHungUp = false
        attempt?.open = Attempt.OpenCheckpoint(
            id: id, connection: held.connection, begin: held.sender, request: request.number,
            beganAt: held.at, costFrom: request.madeAt?.counted ?? held.at,
            wait: request.madeAt.map { max(.zero, held.at - $0.counted) }, reason: request.reason)
        orders.add(.makeStaging(id))
        if request.isOpen, let open = attempt?.request, !open.final, !isAnswering(open) {
            // It was begun in time: from now on what is staged has to grow.
            attempt?.request?.measured = nil
            attempt?.request?.measuring = nil
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
    }

    mutating func stagingMade(_ id: CheckpointID, path: String) {
        guard let open = attempt?.open, open.id == id, let begin = open.begin else { return }
        attempt?.open?.begin = nil
        orders.answer(.began(.init(id: id, path: path)), to: begin)
    }

    mutating func commit(_ commit: JobMessage.Commit, _ sender: Sender, at now: Moment) {
        guard let open = attempt?.open, open.id == commit.id, open.begin == nil,
            open.connection == sender.connection
        else {
            orders.refuse(sender, .unknownCheckpoint, "\(commit.id) is not open on this connection")
            return
        }
        attempt?.open = nil
        let written = (now.counted - open.beganAt).seconds
        record.totals.checkpoint += written
        record.totals.useful -= written
        var named = self.named(commit.request)
        if !named.isOpen, open.request != nil, open.request == attempt?.request?.number {
            // It names an older one here; what `begin` named is answered as well.
            answerLate(named.number)
            named = NamedRequest(reason: open.reason)
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
        if let open = attempt?.open {
            orders.refuse(
                sender, .conflict, "checkpoint \(open.id) is open; commit or abort it first")
            return
        }
        guard attempt?.held == nil else {
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
        guard let open = attempt?.open, open.id == id, open.connection == sender.connection else {
            orders.refuse(sender, .unknownCheckpoint, "\(id) is not open on this connection")
            return
        }
        if let begin = open.begin {
            orders.refuse(begin, .conflict, "checkpoint \(id) was aborted")
        }
        if open.request == nil {
            let error = abort.error?.bounded ?? "the job gave no reason"
            ownSaveAborted(id, "the job aborted it: \(error)", at: now)
        }
        drop(open, at: now)
        orders.answer(.aborted, to: sender)
        _ = suspectShortage(
            isTold: abort.code == JobMessage.noSpace, aborted: open.request,
            error: ProtocolError(.noSpace, "the disk is full"))
    }

    mutating func drop(_ open: Attempt.OpenCheckpoint, at now: Moment) {
        attempt?.open = nil
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

    private struct NamedRequest {
        var number: Int?
        var reason: Manifest.Reason
        var madeAt: Moment?
        var isOpen = false
    }

    /// The request that a message names; one that is not known counts as none.
    private func named(_ number: Int?) -> NamedRequest {
        guard let attempt, let number = number ?? unnamed else { return NamedRequest(reason: .job) }
        if let request = attempt.request, request.number == number {
            return NamedRequest(
                number: number, reason: request.reason, madeAt: request.madeAt, isOpen: true)
        }
        if let overdue = attempt.overdue[number] {
            return NamedRequest(number: number, reason: overdue.reason, madeAt: overdue.madeAt)
        }
        // It failed for lack of space, and room is being made.
        if let again = shortage?.again, again.number == number {
            return NamedRequest(number: number, reason: again.reason)
        }
        return NamedRequest(reason: .job)
    }

    /// A job that was asked by a signal knows no number.
    private var unnamed: Int? {
        attempt?.request.flatMap { $0.isBySignal ? $0.number : nil }
    }

    /// A request that had its time is answered after all.
    mutating func answerLate(_ number: Int?) {
        guard let number, attempt?.overdue[number]?.isLate == false else { return }
        attempt?.overdue[number]?.isLate = true
        if attempt?.overdue[number]?.isUnfinished == true {
            requests.unfinished -= 1
        } else {
            requests.unanswered -= 1
        }
        requests.late += 1
    }

    mutating func nextID(step: Int64?) -> CheckpointID {
        record.sequence += 1
        orders.add(.record(record, confirm: false))
        return CheckpointID(sequence: record.sequence, step: step)
    }

    mutating func commitOrder(
        _ id: CheckpointID, reason: Manifest.Reason, costFrom: Instant, _ metrics: Metrics?,
        _ metadata: [String: JSONValue]?, at now: Moment
    ) -> Action.CommitOrder {
        progress.warnOfDropped(metrics, &orders)
        let base = phase == .gathering ? gatheredParent : attempt?.parent
        let parent = [commits.newest, base].compactMap { $0 }.max()
        return Action.CommitOrder(
            id: id, reason: reason, attempt: attempt?.number ?? record.attempt, parent: parent,
            created: now.wall, secondsSoFar: (now.counted - costFrom).seconds,
            metrics: metrics?.values ?? [:], metadata: metadata ?? [:],
            progress: progress.ofCheckpoint(id.step, lastStep: attempt?.lastStep))
    }

    mutating func track(
        _ order: Action.CommitOrder, from added: Action.Source? = nil, _ sender: Sender?,
        request: Int?, securedAt: Instant, watched: WatchedFile? = nil,
        saving: Committing.Saving? = nil, at now: Moment
    ) {
        // Whether a watched file is an answer is known when it has become a checkpoint.
        if watched == nil { answerLate(request) }
        let isOpen = request != nil && attempt?.request?.number == request
        commits.append(
            Committing(
                order: order, added: added, attempt: order.attempt, sender: sender,
                request: request, isFinal: isOpen && attempt?.request?.final == true,
                watched: watched, securedAt: securedAt, saving: saving, receivedAt: now.counted))
        if isOpen { orders.cancel(.request) }
        supersedeOlder(at: now)
    }
}
