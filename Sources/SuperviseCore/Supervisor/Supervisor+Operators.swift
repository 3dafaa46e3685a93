import SuperviseFormats

/// What operators ask of the checkpoints that are kept: to pin, to delete, to prune.
extension Supervisor {
    /// A pin that is set or taken away, for whoever asked.
    package struct PinChange: Equatable, Sendable {
        let id: CheckpointID
        let isPinned: Bool
        let sender: Sender
    }

    /// Who waits until some are removed, or are found to be held.
    struct Remover: Equatable, Sendable {
        let sender: Sender
        /// The only one that is meant, and is to be answered for by itself.
        let single: CheckpointID?
        var waitsFor: Set<CheckpointID>
        var pruned = SupervisorMessage.Pruned(removed: 0, bytes: 0, held: 0)
    }

    static let pinsUnknown =
        "pins.json cannot be read, so nothing is pinned, unpinned or removed until it is mended"

    private static let tooEarly =
        "the run is only just starting, and any checkpoint may be needed; try again"

    mutating func changePin(of id: CheckpointID, isPinned: Bool, _ sender: Sender) {
        guard pins != nil else {
            orders.refuse(sender, .io, Self.pinsUnknown)
            return
        }
        guard !isPinned || checkpoints.contains(where: { $0.id == id }) else {
            orders.refuse(sender, .unknownCheckpoint, "there is no checkpoint \(id)")
            return
        }
        pinning.append(PinChange(id: id, isPinned: isPinned, sender: sender))
        if pinning.count == 1 { writeNextPin() }
    }

    private var pinsToSave: Set<CheckpointID> {
        guard let change = pinning.first, var pins else { return [] }
        if change.isPinned { pins.insert(change.id) } else { pins.remove(change.id) }
        return pins
    }

    private mutating func writeNextPin() {
        if !pinning.isEmpty { orders.add(.savePins(pinsToSave)) }
    }

    mutating func pinsSaved(_ error: ProtocolError?) {
        guard let change = pinning.first else { return }
        if let error {
            orders.answer(.error(error), to: change.sender)
        } else {
            pins = pinsToSave
            orders.answer(.ok, to: change.sender)
        }
        pinning.removeFirst()
        writeNextPin()
    }

    mutating func delete(_ id: CheckpointID, _ sender: Sender) {
        guard checkpoints.contains(where: { $0.id == id }) else {
            orders.refuse(sender, .unknownCheckpoint, "there is no checkpoint \(id)")
            return
        }
        guard hasChosen else {
            orders.refuse(sender, .conflict, Self.tooEarly)
            return
        }
        if let reason = reasonToKeep(id) {
            orders.refuse(sender, .conflict, reason)
            return
        }
        removers.append(Remover(sender: sender, single: id, waitsFor: [id]))
        remove([id])
    }

    private func reasonToKeep(_ id: CheckpointID) -> String? {
        RetentionPlan.protecting(id, among: checkpoints, protection).refusal(of: id)
    }

    mutating func prune(_ sender: Sender) {
        guard pins != nil else {
            orders.refuse(sender, .io, Self.pinsUnknown)
            return
        }
        guard hasChosen else {
            orders.refuse(sender, .conflict, Self.tooEarly)
            return
        }
        let removals = removeByRules()
        guard !removals.isEmpty else {
            orders.answer(.pruned(.init(removed: 0, bytes: 0, held: 0)), to: sender)
            return
        }
        removers.append(Remover(sender: sender, single: nil, waitsFor: Set(removals)))
    }

    mutating func answerRemovers(gone: [CheckpointSummary], held: Set<CheckpointID>) {
        for index in removers.indices {
            for summary in gone where removers[index].waitsFor.remove(summary.id) != nil {
                removers[index].pruned.removed += 1
                removers[index].pruned.bytes += summary.sizeOnDisk
            }
            let before = removers[index].waitsFor.count
            removers[index].waitsFor.subtract(held)
            removers[index].pruned.held += before - removers[index].waitsFor.count
        }
        for remover in removers where remover.waitsFor.isEmpty { answerRemover(remover) }
        removers.removeAll { $0.waitsFor.isEmpty }
    }

    private mutating func answerRemover(_ remover: Remover) {
        if let id = remover.single, remover.pruned.held > 0 {
            orders.refuse(
                remover.sender, .conflict,
                "checkpoint \(id) stays: somebody is reading it; try again when that has ended")
        } else {
            orders.answer(.pruned(remover.pruned), to: remover.sender)
        }
    }
}

extension RetentionPlan.Reasons {
    /// What somebody is told who wants to delete a checkpoint that is protected; nil where it is not.
    package func refusal(of id: CheckpointID) -> String? {
        let protecting = intersection(.protecting)
        if protecting.isEmpty { return nil }
        if protecting.contains(.perhapsPinned) { return Supervisor.pinsUnknown }
        if protecting.contains(.pinned) {
            return "checkpoint \(id) is pinned; unpin it first"
        }
        if protecting.contains(.resumed) {
            return "checkpoint \(id) is the one that the job resumed from, and stays"
        }
        return "checkpoint \(id) is the newest good one, and stays"
    }
}
