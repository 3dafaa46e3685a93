import SuperviseFormats

/// Checkpoints whose turn to go comes while somebody reads them, or while they are compressed.
extension Supervisor {
    /// Those of them that the rules remove go when that has ended.
    mutating func stayed(_ ids: Set<CheckpointID>, isRead: Bool) {
        guard !ids.isEmpty else { return }
        // What an operator wanted to delete stays.
        let due = ids.intersection(retentionPlan.removals)
        for id in holds.stayed(due, isRead: isRead) { orders.add(.awaitRelease(id)) }
    }

    mutating func released(_ id: CheckpointID) {
        guard holds.released(id), phase != .gathering else { return }
        _ = removeByRules()
    }

    /// Not all that was to be removed is gone: the disk fails. The next removal tries it again.
    mutating func removalFailed(_ ids: [CheckpointID], at now: Moment) {
        removed([], held: ids, isRead: false, at: now)
    }
}

/// The end of the run: what no rule keeps goes before it, as far as there is time.
extension Supervisor {
    mutating func removeAtEnd() {
        // A start that was stopped before its first attempt leaves the checkpoints as it found them.
        guard hasChosen, !isFirstSpawn else { return }
        _ = removeByRules()
        // Those that are left have been pinned, or a rule keeps them again.
        holds.forget()
    }

    /// The end waits for this, within its bound.
    var isRemovingAtEnd: Bool { !leaving.isEmpty || holds.isWaiting }

    mutating func removed(
        whileClosing gone: [CheckpointID], held: [CheckpointID], isRead: Bool, at now: Moment
    ) {
        tellRemoved(gone)
        _ = takeAnswered(gone, held: Set(held))
        stayed(Set(held), isRead: isRead)
        publishAgain(at: now)
        if !isRemovingAtEnd { flushed(.removals) }
    }

    mutating func releasedWhileClosing(_ id: CheckpointID) {
        released(id)
        if !isRemovingAtEnd { flushed(.removals) }
    }

    /// What is not gone when the time for it is over.
    mutating func tellUnremoved() {
        let left = (leaving.map(\.id) + holds.ids).sorted()
        guard let first = left.first else { return }
        let names = left.count == 1 ? "checkpoint \(first)" : "\(left.count) checkpoints"
        orders.add(
            .tell(
                "not removed, though no rule keeps it: \(names), as somebody is reading or the disk is "
                    + "slow; to remove it later: supervise prune \(record.name)"))
    }
}
