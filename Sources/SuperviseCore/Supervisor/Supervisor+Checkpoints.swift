import SuperviseFormats

/// The checkpoints: what is kept, what goes, and what operators ask of them.
extension Supervisor {
    /// Committed and not found bad, in order of sequence.
    package var checkpoints: [CheckpointSummary] { kept.all }

    /// Ordered to be removed, and not yet answered.
    package var leaving: [CheckpointSummary] { kept.leaving }

    /// Which checkpoint continued from which.
    package var lineage: Lineage { kept.lineage }

    /// nil where `pins.json` does not tell: then nothing is removed.
    package var pins: Set<CheckpointID>? { pinBook.ids }

    /// Changes of pins, of which the first is being written.
    package var pinning: [PinBook.Change] { pinBook.changes }

    var protection: Protection {
        let choosing: CheckpointID? = if case .choosing(let id) = phase { id } else { nil }
        return Protection(
            pinned: pinBook.protected, resumed: resumePoint.protected(choosing: choosing),
            suspects: history.suspects)
    }

    var removalFacts: CheckpointSet.Facts {
        CheckpointSet.Facts(
            protection: protection, retaken: watch.retaken)
    }

    mutating func removeByRules() { kept.removeByRules(removalFacts, &orders) }

    /// Those that are held stay until their readers have ended.
    ///
    /// - Parameter isRead: somebody reads what is held; else the disk fails.
    mutating func removed(
        _ gone: [CheckpointID], held: [CheckpointID], isRead: Bool, at now: Moment
    ) {
        if isClosing {
            kept.removedAtEnd(gone, held: held, isRead: isRead, removalFacts, &orders)
            publishAgain(at: now)
            if !kept.isRemoving { flushed(.removals) }
            return
        }
        for id in gone { history.trust(id) }
        watch.removed(gone)
        kept.removed(gone, held: held, isRead: isRead, removalFacts, &orders)
        history.setBranches(kept.lineage.forks)
        publisher.noteChange()
        useRoom(isMore: !gone.isEmpty, at: now)
        followShortage(isMore: !gone.isEmpty, at: now)
    }

    mutating func released(_ id: CheckpointID) {
        if kept.released(id), phase != .gathering { removeByRules() }
        if isClosing, !kept.isRemoving { flushed(.removals) }
    }

    /// What no rule keeps goes before the end of the run, as far as there is time.
    mutating func removeAtEnd() {
        // A start that was stopped before its first attempt leaves the checkpoints as it found them.
        guard resumePoint.hasChosen, !history.isFirstSpawn else { return }
        kept.removeLast(removalFacts, &orders)
    }

    /// What is not gone when the time for it is over.
    mutating func tellUnremoved() {
        let left = kept.unremoved
        guard let first = left.first else { return }
        let names = left.count == 1 ? "checkpoint \(first)" : "\(left.count) checkpoints"
        orders.add(
            .tell(
                "not removed, though no rule keeps it: \(names), as somebody is reading or the disk is "
                    + "slow; to remove it later: supervise prune \(record.name)"))
    }

    /// Compresses one checkpoint after the other, while the job runs and nothing is committed.
    mutating func compressNext() {
        guard settings.compression != nil, phase == .running, attempt?.pid != nil, stop == nil,
            commits.isEmpty
        else { return }
        kept.compressNext(resumed: attempt?.resume?.id, removalFacts, &orders)
    }
}
