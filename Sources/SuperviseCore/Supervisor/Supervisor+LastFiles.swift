import SuperviseFormats

/// What may end processes of the job while they write: see ``LastCloses``.
extension Supervisor {
    /// Before a signal that may end its receiver: whether it does. After it, that cannot be seen.
    mutating func noteFatalSignals(at now: Moment) {
        for action in orders.actions { signals.note(action, at: now.instant) }
        guard watch.isWatching, attempt != nil else { return }
        for action in orders.actions {
            switch action {
            case .signalLeader(Self.sigterm): attempt?.lastCloses.wasTerminated(at: now.instant)
            case .killEverything:
                attempt?.lastCloses.wasKilled(at: now.instant, leaderRuns: phase == .running)
            default: break
            }
        }
        orders.insert { action in
            switch action {
            case .signalLeader(Self.sigterm): .lookForHandlers(.leader)
            case .endDescendants(.politely): .lookForHandlers(.descendants)
            default: nil
            }
        }
    }
}
