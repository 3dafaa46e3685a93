import SuperviseFormats

/// The last steps of a stop: what does not end is left, so that a stop is bounded.
extension Supervisor {
    /// A later bound never takes the place of an earlier one, once a stop was asked for; and the
    /// machine may be gone before.
    mutating func abandon(by due: Instant, at now: Moment) {
        var due = preemption.map { min(due, $0.endBy) } ?? due
        due = stop?.abandon(by: due) ?? due
        orders.set(.abandon, after: max(.zero, due - now.instant), at: now)
    }

    mutating func abandonEverything(at now: Moment) {
        stop?.kill()
        switch phase {
        case .running:
            orders.add(.killEverything)
        case .ending:
            orders.add(.killEverything)
            changeEnding { $0.abandonCommits() }
            concludeIfOver(at: now)
        case .gathering:
            finishStopped(at: now)
        case .idle, .clearing, .choosing, .recording, .waiting, .closing, .finished:
            break
        }
        guard !isClosing else { return }
        if let due = stop?.abandonAt, due <= now.instant {
            abandonTimePassed(at: now)
        } else {
            abandon(by: now.instant + .seconds(1), at: now)
        }
    }

    /// Something outlives SIGKILL, or the disk does not answer. A stop is bounded all the same, and
    /// a completed run ends; but a second job is never started beside it.
    mutating func abandonTimePassed(at now: Moment) {
        // The machine does not wait for what was killed.
        let left = preemption.map { max(.zero, $0.endBy - now.instant) }
        let time = timeToDie(at: now)
        let wait = left.map { min(time, $0) } ?? time
        if wait > .zero { return orders.set(.abandon, after: wait, at: now) }
        switch phase {
        case .clearing where stop != nil:
            leaveAsFound(at: now)
        case .clearing:
            orders.warn(
                "\(troubles.earlierAttemptLives); starting nothing before it is gone")
        case .running where stop.map(\.restarts) ?? true:
            warnOfOutliving(at: now)
        case .running:
            stop?.leaveLeader()
            concludeIfOver(at: now)
        case .ending(let ending):
            abandon(ending, at: now)
        case .idle, .gathering, .choosing, .recording, .waiting, .closing, .finished:
            break
        }
    }

    /// How long what is left of the job has still to end by SIGKILL, which it gets now at the latest.
    private mutating func timeToDie(at now: Moment) -> Duration {
        switch phase {
        case .running: break
        case .ending(let ending) where !ending.descendantsGone: break
        default: return .zero
        }
        if let time = signals.patience(at: now.instant) { return time }
        stop?.kill()
        orders.add(.killEverything)
        signals.note(.killEverything, at: now.instant)
        return signals.patience(at: now.instant) ?? .zero
    }

    private mutating func abandon(_ ending: EndingAttempt, at now: Moment) {
        guard stop.map({ !$0.restarts }) ?? completes(ending.end) else {
            // Else only a commit is being finished.
            if !ending.descendantsGone { warnOfOutliving(at: now) }
            return
        }
        if !ending.descendantsGone {
            orders.warn("\(troubles.attemptLives("the job")); leaving it")
        }
        let isPastDeadline = isPastDeadline(at: now)
        changeEnding {
            $0.abandonDescendants()
            if isPastDeadline { $0.abandonCommits() }
        }
        concludeIfOver(at: now)
    }

    private mutating func warnOfOutliving(at now: Moment) {
        troubles.hindered(.outliving(attempt: record.attempt), at: now, &orders)
        let lives = troubles.attemptLives("attempt \(record.attempt)")
        orders.warn("\(lives); the next one starts when it is gone")
    }

    /// Nothing was begun, and so the record on the disk stays as it is: what an earlier supervisor
    /// left behind is the next one's to end.
    mutating func leaveAsFound(at now: Moment) {
        guard let stop else { return }
        close(stop.ending, nil, at: now)
    }
}
