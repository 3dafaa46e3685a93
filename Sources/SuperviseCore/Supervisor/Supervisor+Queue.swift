import SuperviseFormats

/// Checkpoints that come faster than the disk can take them: see ``CommitQueue``.
extension Supervisor {
    static let isHeld =
        "the answer to another begin is held back until an earlier checkpoint is durable; "
        + "try again later"

    /// In order of sequence.
    package var committing: [Committing] { commits.unfinished }

    /// A `begin` is held back by one that is: of the same connection, the new one takes its place.
    ///
    /// - Returns: false where the new one was refused.
    mutating func makesWay(for sender: Sender) -> Bool {
        guard let held = attempt?.held else { return true }
        guard held.connection == sender.connection else {
            orders.refuse(sender, .conflict, Self.isHeld)
            return false
        }
        attempt?.held = nil
        orders.refuse(held.sender, .conflict, "another begin on this connection took its place")
        return true
    }

    /// What a checkpoint would be for that is begun with this request.
    func purpose(ofBegin number: Int?) -> CommitQueue.Purpose {
        guard let request = attempt?.request, request.final, !isAnswering(request) else {
            return .ordinary
        }
        return number == request.number ? .final : .perhapsFinal
    }

    /// After every event: answers the `begin` that is held back, once there is a place or nothing new is
    /// begun any more.
    mutating func beginHeld(at now: Moment) {
        guard phase == .running, let held = attempt?.held, attempt?.open == nil else { return }
        guard stop == nil || stop?.stage == .asking else {
            attempt?.held = nil
            _ = isSaving(held.sender)
            return
        }
        guard commits.admits(purpose(ofBegin: held.request)) else { return }
        attempt?.held = nil
        open(held, at: now)
    }

    /// After every event: gives the disk the next order, once it has done the one before.
    mutating func orderNextCommit(at now: Moment) {
        switch phase {
        case .closing, .finished: return
        default: break
        }
        if let action = commits.takeNext(newestFirst: stop != nil, at: now.counted) {
            orders.add(action)
        }
    }

    /// What no rule would keep beside the newest one is not made a checkpoint at all.
    mutating func supersedeOlder(at now: Moment) {
        guard hasChosen, commits.mayShrink else { return }
        let plan = RetentionPlan(
            checkpoints + commits.expected, rules: settings.retention,
            protection: protection, lineage: lineage)
        let unkept = Set(plan.entries.filter { $0.cause == .noRule }.map(\.id))
        for commit in commits.giveWay(unkept) {
            orders.add(.dropStaging(commit.id))
            ownSaves.superseded += 1
            publisher.noteChange()
            orders.log(.checkpointDropped(.init(id: commit.id, reason: .superseded)))
            guard let sender = commit.sender, let newest = commits.newest else { continue }
            let message =
                "checkpoint \(newest) came before the disk had begun with \(commit.id), and no rule "
                + "keeps both"
            orders.refuse(sender, .superseded, message)
        }
    }

    /// The time is over, and the job has done its part.
    ///
    /// - Returns: false where nothing was received that answers it.
    mutating func endUnfinished(_ request: Attempt.OpenRequest, at now: Moment) -> Bool {
        guard let commit = commits.unfinished.last(where: { $0.request == request.number }) else {
            return false
        }
        requests.unfinished += 1
        attempt?.overdue[request.number] = Attempt.OverdueRequest(
            reason: request.reason, madeAt: request.madeAt, isBySignal: false, isUnfinished: true)
        end(request, .unfinished, of: commit.id, at: now)
        let seconds = Int((now.counted - request.madeAt.counted).seconds.rounded())
        let error = ProtocolError(
            .io,
            "checkpoint \(commit.id) was received, and the disk has not made it durable: the "
                + "request is \(seconds) s old")
        orders.refuse(request.operators, error)
        return true
    }

    /// We end, and the disk has not finished these.
    mutating func noteUnfinished() {
        for commit in commits.unfinished {
            unfinished.append(commit.id)
            orders.log(.checkpointDropped(.init(id: commit.id, reason: .unfinished)))
        }
    }
}
