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
            retaken: namedSteps.replaceRetakes ? takenPaths.repeated : [])
    }

    mutating func remove(_ removals: [CheckpointID]) {
        guard !removals.isEmpty else { return }
        let going = Set(removals)
        leaving += checkpoints.filter { going.contains($0.id) }
        checkpoints.removeAll { going.contains($0.id) }
        actions.append(.remove(removals))
    }

    /// In order of sequence, however many there are.
    mutating func putBack(_ summaries: [CheckpointSummary]) {
        for summary in summaries {
            let place = checkpoints.lastIndex { $0.id < summary.id }.map { $0 + 1 } ?? 0
            checkpoints.insert(summary, at: place)
        }
    }

    /// Those that are held stay, and are looked at again after the next commit.
    mutating func removed(_ gone: [CheckpointID], held: [CheckpointID], at now: Moment) {
        for id in gone { record.failures.suspects[id.description] = nil }
        takenPaths.forget(gone)
        tellRemoved(gone)
        let stayed = Set(held)
        let answered = stayed.union(gone)
        putBack(leaving.filter { stayed.contains($0.id) })
        let left = leaving.filter { answered.contains($0.id) && !stayed.contains($0.id) }
        leaving.removeAll { answered.contains($0.id) }
        for id in answered { limited[id] = nil }
        tidyBranches()
        answerRemovers(gone: left, held: stayed)
        useRoom(isMore: !gone.isEmpty, at: now)
        followShortage(isMore: !gone.isEmpty, at: now)
    }
}

extension CheckpointSummary {
    /// The room that it takes on the disk, in bytes.
    var size: Int64 { compressedBytes ?? bytes }
}
