import SuperviseFormats

/// What leaves, and what must not: after each commit, for an operator, and on a full disk.
extension Supervisor {
    /// Those that failed so often that an older one is tried.
    var suspects: Set<CheckpointID> {
        let ids = record.failures.suspects.filter { $0.value >= settings.rollbackAfter }.keys
        return Set(ids.compactMap { CheckpointID($0) })
    }

    var protection: Protection {
        var resumed: Set<CheckpointID> = []
        if let id = lastResumed { resumed.insert(id) }
        if case .choosing(let id) = phase { resumed.insert(id) }
        // Until it is durable that one is no longer pinned, it is.
        let changing = pinning.map(\.id)
        return Protection(
            pinned: pins.map { $0.union(changing) }, resumed: resumed, suspects: suspects)
    }

    var retentionPlan: RetentionPlan {
        RetentionPlan(
            checkpoints, rules: settings.retention, protection: protection, lineage: lineage,
            retaken: watch.retaken)
    }

    mutating func remove(_ removals: [CheckpointID]) {
        guard !removals.isEmpty else { return }
        let going = Set(removals)
        leaving += checkpoints.filter { going.contains($0.id) }
        checkpoints.removeAll { going.contains($0.id) }
        holds.subtract(going)
        // It goes when that has ended.
        if let id = compression.current, going.contains(id) { cancelCompression() }
        orders.add(.remove(removals))
    }

    /// How many are still on the disk and will go: ordered, or held until their reader has ended.
    var outstandingRemovals: Int {
        guard !holds.ids.isEmpty else { return leaving.count }
        let stay = pins ?? []
        return leaving.count
            + checkpoints.count { holds.ids.contains($0.id) && !stay.contains($0.id) }
    }

    /// In order of sequence, however many there are.
    mutating func putBack(_ summaries: [CheckpointSummary]) {
        for summary in summaries {
            let place = checkpoints.lastIndex { $0.id < summary.id }.map { $0 + 1 } ?? 0
            checkpoints.insert(summary, at: place)
        }
    }

    /// Those that are held stay until their readers have ended.
    mutating func removed(
        _ gone: [CheckpointID], held: [CheckpointID], isRead: Bool = true, at now: Moment
    ) {
        for id in gone { record.failures.suspects[id.description] = nil }
        watch.removed(gone)
        tellRemoved(gone)
        let stayed = Set(held)
        let answered = stayed.union(gone)
        let left = takeAnswered(gone, held: stayed)
        self.stayed(stayed, isRead: isRead)
        publisher.noteChange()
        for id in answered { limited[id] = nil }
        tidyBranches()
        answerRemovers(gone: left, held: stayed)
        useRoom(isMore: !gone.isEmpty, at: now)
        followShortage(isMore: !gone.isEmpty, at: now)
    }

    /// - Returns: those that have left.
    mutating func takeAnswered(
        _ gone: [CheckpointID], held: Set<CheckpointID>
    ) -> [CheckpointSummary] {
        let answered = held.union(gone)
        putBack(leaving.filter { held.contains($0.id) })
        let left = leaving.filter { answered.contains($0.id) && !held.contains($0.id) }
        leaving.removeAll { answered.contains($0.id) }
        return left
    }
}
