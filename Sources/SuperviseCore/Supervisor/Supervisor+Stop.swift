import SuperviseFormats

/// The stop ladder: a final checkpoint is asked for, then `stop` and SIGTERM, then SIGKILL.
extension Supervisor {
    static let sigterm: Int32 = 15
    private static let sigcont: Int32 = 18

    mutating func received(_ signal: Event.Signal, at now: Moment) {
        switch signal {
        case .stop(let number, let name):
            askedToStop(by: name, signal: number, withCheckpoint: true, at: now)
        case .hangUp(let number, let name):
            if stop == nil || stop?.restarts == true {
                askedToStop(by: name, signal: number, withCheckpoint: true, at: now)
            }
        case .checkpoint(let name):
            if let refusal = joinOrRequest(nil, at: now) {
                let message = "\(name): no checkpoint is asked for: \(refusal.message)"
                orders.warn(message)
            }
        case .preempt(let name):
            signalled(name, at: now)
        case .other(let number):
            passOn(number)
        }
    }

    mutating func controlStop(_ sender: Sender, withCheckpoint: Bool, at now: Moment) {
        orders.answer(.ok, to: sender)
        askedToStop(
            by: "control stop", signal: Self.sigterm, withCheckpoint: withCheckpoint, at: now)
    }

    mutating func askedToStop(
        by name: String, signal: Int32, withCheckpoint: Bool, at now: Moment
    ) {
        guard let stop else {
            let before = orders.actions.count
            beginStop(by: name, signal: signal, withCheckpoint: withCheckpoint, at: now)
            // The job hears of it before anybody reads that it does.
            if !isClosing { orders.tellLast(from: before) }
            return
        }
        if stop.restarts {
            endInstead(by: name, signal: signal, withCheckpoint: withCheckpoint, at: now)
            return
        }
        guard let count = self.stop?.countAgain(at: now.instant) else { return }
        orders.log(.stopRequested(.init(by: name, deadline: nil, count: count)))
        if count == 3 {
            abandonEverything(at: now)
        } else {
            endWaitForJob(at: now)
        }
    }

    mutating func beginStop(
        by name: String, signal: Int32, withCheckpoint: Bool, restarts: Bool = false,
        at now: Moment
    ) {
        goOn(at: now)
        let deadline = stopDeadline(by: name, at: now)
        let time = max(.zero, deadline - now.instant)
        // A job that hangs is not waited for.
        let asks = withCheckpoint && phase == .running && canAsk && !isHung
        stop = Stop(
            signal: signal, restarts: restarts, asks: asks, preempts: preemption != nil,
            deadline: deadline, at: now.instant)
        orders.cancel(.interval)
        kept.cancelCompression(&orders)
        attempt?.hang.abandon(&orders)
        let seconds = asks ? time.seconds : nil
        orders.log(.stopRequested(.init(by: name, deadline: seconds, count: 1)))
        switch phase {
        case .idle:
            leaveAsFound(at: now)
        case .clearing:
            abandon(by: now.instant + settings.stopTimeout + .seconds(1), at: now)
        case .recording, .waiting:
            finishStopped(at: now)
        case .gathering:
            orders.set(.stopDeadline, after: time, at: now)
        case .choosing:
            orders.add(.cancelVerification)
            finishStopped(at: now)
        case .running:
            orders.set(.stopDeadline, after: time, at: now)
            if asks {
                let reason: Manifest.Reason =
                    preemption != nil ? .preemption : restarts ? .manual : .shutdown
                request(reason, final: true, deadline: deadline, at: now)
            } else {
                tellToStop(politely: false, at: now)
            }
        case .ending:
            orders.set(.stopDeadline, after: time, at: now)
            boundTheEnd(at: now)
        case .closing, .finished:
            break
        }
        // A job that waits for a reader could neither save nor end.
        if attempt != nil, !restarts { orders.add(.widenReaders) }
    }

    /// A notice gives all the time that there is; a person who asks after it waits no longer than
    /// without it.
    private func stopDeadline(by name: String, at now: Moment) -> Instant {
        let usual = now.instant + settings.checkpointTimeout
        guard let preemption else { return usual }
        return name == preemption.source ? preemption.saveBy : min(usual, preemption.saveBy)
    }

    /// The third step: `stop` to all, and SIGTERM now, or after half of the time where the final
    /// checkpoint was made and the job may end by itself.
    mutating func tellToStop(politely: Bool, at now: Moment) {
        stop?.tell(spares: politely)
        sendStop(at: now)
        if politely {
            let deadline = min(settings.stopTimeout, timeToKill(at: now))
            orders.set(.terminate, after: deadline / 2, at: now)
        } else {
            terminateLeader()
        }
        boundTheEnd(at: now)
    }

    mutating func sendStop(at now: Moment) {
        let deadline = min(settings.stopTimeout, timeToKill(at: now))
        for connection in attempt?.allConnections ?? [] {
            orders.add(.send(.stop(deadline: deadline.seconds), to: connection, seq: nil))
        }
    }

    /// From here on the time is counted: SIGKILL at its end, and then we go whatever is left.
    mutating func boundTheEnd(at now: Moment) {
        let time = timeToKill(at: now)
        orders.set(.kill, after: time, at: now)
        abandon(by: now.instant + time + .seconds(1), at: now)
    }

    func timeToKill(at now: Moment) -> Duration {
        guard let preemption else { return settings.stopTimeout }
        return min(settings.stopTimeout, max(.zero, preemption.killBy - now.instant))
    }

    /// Signals of people, for the leader; a pause ends by its own command.
    private mutating func passOn(_ number: Int32) {
        if isPaused, number == Self.sigcont { return }
        if phase == .running, attempt?.pid != nil {
            orders.add(.signalLeader(number))
        } else if phase == .running || troubles.isShort {
            signals.hold(number)
        }
    }

    private mutating func terminateLeader() {
        signals.signal(Self.sigterm, isStarting: attempt?.pid == nil, &orders)
    }

    /// The final request was answered, or cannot be any more.
    mutating func finalRequestEnded(made: Bool, at now: Moment) {
        guard stop?.finalRequestEnded(made: made) == true else { return }
        tellToStop(politely: made, at: now)
    }

    mutating func stopDeadlinePassed(at now: Moment) {
        guard stop != nil else { return }
        if stop?.stage == .asking {
            if let request = requestBook.open, request.final, !endUnfinished(at: now) {
                endUnanswered(request, at: now)
            }
            finalRequestEnded(made: false, at: now)
        }
        if stop?.restarts == false { changeEnding { $0.abandonCommits() } }
        if phase == .gathering { finishStopped(at: now) }
        concludeIfOver(at: now)
    }

    private mutating func endWaitForJob(at now: Moment) {
        switch stop?.stage {
        case .asking:
            tellToStop(politely: false, at: now)
        case .telling where stop?.spares == true:
            orders.cancel(.terminate)
            terminateTimePassed()
        case .telling, .killing, nil:
            break
        }
    }

    mutating func terminateTimePassed() {
        guard phase == .running, stop?.terminate() == true else { return }
        terminateLeader()
    }

    mutating func killTimePassed(at now: Moment) {
        switch phase {
        case .running, .ending:
            stop?.kill()
            orders.add(.killEverything)
        case .idle, .clearing, .gathering, .choosing, .recording, .waiting, .closing, .finished:
            break
        }
    }

    func isPastDeadline(at now: Moment) -> Bool {
        stop?.isPastDeadline(at: now.instant) ?? false
    }
}
