import SuperviseFormats

/// A restart that was asked for: the stop ladder, and then another attempt.
///
/// It is no failure, and no exit of the job completes the run. It is bounded as a stop is, but for
/// what must not be cut short: a second job is never started beside what is left of the first, nor
/// before what that committed is durable. Operators are answered when the next attempt is up.
extension Supervisor {
    mutating func controlRestart(_ sender: Sender, withCheckpoint: Bool, at now: Moment) {
        if let stop, !stop.restarts {
            orders.refuse(sender, .stopping, "the run is stopping")
            return
        }
        if case .ending = phase, stop == nil {
            orders.refuse(
                sender, .conflict,
                "the job has just ended by itself; look at the status and ask again")
            return
        }
        guard preemption == nil else {
            orders.refuse(
                sender, .stopping, "the machine is being taken away, and the run ends with it")
            return
        }
        startWaiters.awaitRestart(sender, after: attemptBeforeRestart)
        guard stop == nil else { return }
        goOn(at: now)
        switch phase {
        case .running:
            beginStop(
                by: "control restart", signal: Self.sigterm, withCheckpoint: withCheckpoint,
                restarts: true, at: now)
        case .waiting:
            orders.cancel(.backoff)
            choose(at: now)
        case .idle, .clearing, .gathering, .choosing, .recording, .ending, .closing, .finished:
            break  // It is only just being started.
        }
    }

    /// Somebody wants an end after all: what was begun goes on, and its bounds count from now.
    mutating func endInstead(
        by name: String, signal: Int32, withCheckpoint: Bool, at now: Moment
    ) {
        let isPreempted = preemption != nil
        stop?.endInstead(
            signal: signal, preempts: isPreempted, by: now.instant + settings.checkpointTimeout,
            at: now.instant)
        guard let stop else { return }
        let isAsking = stop.stage == .asking
        if attempt != nil { orders.add(.widenReaders) }
        if !isAsking { orders.set(.stopDeadline, after: settings.checkpointTimeout, at: now) }
        let left = max(0, (stop.deadline - now.instant).seconds)
        let seconds = isAsking && withCheckpoint ? left : nil
        orders.log(.stopRequested(.init(by: name, deadline: seconds, count: 1)))
        if isAsking {
            if !withCheckpoint { tellToStop(politely: false, at: now) }
        } else {
            abandon(by: (orders.due(.kill) ?? now.instant) + .seconds(1), at: now)
        }
    }

    /// An attempt has ended as it should, and the next one begins.
    mutating func startAgain(_ reason: RunEvent.Restarting.Reason, at now: Moment) {
        guard let attempt, case .ending(let ending) = phase else { return }
        var wait = Duration.zero
        switch reason {
        case .asked:
            if knowsLosses { history.lose(seconds: (ending.at - attempt.securedAt).seconds) }
        case .always:
            _ = history.noteEnd(
                ending.end, failed: false, lived: ending.at - attempt.startedAt)
            wait = Backoff.wait(
                afterFailures: record.failures.withoutProgress, range: settings.backoff,
                jitter: Double.random(in: -1...1, using: &random))
        }
        stop = nil
        history.attemptEnded()
        orders.log(
            .restarting(
                .init(attempt: attempt.number, reason: reason, backoff: wait.seconds)))
        waitToRestart(wait, at: now)
    }
}

/// A pause: the whole job stands still, and no time counts for it, until somebody lets it go on.
///
/// A pause outlives the attempt: what ends in it is not started again before it is over.
extension Supervisor {
    package var isPaused: Bool { clock.pausedAt != nil }

    mutating func pause(_ sender: Sender, at now: Moment) {
        guard stop == nil else {
            orders.refuse(sender, .stopping, "the job is being stopped, and cannot be paused")
            return
        }
        orders.answer(.ok, to: sender)
        guard !isPaused else { return }
        clock.pause(at: now.instant)
        orders.holdTimers(at: now.instant)
        if phase == .running, attempt?.pid != nil { orders.add(.pauseJob) }
        orders.log(.paused(.init(attempt: record.attempt)))
    }

    mutating func unpause(_ sender: Sender, at now: Moment) {
        orders.answer(.ok, to: sender)
        goOn(at: now)
    }

    mutating func goOn(at now: Moment) {
        guard let since = clock.pausedAt else { return }
        clock.goOn(at: now.instant)
        orders.letTimersGo(at: now.instant)
        if phase == .running, attempt?.pid != nil { orders.add(.unpauseJob) }
        orders.log(
            .unpaused(
                .init(attempt: record.attempt, seconds: (now.instant - since).seconds)))
    }
}

/// The timers that are set, and time that does not count for them.
extension Supervisor {
    package var alarms: Alarms { orders.alarms }

    mutating func stoodStill(for time: Duration, at now: Moment) {
        clock.stoodStill(for: time)
        stop?.delay(by: time)
        closing?.delay(by: time)
        requestBook.delay(by: time)
        orders.delayTimers(by: time)
        // The machine did not wait for us.
        tighten(at: now)
    }
}

/// How much time has passed in which the job could do something.
///
/// It stands still while the job is paused, or was stopped together with us (Ctrl-Z). That a whole
/// machine is suspended is nothing to it: the monotonic clock stands still by itself then.
package struct JobClock: Equatable, Sendable {
    /// How long it stood still, apart from a pause that goes on; in nanoseconds.
    private var stood: Int64 = 0
    /// Since when the job is paused.
    package private(set) var pausedAt: Instant?

    /// What it shows when the monotonic clock shows `now`.
    func reading(at now: Instant) -> Instant {
        Instant(nanoseconds: min(now, pausedAt ?? now).nanoseconds - stood)
    }

    mutating func pause(at now: Instant) {
        pausedAt = pausedAt ?? now
    }

    mutating func goOn(at now: Instant) {
        guard let since = pausedAt else { return }
        pausedAt = nil
        stood += now.nanoseconds - since.nanoseconds
    }

    /// It stood still for so long until now, and nobody knew of it. A pause counts it by itself.
    mutating func stoodStill(for time: Duration) {
        if pausedAt == nil { stood += (Instant(nanoseconds: 0) + time).nanoseconds }
    }
}
