import SuperviseFormats

/// Requested checkpoints: at most one is open, and each is counted once when it has ended.
extension Supervisor {
    /// A checkpoint now, for an operator or a signal; joins the request that is open.
    ///
    /// - Returns: why there is none.
    mutating func joinOrRequest(
        _ sender: Sender?, reason: Manifest.Reason = .manual, at now: Moment
    ) -> ProtocolError? {
        if isClosing || (stop != nil && attempt?.request == nil) {
            return ProtocolError(.stopping, "the run is stopping")
        }
        guard phase == .running, let attempt else {
            return ProtocolError(.conflict, "the job is not running now; ask again when it is")
        }
        if isPaused {
            return ProtocolError(.conflict, "the job is paused; unpause it first")
        }
        if attempt.request == nil {
            guard canAsk else {
                return ProtocolError(
                    .conflict, "the job has no connection that accepts checkpoint requests")
            }
            request(reason, final: false, deadline: nil, at: now)
        }
        if let sender { self.attempt?.request?.operators.append(sender) }
        return nil
    }

    /// Asks every connection that accepts; a request that is open already becomes moot.
    mutating func request(
        _ reason: Manifest.Reason, final: Bool, deadline: Instant?, at now: Moment
    ) {
        guard let attempt else { return }
        if final, makeFinal(reason, by: deadline, at: now) { return }
        var operators: [Sender] = []
        if var superseded = attempt.request {
            // Who waits for it joins the new one.
            swap(&operators, &superseded.operators)
            endMoot(superseded, at: now)
        }
        let number = nextRequest
        nextRequest += 1
        requests.made += 1
        let signal = attempt.accepting.isEmpty ? settings.requestSignal : nil
        self.attempt?.wasAsked = true
        self.attempt?.request = Attempt.OpenRequest(
            number: number, reason: reason, final: final, madeAt: now,
            isBySignal: signal != nil, deadline: deadline, operators: operators)
        let wire = wireRequest(at: now)
        sendRequest(at: now)
        if let signal { orders.add(.askBySignal(signal)) }
        if let wire { orders.log(.checkpointRequested(wire)) }
        orders.cancel(.interval)
        if !final {
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        }
    }

    /// To all who accept: when it is made, and again with less time. A job that was asked by a signal
    /// cannot be told of times.
    mutating func sendRequest(at now: Moment) {
        guard let wire = wireRequest(at: now) else { return }
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
            let open = attempt?.request, !open.final, !open.isBySignal,
            attempt?.accepting.isEmpty == false
        else { return false }
        attempt?.request?.makeFinal(reason, by: deadline)
        commits.becomeFinal(open.number)
        orders.cancel(.request)
        orders.cancel(.interval)
        sendRequest(at: now)
        return true
    }

    /// The open request as it is said now; deadlines count from now.
    func wireRequest(at now: Moment) -> CheckpointRequest? {
        guard let request = attempt?.request else { return nil }
        let left = request.deadline.map { max(0, ($0 - now.instant).seconds) }
        return CheckpointRequest(
            request: request.number, reason: request.reason, final: request.final, deadline: left)
    }

    mutating func intervalPassed(at now: Moment) {
        guard phase == .running, stop == nil, let attempt, attempt.request == nil else { return }
        // A checkpoint that is under way starts the interval anew when it ends.
        guard attempt.open == nil, commits.isEmpty, canAsk else { return }
        if let interval, let preemption, preemption.savesSoon(interval: interval, at: now.instant) {
            return startInterval(at: now)
        }
        request(.interval, final: false, deadline: nil, at: now)
    }

    /// The time of a request restarts as long as what is staged has grown; only now it is looked at.
    mutating func requestTimePassed(at now: Moment) {
        guard phase == .running, let request = attempt?.request, !request.final else { return }
        if let open = attempt?.open {
            attempt?.request?.measuring = open.id
            orders.add(.measureStaging(open.id))
        } else if attempt?.held?.request == request.number {
            // It has begun in time, as far as it could.
            orders.set(.request, after: settings.checkpointTimeout, at: now)
        } else if !isAnswering(request) {
            endUnanswered(request, at: now)
        }
    }

    mutating func stagingMeasured(_ id: CheckpointID, _ size: Event.StagingSize, at now: Moment) {
        let isPaused = isPaused
        attempt?.hang.measured(id, size, isPaused: isPaused, at: now, &orders)
        guard let request = attempt?.request, request.measuring == id, !isAnswering(request) else {
            return
        }
        attempt?.request?.measuring = nil
        guard attempt?.open?.id == id, case let before = request.measured ?? .empty,
            size.bytes > before.bytes || size.files > before.files
        else {
            endUnanswered(request, at: now)
            return
        }
        attempt?.request?.measured = size
        orders.set(.request, after: settings.checkpointTimeout, at: now)
    }

    /// Its commit was received: only the disk is waited for.
    func isAnswering(_ request: Attempt.OpenRequest) -> Bool {
        commits.answers(request.number)
    }

    mutating func endUnanswered(_ request: Attempt.OpenRequest, at now: Moment) {
        requests.unanswered += 1
        attempt?.overdue[request.number] = Attempt.OverdueRequest(
            reason: request.reason, madeAt: request.madeAt, isBySignal: request.isBySignal)
        end(request, .unanswered, at: now)
        let seconds = Int((now.counted - request.madeAt.counted).seconds.rounded())
        let error = ProtocolError(
            .conflict, "the job has not answered the request in \(seconds) s")
        let isFollowed =
            !request.final && suspectShortage(isTold: false, request: request, error: error)
        if !isFollowed { orders.refuse(request.operators, error) }
        startInterval(at: now)
    }

    mutating func endMoot(_ request: Attempt.OpenRequest, at now: Moment) {
        requests.moot += 1
        end(request, .moot, at: now)
        orders.refuse(
            request.operators, ProtocolError(.stopping, "the job ended before it answered"))
    }

    /// The job is gone, and all that it had handed over is taken or abandoned.
    mutating func endWithJob(_ request: Attempt.OpenRequest, at now: Moment) {
        if endUnfinished(request, at: now) { return }
        if request.final {
            endFinal(request, at: now)
        } else {
            endMoot(request, at: now)
        }
    }

    /// A final request is lost with the job, unless a checkpoint that was begun after it is there: the
    /// job need not have named the request in it.
    private mutating func endFinal(_ request: Attempt.OpenRequest, at now: Moment) {
        if let attempt, attempt.committedAnything, attempt.securedAt >= request.madeAt.counted,
            let parent = attempt.parent, let saved = kept[parent]
        {
            requests.committed += 1
            self.attempt?.request = nil
            orders.cancel(.request)
            let wire = SupervisorMessage.committed(
                .init(id: saved.id, path: saved.path, bytes: saved.bytes, seconds: 0))
            for sender in request.operators { orders.answer(wire, to: sender) }
            return
        }
        requests.lost += 1
        // After a restart the run goes on, and its last line has nothing to say of it.
        if stop?.restarts == false { finalCheckpointLost = true }
        end(request, .lost, at: now)
        orders.refuse(
            request.operators, ProtocolError(.stopping, "the job ended before it answered"))
    }

    mutating func end(
        _ request: Attempt.OpenRequest, _ result: RunEvent.RequestEnded.Result,
        of checkpoint: CheckpointID? = nil, at now: Moment
    ) {
        attempt?.request = nil
        orders.cancel(.request)
        orders.log(
            .requestEnded(
                .init(
                    request: request.number, result: result,
                    seconds: (now.counted - request.madeAt.counted).seconds,
                    checkpoint: checkpoint)))
    }

    /// The request that a commit or a `failed` named, if it is the open one, has ended.
    mutating func close(_ number: Int?) -> Attempt.OpenRequest? {
        guard let request = attempt?.request, request.number == number else { return nil }
        attempt?.request = nil
        orders.cancel(.request)
        return request
    }

    mutating func jobFailedToSave(_ failed: JobMessage.SaveFailed, at now: Moment) {
        let error = failed.error?.bounded ?? "the job gave no reason"
        orders.log(.checkpointFailed(.init(id: nil, request: failed.request, error: error)))
        if failed.request == nil { countOwnFailure(nil, error, at: now) }
        let isTold = failed.code == JobMessage.noSpace
        let refusal = ProtocolError(
            isTold ? .noSpace : .io, "the job could not save: \(error)")
        guard let request = close(failed.request) else { return }
        requests.failed += 1
        if suspectShortage(isTold: isTold, request: request, error: refusal) {
            return startInterval(at: now)
        }
        orders.refuse(request.operators, refusal)
        startInterval(at: now)
        if request.final { finalRequestEnded(made: false, at: now) }
    }
}

extension Event.StagingSize {
    static let empty = Event.StagingSize(bytes: 0, files: 0)
}
