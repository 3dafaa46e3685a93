import SuperviseFormats

/// Handles ENOSPC that the job itself meets while it writes a checkpoint.
extension Supervisor {
    /// Looks whether a save failed for lack of space, and whether something can go to make room.
    ///
    /// - Parameters:
    ///   - isTold: the job has said so; else what is free decides.
    ///   - request: what it did not answer; its operators wait for what comes of it.
    ///   - aborted: the request that an aborted checkpoint was to answer.
    ///   - error: what they are answered otherwise.
    /// - Returns: whether that is followed up, and the request with it.
    mutating func suspectShortage(
        isTold: Bool, request: Attempt.OpenRequest? = nil, aborted: Int? = nil,
        error: ProtocolError
    ) -> Bool {
        let again = request.map {
            Shortage.Again(
                number: $0.number, reason: $0.reason, final: $0.final, operators: $0.operators,
                error: error)
        }
        if let shortage {
            // `abort` says it first, and then `failed` of the request.
            guard shortage.attempt == attempt?.number, shortage.again == nil,
                request?.isSecond != true
            else { return false }
            self.shortage?.isTold = shortage.isTold || isTold
            self.shortage?.again = again
            return true
        }
        let isSecond = aborted == attempt?.request?.number && attempt?.request?.isSecond == true
        guard resumePoint.hasChosen, phase == .running, request?.isSecond != true, !isSecond,
            let attempt
        else { return false }
        logs.begin()
        shortage = Shortage(
            attempt: attempt.number, isTold: isTold, again: again, aborted: aborted)
        orders.add(.measureSpace)
        return true
    }

    mutating func spaceMeasured(_ free: Int64?, at now: Moment) {
        guard let shortage, shortage.stage == .measuring else { return }
        guard phase == .running, let missing = missing(free, shortage) else {
            return endShortage(asks: shortage.hasRemoved, at: now)
        }
        clearLogsForShortage(missing: missing)
    }

    /// How many bytes are to become free; nil where there is room, or nobody can tell.
    ///
    /// As much is wanted as the newest checkpoint takes now, which may have come since the job met
    /// the full disk.
    private func missing(_ free: Int64?, _ shortage: Shortage) -> Int64? {
        let wanted = kept.newest?.sizeOnDisk ?? 0
        let missing = free.map { wanted - $0 }
        if let missing, missing > 0 { return missing }
        // With a quota, what is free says nothing.
        return shortage.isTold && !shortage.hasRemoved ? wanted : nil
    }

    /// An archived run has gone, or has not.
    mutating func archiveStepEnded(forShortage hasRoom: Bool) {
        guard case .archives = shortage?.stage else { return }
        guard hasRoom else { return lookAtArchives() }
        shortage?.hasRemoved = true
        shortage?.stage = .measuring
        orders.add(.measureSpace)
    }

    /// No archived run is left that may go.
    mutating func clearCheckpointsForShortage(at now: Moment) {
        guard let shortage, case .archives(let missing) = shortage.stage else { return }
        let removals = kept.removalsForRoom(missing, protection)
        guard phase == .running, !removals.isEmpty else {
            return endShortage(asks: shortage.hasRemoved, at: now)
        }
        self.shortage?.stage = .removing
        kept.clear(removals, so: "the job may save again", &orders)
    }

    /// After each removal, whatever it was for.
    ///
    /// - Parameter isMore: something has gone.
    mutating func followShortage(isMore: Bool, at now: Moment) {
        guard let shortage, shortage.stage == .removing else { return }
        if isMore { self.shortage?.hasRemoved = true }
        guard leaving.isEmpty else { return }
        if self.shortage?.hasRemoved == true {
            self.shortage?.stage = .measuring
            orders.add(.measureSpace)
        } else {
            // Somebody reads them all.
            endShortage(asks: false, at: now)
        }
    }

    /// - Parameter asks: there is room, so that the job may be asked once more.
    private mutating func endShortage(asks: Bool, at now: Moment) {
        guard let again = shortage?.again ?? abortedRequest(asks: asks) else {
            shortage = nil
            return
        }
        let isSame = shortage?.attempt == attempt?.number
        let isAborted = shortage?.again == nil
        shortage = nil
        if asks, isSame, mayAsk(again, at: now) {
            if attempt?.request == nil || isAborted {
                request(again.reason, final: again.final, deadline: stop?.deadline, at: now)
                attempt?.request?.isSecond = true
            }
            attempt?.request?.operators += again.operators
            return
        }
        if isAborted { return }
        orders.refuse(again.operators, again.error)
        if again.final { finalRequestEnded(made: false, at: now) }
    }

    /// The request whose checkpoint was aborted, if nobody has answered it since.
    private func abortedRequest(asks: Bool) -> Shortage.Again? {
        guard asks, let attempt, let request = attempt.request, attempt.open == nil,
            request.number == shortage?.aborted, !isAnswering(request)
        else { return nil }
        return Shortage.Again(
            number: request.number, reason: request.reason, final: request.final, operators: [],
            error: ProtocolError(.noSpace, "the disk is full"))
    }

    private func mayAsk(_ again: Shortage.Again, at now: Moment) -> Bool {
        guard phase == .running, canAsk, !isPaused, !isHung else { return false }
        guard let stop else { return !again.final }
        return again.final && stop.stage == .asking && now.instant < stop.deadline
    }

    /// A checkpoint that names the request has come all the same.
    ///
    /// - Returns: the request, which is not made again.
    mutating func takeRequestOfShortage(_ number: Int?) -> Shortage.Again? {
        guard let again = shortage?.again, again.number == number else { return nil }
        shortage?.again = nil
        return again
    }

    /// The job is gone: answers the operators that wait for its checkpoint.
    mutating func abandonShortage() {
        guard let again = shortage?.again else { return }
        shortage?.again = nil
        orders.refuse(again.operators, ProtocolError(.stopping, "the job ended before it answered"))
    }
}
