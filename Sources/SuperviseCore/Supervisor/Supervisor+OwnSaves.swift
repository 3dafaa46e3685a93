import SuperviseFormats

/// Checkpoints that the job makes by itself: those that fail are logged and counted, with the reason.
extension Supervisor {
    /// The job gave it up.
    mutating func ownSaveAborted(_ id: CheckpointID, _ error: String, at now: Moment) {
        orders.log(.checkpointFailed(.init(id: id, request: nil, error: error)))
        countOwnFailure(id, error, at: now)
    }

    /// It was open, and nobody can commit it any more. A request has an end of its own.
    mutating func noteDropped(
        _ open: Attempt.OpenCheckpoint, _ reason: RunEvent.CheckpointDropped.Reason, at now: Moment
    ) {
        guard open.request == nil else { return }
        orders.log(.checkpointDropped(.init(id: open.id, reason: reason)))
        countOwnFailure(open.id, reason.text, at: now)
    }

    /// The event is logged already. The status tells it as often as it tells progress.
    ///
    /// - Parameter id: nil if the job had not begun it.
    mutating func countOwnFailure(_ id: CheckpointID?, _ error: String, at now: Moment) {
        ownSaves.failed += 1
        ownSaves.lastError = .init(id: id, error: error, at: now.wall)
        publisher.noteChange()
    }
}
