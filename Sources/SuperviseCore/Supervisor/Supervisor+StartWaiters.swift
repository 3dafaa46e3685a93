import SuperviseFormats

/// Answers operators who wait for an attempt to come up: after `restart`, and after `checkpoint`
/// where the job is only just being started.
extension Supervisor {
    /// After every event.
    mutating func serveStartWaiters(at now: Moment) {
        if !startWaiters.isEmpty {
            let served = startWaiters.takeServed(start, name: record.name, at: now.counted)
            for (sender, service) in served {
                switch service {
                case .answer(let message): orders.answer(message, to: sender)
                case .checkpoint:
                    if let refusal = joinOrRequest(sender, at: now) {
                        orders.answer(.error(refusal), to: sender)
                    }
                }
            }
        }
        let running = phase == .running && !isPaused ? attempt?.number : nil
        startWaiters.setTimer(for: running, at: now, &orders)
    }

    private var start: StartWaiters.Start {
        var start = StartWaiters.Start(
            attempt: attempt?.number, hasGreeted: attempt?.hasGreeted == true,
            failed: history.lastFailure?.attempt, canAsk: canAsk, isStarting: isStarting)
        if isClosing {
            start.end = "the run has ended\(closing?.error.map { ": \($0)" } ?? "")"
        } else if let stop, !stop.restarts {
            start.end = "the run is stopping"
        }
        if case .ending(let ending) = phase, stop == nil { start.ended = ending.end }
        return start
    }

    private var isStarting: StartWaiters.Start.Starting {
        guard stop == nil, !isPaused else { return .no }
        switch phase {
        case .idle, .clearing, .gathering, .choosing, .recording: return .awaited
        case .running: return .running
        case .ending, .waiting, .closing, .finished: return .no
        }
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
}
