import SuperviseFormats

/// Answers operators who wait for an attempt to come up: after `restart`, and after `checkpoint`
/// where the job is only just being started.
extension Supervisor {
    /// Answers those whose wait is over, and sets the timer for the others; after every event.
    mutating func serveStartWaiters(at now: Moment) {
        for waiter in startWaiters.takeAll() where !serve(waiter, at: now) {
            startWaiters.keep(waiter)
        }
        guard phase == .running, !isPaused, let attempt, startWaiters.wait(for: attempt.number),
            let left = startWaiters.left(of: attempt.number, at: now.counted), left > .zero
        else {
            orders.cancelIfSet(.lived)
            return
        }
        if !orders.isSet(.lived) { orders.set(.lived, after: left, at: now) }
    }

    /// A checkpoint for an operator, who waits for the hello where the job is only just being started.
    mutating func controlCheckpoint(_ sender: Sender) {
        startWaiters.add(sender, .checkpoint)
    }

    /// - Returns: whether its wait is over.
    private mutating func serve(_ waiter: StartWaiters.Waiter, at now: Moment) -> Bool {
        switch waiter.wish {
        case .restart(let number):
            guard let verdict = verdict(after: number, at: now) else { return false }
            orders.answer(verdict, to: waiter.sender)
        case .checkpoint:
            if isStarting(at: now), !canAsk { return false }
            if let refusal = joinOrRequest(waiter.sender, at: now) {
                orders.answer(.error(refusal), to: waiter.sender)
            }
        }
        return true
    }

    /// The attempt that runs, or that ran last: a restart begins one with a higher number.
    var attemptBeforeRestart: Int {
        switch phase {
        case .running, .ending: attempt?.number ?? record.attempt
        case .recording(let order): order.attempt - 1
        case .idle, .clearing, .gathering, .choosing, .waiting, .closing, .finished:
            record.attempt
        }
    }

    /// A hello may still come of a job that is being started.
    private func isStarting(at now: Moment) -> Bool {
        guard stop == nil, !isPaused else { return false }
        switch phase {
        case .idle, .clearing, .gathering, .choosing, .recording: return true
        case .running:
            guard let attempt else { return false }
            return startWaiters.left(of: attempt.number, at: now.counted) != .zero
        case .ending, .waiting, .closing, .finished: return false
        }
    }

    /// What came of a restart; nil while it is not known.
    private func verdict(after number: Int, at now: Moment) -> SupervisorMessage? {
        if isClosing { return refusal(.stopping, "the run has ended\(reasonOfEnd)") }
        if let stop, !stop.restarts { return refusal(.stopping, "the run is stopping") }
        if let attempt, attempt.number > number {
            let left = startWaiters.left(of: attempt.number, at: now.counted)
            if attempt.hasGreeted || left == .zero { return .ok }
            guard case .ending(let ending) = phase, stop == nil else { return nil }
            return didNotComeUp(attempt.number, Self.words(for: ending.end))
        }
        // It ended in the same step in which it was to be started.
        if let lastFailure = history.lastFailure, lastFailure.attempt > number {
            return didNotComeUp(lastFailure.attempt, "could not be started")
        }
        return nil
    }

    private var reasonOfEnd: String {
        closing?.error.map { ": \($0)" } ?? ""
    }

    private func didNotComeUp(_ attempt: Int, _ what: String) -> SupervisorMessage {
        refusal(
            .conflict,
            "attempt \(attempt) did not come up: it \(what); supervise status \(record.name) shows "
                + "what comes next")
    }

    private func refusal(_ code: ProtocolError.Code, _ message: String) -> SupervisorMessage {
        .error(ProtocolError(code, message))
    }

    private static func words(for end: JobEnd) -> String {
        let how =
            switch end {
            case .exited(let code): "exited with status \(code)"
            case .signaled(_, let name): "was ended by \(name)"
            }
        return "\(how) before it said hello and before it had lived for 1 s"
    }
}
