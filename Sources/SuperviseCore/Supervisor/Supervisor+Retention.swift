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
            pinned: pins.map { $0.union(changing) }, resumed: resumed, suspects: suspects,
            apart: apart)
    }

    var retentionPlan: RetentionPlan {
        RetentionPlan(checkpoints, rules: settings.retention, protection: protection)
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
        if !gone.isEmpty { log(.removed(.init(ids: gone))) }
        let stayed = Set(held)
        let answered = stayed.union(gone)
        putBack(leaving.filter { stayed.contains($0.id) })
        let left = leaving.filter { answered.contains($0.id) && !stayed.contains($0.id) }
        leaving.removeAll { answered.contains($0.id) }
        answerRemovers(gone: left, held: stayed)
        useRoom(isMore: !gone.isEmpty, at: now)
        followShortage(isMore: !gone.isEmpty, at: now)
    }
}

/// On a full disk that we found full ourselves: as much as the newest checkpoint takes, and if that is
/// not enough, all that is not protected; said aloud, and tried again each time.
extension Supervisor {
    mutating func diskFull(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        if let open = attempt?.open, open.id == id, open.begin != nil {
            if let room = makeRoom(for: id, after: open.room) {
                attempt?.open?.room = room
                attempt?.open?.waitsForRoom = true
                return
            }
        } else if let last = committing.last, last.id == id {
            if let room = makeRoom(for: id, after: last.room) {
                committing[committing.count - 1].room = room
                committing[committing.count - 1].waitsForRoom = true
                return
            }
        }
        // What came after it is tried by itself, and is newer.
        actions.append(.dropStaging(id))
        commitFailed(id, error, at: now)
    }

    /// - Returns: how much is on its way out; nil where nothing is.
    private mutating func makeRoom(for id: CheckpointID, after room: RoomMade) -> RoomMade? {
        guard hasChosen, room != .all else { return nil }
        let needed = room == .none ? checkpoints.last?.size : nil
        let removals = RoomPlan(checkpoints, protection: protection, needed: needed).removals
        let rest = RoomPlan(checkpoints, protection: protection, needed: nil).removals
        clear(removals, so: "trying \(id) once more")
        guard !leaving.isEmpty else { return nil }
        return rest.count == removals.count ? .all : .some
    }

    /// Removes what the rules keep.
    ///
    /// - Parameter next: what happens then.
    mutating func clear(_ removals: [CheckpointID], so next: String) {
        guard !removals.isEmpty else { return }
        let what = removals.count == 1 ? "checkpoint" : "checkpoints"
        let names =
            removals.count > 5
            ? "\(removals.count) \(what)"
            : "\(what) " + removals.map(\.description).joined(separator: ", ")
        let message = "the disk is full: removing \(names), whatever the rules say, and \(next)"
        log(.warning(.init(message: message)))
        remove(removals)
    }

    /// - Parameter isMore: something has gone, and so there may be room.
    private mutating func useRoom(isMore: Bool, at now: Moment) {
        guard isMore || leaving.isEmpty else { return }
        if let open = attempt?.open, open.waitsForRoom {
            attempt?.open?.waitsForRoom = false
            if stop == nil || stop?.stage == .asking {
                actions.append(.makeStaging(open.id))
            } else {
                let refusal = ProtocolError(.stopping, "the run is stopping; nothing new is saved")
                actions.append(.dropStaging(open.id))
                commitFailed(open.id, refusal, at: now)
            }
        }
        for index in committing.indices where committing[index].waitsForRoom {
            committing[index].waitsForRoom = false
            actions.append(committing[index].action)
        }
    }
}

extension CheckpointSummary {
    /// What it takes of the disk, in bytes.
    var size: Int64 { compressedBytes ?? bytes }
}
