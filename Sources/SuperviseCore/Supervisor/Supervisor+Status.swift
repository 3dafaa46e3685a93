import SuperviseFormats

/// What people and tools are told, and where the time went.
extension Supervisor {
    mutating func publishIfChanged(at now: Moment) {
        guard !isClosing, phase != .idle else { return }
        let key = statusKey
        if publisher.isDue(key, at: now, &orders) {
            publisher.publish(status(at: now), key, at: now, &orders)
        }
    }

    mutating func publishNow(at now: Moment) {
        publisher.publish(status(at: now), statusKey, at: now, &orders)
    }

    private var statusKey: StatusPublisher.Key {
        .init(
            phase: publicPhase, attempt: record.attempt, pid: attempt?.pid,
            commits: record.commits, newest: checkpoints.last?.id, failures: record.failures.total,
            requests: requests, incomplete: watch.incomplete, sources: notices.statusOfSources,
            deadline: preemption?.entry.deadlineToRead,
            notice: preemption.map { [$0.source, $0.notice.action.rawValue] } ?? [])
    }

    package var manager: ServiceManager? { service.manager }

    /// After every event.
    mutating func tellServiceManager(at now: Moment) {
        guard phase != .idle, phase != .finished else { return }
        service.follow(
            stop, isClosing: isClosing, stopTimeout: settings.stopTimeout, at: now, &orders)
    }

    private var publicPhase: Status.Phase {
        switch phase {
        case .finished: return .finished
        case .closing:
            return closing?.stage == .flushing && record.outcome != nil ? .finished : .stopping
        default: break
        }
        if stop != nil { return .stopping }
        if isPaused { return .paused }
        return switch phase {
        case .idle, .clearing, .gathering, .choosing, .recording: .starting
        case .running, .ending: .running
        case .waiting: .backoff
        case .closing, .finished: .finished
        }
    }

    /// The whole status as it is now.
    package func status(at now: Moment) -> Status {
        var status = Status(
            name: record.name, phase: publicPhase, command: record.command,
            supervisorPID: record.supervisorPID, attempt: record.attempt, started: started,
            updated: now.wall)
        status.place = place
        status.jobPID = attempt?.pid
        status.socket = publicPhase == .finished ? nil : socket
        status.failures = record.failures.withoutProgress
        let isVerifying = if case .choosing = phase { true } else { false }
        status.progress = progress.shown(
            isVerifying: isVerifying, shortage: phase == .waiting ? troubles.shortage : nil)
        status.setCheckpoints(checkpoints)
        status.checkpoints += leaving.count
        status.checkpointBytes += leaving.sizeOnDisk
        status.toBeRemoved = kept.outstandingRemovals(pinned: pins ?? [])
        status.nextCheckpoint = nextCheckpointTime(at: now)
        status.schedule = schedule.status(record.experience, wasAsked: requestBook.wasAsked)
        status.resumedFrom = attempt?.resume?.id
        status.suspect = resumePoint.passedOver(of: kept.all, history)
        status.setAside = resumePoint.setAside.map { .init(id: $0.id, reason: $0.reason) }
        status.incomplete = watch.incompleteToShow
        status.requests = requests
        status.ownSaves = saves.counts
        status.lastFailure = record.failures.last
        status.givenUp = history.givenUp
        status.finalCheckpointLost = requestBook.isFinalLost
        status.unfinished = saves.unfinished
        status.totals = record.totals
        status.totals.isKnown = knowsLosses
        status.output = publisher.output
        status.preemption = notices.status(
            isStopping: stop != nil, saved: checkpoints.last?.id, knowsLosses: knowsLosses, at: now)
        status.outcome = publicPhase == .finished ? record.outcome : nil
        return status
    }

    private func nextCheckpointTime(at now: Moment) -> Timestamp? {
        guard phase == .running, stop == nil, requestBook.open == nil,
            let due = orders.due(.interval), due > now.instant
        else { return nil }
        return now.wall(at: due + schedule.lead)
    }

    /// The time since the last event belongs to what was going on then.
    mutating func account(for event: Event, until now: Instant) {
        guard phase != .finished else { return }
        var stood = Duration.zero
        if case .stoodStill(let time) = event { stood = time }
        history.account(
            until: now, runs: phase == .running && clock.pausedAt == nil, stood: stood,
            isKnown: knowsLosses)
    }
}
