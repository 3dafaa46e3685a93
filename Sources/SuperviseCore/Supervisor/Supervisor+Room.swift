import SuperviseFormats

/// A full disk: what waits for room, and which checkpoints go for it. See ``RoomMaker``.
extension Supervisor {
    package var shortage: Shortage? { room.shortage }

    mutating func diskFull(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        guard waitForRoom(id) else {
            // What came after it is tried by itself, and is newer.
            return giveUp(id, error, at: now)
        }
        room.wait(for: id, error, newest: kept.newest?.sizeOnDisk, &orders)
    }

    private mutating func giveUp(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        room.startAnew()
        orders.add(.dropStaging(id))
        commitFailed(id, error, at: now)
    }

    /// - Returns: false where room was made for it already, or a newer one is on its way.
    private mutating func waitForRoom(_ id: CheckpointID) -> Bool {
        if let open = saves.open, open.id == id, open.begin != nil { return saves.waitForRoom() }
        return commits.waitForRoom(id)
    }

    mutating func logsRemoved(_ removed: RunEvent.LogsRemoved, at now: Moment) {
        guard let isMore = room.logsRemoved(removed, &orders) else { return }
        if isMore { useRoom(isMore: true, at: now) }
        room.goOnAfterLogs(isMore: isMore, &orders)
    }

    mutating func archivesListed(_ found: [ArchiveSummary], at now: Moment) {
        guard let checkpointsGo = room.archivesListed(found, &orders) else { return }
        if checkpointsGo {
            clearCheckpoints(at: now)
            clearCheckpointsForShortage(at: now)
        }
        room.orderNextArchiveStep(&orders)
    }

    /// - Parameter hasRoom: nil where that was not ordered.
    mutating func archiveStepEnded(hasRoom: Bool?, at now: Moment) {
        guard let hasRoom else { return }
        if hasRoom { useRoom(isMore: true, at: now) }
        room.goOnAfterArchive(hasRoom: hasRoom, &orders)
    }

    private mutating func clearCheckpoints(at now: Moment) {
        for one in room.takeWaiting() where isWaitingForRoom(one.id) {
            if let room = makeRoom(for: one.id, after: roomMade(for: one.id)) {
                if saves.open?.id == one.id { saves.madeRoom(room) }
                commits.madeRoom(room, for: one.id)
            } else {
                giveUp(one.id, one.error, at: now)
            }
        }
    }

    private func isWaitingForRoom(_ id: CheckpointID) -> Bool {
        if let open = saves.open, open.id == id { return open.waitsForRoom }
        return commits[id]?.waitsForRoom == true
    }

    private func roomMade(for id: CheckpointID) -> RoomMade {
        if let open = saves.open, open.id == id { return open.room }
        return commits[id]?.room ?? .all
    }

    /// As many checkpoints go as the newest one takes room, then all that are not protected.
    ///
    /// - Returns: how much is on its way out; nil where nothing is.
    private mutating func makeRoom(for id: CheckpointID, after room: RoomMade) -> RoomMade? {
        guard resumePoint.hasChosen, room != .all else { return nil }
        let needed = room == .none ? kept.newest?.sizeOnDisk : nil
        let removals = kept.removalsForRoom(needed, protection)
        let rest = kept.removalsForRoom(nil, protection)
        kept.clear(removals, so: "trying \(id) once more", &orders)
        guard !leaving.isEmpty else { return nil }
        return rest.count == removals.count ? .all : .some
    }

    /// - Parameter isMore: something has gone, and so there may be room.
    mutating func useRoom(isMore: Bool, at now: Moment) {
        guard isMore || leaving.isEmpty else { return }
        room.forgetWaiting()
        if let id = saves.takeWaitForRoom() {
            if stop == nil || stop?.stage == .asking {
                orders.add(.makeStaging(id))
            } else {
                let refusal = ProtocolError(.stopping, "the run is stopping; nothing new is saved")
                orders.add(.dropStaging(id))
                commitFailed(id, refusal, at: now)
            }
        }
        commits.tryAgain()
    }
}

/// ENOSPC that the job itself meets while it writes a checkpoint.
extension Supervisor {
    /// - Parameters:
    ///   - isTold: the job has said so; else what is free decides.
    ///   - request: what it did not answer; its operators wait for what comes of it.
    ///   - aborted: the request that an aborted checkpoint was to answer.
    ///   - error: what they are answered otherwise.
    /// - Returns: whether that is followed up, and the request with it.
    mutating func suspectShortage(
        isTold: Bool, request: OpenRequest? = nil, aborted: Int? = nil,
        error: ProtocolError
    ) -> Bool {
        guard request?.isSecond != true else { return false }
        let open = requestBook.open
        let isSecond = aborted == open?.number && open?.isSecond == true
        return room.suspect(
            attempt: attempt?.number, isTold: isTold,
            again: request.map { Shortage.Again($0, operators: $0.operators, error: error) },
            aborted: aborted, mayBegin: resumePoint.hasChosen && phase == .running && !isSecond,
            &orders)
    }

    mutating func spaceMeasured(_ free: Int64?, at now: Moment) {
        let wanted = phase == .running ? kept.newest?.sizeOnDisk ?? 0 : nil
        if room.measured(free: free, wanted: wanted, &orders) {
            endShortage(asks: shortage?.hasRemoved == true, at: now)
        }
    }

    /// No archived run is left that may go.
    private mutating func clearCheckpointsForShortage(at now: Moment) {
        guard let missing = room.missingCheckpoints else { return }
        let removals = kept.removalsForRoom(missing, protection)
        guard phase == .running, !removals.isEmpty else {
            return endShortage(asks: shortage?.hasRemoved == true, at: now)
        }
        room.removesCheckpoints()
        kept.clear(removals, so: "the job may save again", &orders)
    }

    /// After each removal, whatever it was for.
    ///
    /// - Parameter isMore: something has gone.
    mutating func followShortage(isMore: Bool, at now: Moment) {
        if room.checkpointsRemoved(isMore: isMore, isLast: leaving.isEmpty, &orders) {
            endShortage(asks: false, at: now)
        }
    }

    /// - Parameter asks: there is room, so that the job may be asked once more.
    private mutating func endShortage(asks: Bool, at now: Moment) {
        guard let ended = room.endShortage(),
            let again = ended.again ?? abortedRequest(ended.aborted, asks: asks)
        else { return }
        let isAborted = ended.again == nil
        if asks, ended.attempt == attempt?.number, mayAsk(again, at: now) {
            if requestBook.open == nil || isAborted {
                request(again.reason, final: again.final, deadline: stop?.deadline, at: now)
                requestBook.isMadeAgain()
            }
            requestBook.join(again.operators)
            return
        }
        if isAborted { return }
        orders.refuse(again.operators, again.error)
        if again.final { finalRequestEnded(made: false, at: now) }
    }

    /// The request whose checkpoint was aborted, if nobody has answered it since.
    private func abortedRequest(_ aborted: Int?, asks: Bool) -> Shortage.Again? {
        guard asks, let request = requestBook.open, saves.open == nil,
            request.number == aborted, !isAnswering(request)
        else { return nil }
        return Shortage.Again(
            request, operators: [], error: ProtocolError(.noSpace, "the disk is full"))
    }

    private func mayAsk(_ again: Shortage.Again, at now: Moment) -> Bool {
        guard phase == .running, canAsk, !isPaused, !isHung else { return false }
        guard let stop else { return !again.final }
        return again.final && stop.stage == .asking && now.instant < stop.deadline
    }

    /// The job is gone: answers the operators that wait for its checkpoint.
    mutating func abandonShortage() {
        guard let again = room.takeAgain() else { return }
        orders.refuse(
            again.operators, ProtocolError(.stopping, "the job ended before it answered"))
    }
}
