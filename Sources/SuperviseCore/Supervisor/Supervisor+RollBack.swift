import SuperviseFormats

/// Checkpoints that are passed over: attempts from them failed, or an older one was asked for.
extension Supervisor {
    /// What the options allow to resume from, in order of sequence.
    var candidates: [CheckpointID] {
        ResumeChoice.candidates(
            from: checkpoints.map(\.id), scope: settings.resumeFrom, startSequence: startSequence)
    }

    func isSuspect(_ id: CheckpointID) -> Bool {
        record.failures.suspects[id.description, default: 0] >= settings.rollbackAfter
    }

    /// The newest ones, down to the first that is not suspect; in order of sequence.
    var passedOver: [CheckpointID] {
        Array(candidates.reversed().prefix(while: isSuspect).reversed())
    }

    /// Said once for each step back, and when it is known that what is gone back to is good.
    mutating func tellOfStepBack(to id: CheckpointID) {
        let newer = checkpoints.map(\.id).filter { $0 > id }
        defer { lastBase = id }
        guard let newest = newer.last, id != lastBase else { return }
        let failed = candidates.last { $0 > id }
        let count = failed.map { record.failures.suspects[$0.description, default: 0] }
        orders.log(
            .rolledBack(
                .init(to: id, from: failed ?? newest, passed: newer.count, failures: count)))
    }
}
