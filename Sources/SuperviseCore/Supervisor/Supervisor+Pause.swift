import SuperviseFormats

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
