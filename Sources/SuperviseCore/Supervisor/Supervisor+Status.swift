import SuperviseFormats

/// What people and tools are told, and where the time went.
extension Supervisor {
    /// When the status was last told, and what of it must be told at once when it changes.
    struct Publisher: Sendable {
        var last: Key?
        var lastAt: Instant?
        var hasProgress = false
        var isWaiting = false

        struct Key: Equatable {
            var phase: Status.Phase
            var attempt: Int
            var pid: Int?
            var commits: Int
            var newest: CheckpointID?
            var failures: Int
            var requests: Status.Requests
            var incomplete: [FilePath]
            var sources: [Status.Source]
            var deadline: Timestamp?
            /// Who tells of it, and what.
            var notice: [String]
        }
    }

    /// Progress is told at most this often.
    private static let progressInterval = Duration.seconds(1)

    mutating func publishIfChanged(at now: Moment) {
        guard !isClosing, phase != .idle else { return }
        let key = publisherKey
        if key != publisher.last {
            publishNow(at: now)
        } else if publisher.hasProgress, !publisher.isWaiting {
            let due = (publisher.lastAt ?? now.instant) + Self.progressInterval
            if due <= now.instant {
                publishNow(at: now)
            } else {
                publisher.isWaiting = true
                orders.set(.publish, after: due - now.instant, at: now)
            }
        }
    }

    mutating func publishNow(at now: Moment) {
        publisher.last = publisherKey
        publisher.lastAt = now.instant
        publisher.hasProgress = false
        orders.add(.publish(status(at: now)))
        askForDiscards()
    }

    private var publisherKey: Publisher.Key {
        .init(
            phase: publicPhase, attempt: record.attempt, pid: attempt?.pid,
            commits: record.commits, newest: checkpoints.last?.id, failures: record.failures.total,
            requests: requests, incomplete: incomplete.paths, sources: notices.statusOfSources,
            deadline: preemption?.entry.deadlineToRead,
            notice: preemption.map { [$0.source, $0.notice.action.rawValue] } ?? [])
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
        status.progress = progress
        status.setCheckpoints(checkpoints)
        status.checkpoints += leaving.count
        status.checkpointBytes += leaving.sizeOnDisk
        status.toBeRemoved = kept.outstandingRemovals(pinned: pins ?? [])
        status.nextCheckpoint = nextCheckpointTime(at: now)
        status.schedule = schedule.status(record.experience, wasAsked: requestBook.wasAsked)
        status.resumedFrom = attempt?.resume?.id
        status.suspect = resumePoint.passedOver(of: kept.all, history)
        status.setAside = resumePoint.setAside.map { .init(id: $0.id, reason: $0.reason) }
        status.incomplete = incomplete.paths.map(shown)
        if case .choosing = phase, let verification { status.progress.message = verification }
        if phase == .waiting, let message = machineShortage.message {
            status.progress.message = message
        }
        status.requests = requests
        status.ownSaves = saves.counts
        status.lastFailure = record.failures.last
        status.givenUp = givenUp
        status.finalCheckpointLost = requestBook.isFinalLost
        status.unfinished = saves.unfinished
        status.totals = record.totals
        status.totals.isKnown = knowsLosses
        status.output = discards.status
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
