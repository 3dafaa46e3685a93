import SuperviseFormats

/// On a disk that we found full ourselves: old output and old events go first, then archived runs, the
/// oldest first, then as many checkpoints as the newest one takes room, then all that is not protected. All of it is said aloud,
/// and after each of them the order is given once more.
extension Supervisor {
    mutating func diskFull(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        guard waitForRoom(id) else {
            // What came after it is tried by itself, and is newer.
            giveUp(id, error, at: now)
            return
        }
        archives.waiting.append(.init(id: id, error: error))
        clearLogs()
    }

    private mutating func giveUp(_ id: CheckpointID, _ error: ProtocolError, at now: Moment) {
        archives.tried = []
        logs.begin()
        orders.add(.dropStaging(id))
        commitFailed(id, error, at: now)
    }

    /// - Returns: false where room was made for it already, or a newer one is on its way.
    private mutating func waitForRoom(_ id: CheckpointID) -> Bool {
        if let open = attempt?.open, open.id == id, open.begin != nil {
            if open.room == .all { return false }
            attempt?.open?.waitsForRoom = true
            return true
        }
        guard commits.newest == id, let commit = commits[id], commit.room != .all else {
            return false
        }
        commits.change(id) { $0.stage = .waitingForRoom }
        return true
    }

    /// No archived run is left that may go.
    mutating func clearCheckpoints(at now: Moment) {
        guard !logs.isOrdered else { return }
        let waiting = archives.waiting
        archives.waiting = []
        for one in waiting where isWaitingForRoom(one.id) {
            if let room = makeRoom(for: one.id, after: roomMade(for: one.id)) {
                if attempt?.open?.id == one.id { attempt?.open?.room = room }
                commits.change(one.id) { $0.room = room }
            } else {
                giveUp(one.id, one.error, at: now)
            }
        }
    }

    private func isWaitingForRoom(_ id: CheckpointID) -> Bool {
        if let open = attempt?.open, open.id == id { return open.waitsForRoom }
        return commits[id]?.waitsForRoom == true
    }

    private func roomMade(for id: CheckpointID) -> RoomMade {
        if let open = attempt?.open, open.id == id { return open.room }
        return commits[id]?.room ?? .all
    }

    /// - Returns: how much is on its way out; nil where nothing is.
    private mutating func makeRoom(for id: CheckpointID, after room: RoomMade) -> RoomMade? {
        guard resumePoint.hasChosen, room != .all else { return nil }
        let needed = room == .none ? kept.newest?.sizeOnDisk : nil
        let removals = kept.removalsForRoom(needed, protection)
        let rest = kept.removalsForRoom(nil, protection)
        kept.clear(removals, so: "trying \(id) once more", &orders)
        guard !leaving.isEmpty else { return nil }
        return rest.count == removals.count ? .all : .some
    }

    /// - Parameter isMore: something has gone, and so there may be room.
    mutating func useRoom(isMore: Bool, at now: Moment) {
        guard isMore || leaving.isEmpty else { return }
        archives.waiting = []
        if let open = attempt?.open, open.waitsForRoom {
            attempt?.open?.waitsForRoom = false
            if stop == nil || stop?.stage == .asking {
                orders.add(.makeStaging(open.id))
            } else {
                let refusal = ProtocolError(.stopping, "the run is stopping; nothing new is saved")
                orders.add(.dropStaging(open.id))
                commitFailed(open.id, refusal, at: now)
            }
        }
        commits.tryAgain()
    }
}
