import SuperviseFormats

/// Requested checkpoints: when one is made, and what it ends with. See ``RequestBook``.
extension Supervisor {
    package var requests: Status.Requests { requestBook.counts }

    package var openRequest: OpenRequest? { requestBook.open }

    /// A checkpoint now, for an operator or a signal; joins the request that is open.
    ///
    /// - Returns: why there is none.
    mutating func joinOrRequest(
        _ sender: Sender?, reason: Manifest.Reason = .manual, at now: Moment
    ) -> ProtocolError? {
        if isClosing || (stop != nil && requestBook.open == nil) {
            return ProtocolError(.stopping, "the run is stopping")
        }
        guard phase == .running, attempt != nil else {
            return ProtocolError(.conflict, "the job is not running now; ask again when it is")
        }
        if isPaused {
            return ProtocolError(.conflict, "the job is paused; unpause it first")
        }
        if requestBook.open == nil {
            guard canAsk else {
                return ProtocolError(
                    .conflict, "the job has no connection that accepts checkpoint requests")
            }
            request(reason, final: false, deadline: nil, at: now)
        }
        if let sender { requestBook.join([sender]) }
        return nil
    }

    /// Asks every connection that accepts; a request that is open already becomes moot.
    mutating func request(
        _ reason: Manifest.Reason, final: Bool, deadline: Instant?, at now: Moment
    ) {
        guard let attempt else { return }
        if final, makeFinal(reason, by: deadline, at: now) { return }
        // Who waits for the open one joins the new one.
        let operators = requestBook.endForAnother(at: now, &orders)
        let signal = attempt.accepting.isEmpty ? settings.requestSignal : nil
        requestBook.make(
            reason, final: final, isBySignal: signal != nil, deadline: deadline,
            operators: operators, at: now)
        sendRequest(at: now)
        if let signal { orders.add(.askBySignal(signal)) }
        if let wire = requestBook.wire(at: now) { orders.log(.checkpointRequested(wire)) }
        orders.cancel(.interval)
        if !final {
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
    }

    /// To all who accept: when it is made, and again with less time. A job that was asked by a signal
    /// cannot be told of times.
    mutating func sendRequest(at now: Moment) {
        guard let wire = requestBook.wire(at: now) else { return }
        for connection in attempt?.accepting ?? [] {
            orders.add(.send(.checkpointRequest(wire), to: connection, seq: nil))
        }
    }

    /// While nobody knows what a checkpoint takes, the one that is under way becomes the last: a second
    /// one might not be ready in time.
    private mutating func makeFinal(
        _ reason: Manifest.Reason, by deadline: Instant?, at now: Moment
    ) -> Bool {
        guard preemption?.hasAsked == true, record.experience.recent.isEmpty,
            let open = requestBook.open, !open.final, !open.isBySignal,
            attempt?.accepting.isEmpty == false
        else { return false }
        requestBook.becomeFinal(reason, by: deadline)
        commits.becomeFinal(open.number)
        orders.cancel(.request)
        orders.cancel(.interval)
        sendRequest(at: now)
        return true
    }

    /// From now to the next checkpoint; nil where none is asked for.
    var interval: Duration? {
        schedule.interval(record.experience, wasAsked: requestBook.wasAsked)
    }

    /// Counts from now: after a commit, a failed or unanswered request, or the first hello.
    mutating func startInterval(at now: Moment) {
        guard phase == .running, stop == nil, attempt != nil, requestBook.open == nil, canAsk
        else { return }
        schedule.start(record.experience, wasAsked: requestBook.wasAsked, at: now, &orders)
    }

    mutating func intervalPassed(at now: Moment) {
        guard phase == .running, stop == nil, attempt != nil, requestBook.open == nil else {
            return
        }
        // A checkpoint that is under way starts the interval anew when it ends.
        guard saves.open == nil, commits.isEmpty, canAsk else { return }
        if let interval, let preemption, preemption.savesSoon(interval: interval, at: now.instant) {
            return startInterval(at: now)
        }
        request(.interval, final: false, deadline: nil, at: now)
    }

    /// The time of a request restarts as long as what is staged has grown; only now it is looked at.
    mutating func requestTimePassed(at now: Moment) {
        guard phase == .running, let request = requestBook.open, !request.final else { return }
        if let open = saves.open {
            requestBook.measure(open.id)
            orders.add(.measureStaging(open.id))
        } else if saves.held?.request == request.number {
            // It has begun in time, as far as it could.
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        } else if !isAnswering(request) {
            endUnanswered(request, at: now)
        }
    }

    mutating func stagingMeasured(_ id: CheckpointID, _ size: Event.StagingSize, at now: Moment) {
        let isPaused = isPaused
        attempt?.hang.measured(id, size, isPaused: isPaused, at: now, &orders)
        guard let request = requestBook.open, !isAnswering(request),
            let hasGrown = requestBook.wasMeasured(id, size)
        else { return }
        guard hasGrown, saves.open?.id == id else { return endUnanswered(request, at: now) }
        orders.set(.request, after: settings.checkpointTimeout, at: now)
    }

    /// Its commit was received: only the disk is waited for.
    func isAnswering(_ request: OpenRequest) -> Bool { commits.answers(request.number) }

    mutating func endUnanswered(_ request: OpenRequest, at now: Moment) {
        guard let error = requestBook.endUnanswered(at: now, &orders) else { return }
        let isFollowed =
            !request.final && suspectShortage(isTold: false, request: request, error: error)
        if !isFollowed { orders.refuse(request.operators, error) }
        startInterval(at: now)
    }

    /// The time is over, and the job has done its part.
    ///
    /// - Returns: false where nothing was received that answers the open request.
    mutating func endUnfinished(at now: Moment) -> Bool {
        guard let request = requestBook.open,
            let commit = commits.unfinished.last(where: { $0.request == request.number })
        else { return false }
        requestBook.endUnfinished(commit.id, at: now, &orders)
        return true
    }

    /// The job is gone, and all that it had handed over is taken or abandoned.
    mutating func endRequestWithJob(at now: Moment) {
        guard let request = requestBook.open, !endUnfinished(at: now) else { return }
        guard request.final else { return requestBook.endMoot(at: now, &orders) }
        // A final request is lost with the job, unless a checkpoint that was begun after it is there: the
        // job need not have named the request in it.
        if let attempt, attempt.committedAnything, attempt.securedAt >= request.madeAt.counted,
            let parent = attempt.parent, let saved = kept[parent]
        {
            requestBook.endCommitted(saved, &orders)
        } else {
            requestBook.endLost(isOfRun: stop?.restarts == false, at: now, &orders)
        }
    }

    mutating func jobFailedToSave(_ failed: JobMessage.SaveFailed, at now: Moment) {
        let error = failed.error?.bounded ?? "the job gave no reason"
        orders.log(.checkpointFailed(.init(id: nil, request: failed.request, error: error)))
        if failed.request == nil { countOwnFailure(nil, error, at: now) }
        let isTold = failed.code == JobMessage.noSpace
        let refusal = ProtocolError(
            isTold ? .noSpace : .io, "the job could not save: \(error)")
        guard let request = requestBook.close(failed.request, &orders) else { return }
        requestBook.hasFailed()
        if suspectShortage(isTold: isTold, request: request, error: refusal) {
            return startInterval(at: now)
        }
        orders.refuse(request.operators, refusal)
        startInterval(at: now)
        if request.final { finalRequestEnded(made: false, at: now) }
    }
}
