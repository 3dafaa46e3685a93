import SuperviseFormats

/// Operators who wait until checkpoints are removed, or are found to be held.
struct Removers: Sendable {
    private struct Remover {
        let sender: Sender
        /// The only one that is meant, and is to be answered for by itself.
        let single: CheckpointID?
        var waitsFor: Set<CheckpointID>
        var pruned = SupervisorMessage.Pruned(removed: 0, bytes: 0, held: 0)
    }

    private var waiting: [Remover] = []

    mutating func wait(for id: CheckpointID, _ sender: Sender) {
        waiting.append(Remover(sender: sender, single: id, waitsFor: [id]))
    }

    mutating func wait(for ids: Set<CheckpointID>, _ sender: Sender) {
        waiting.append(Remover(sender: sender, single: nil, waitsFor: ids))
    }

    /// Answers those who wait for nothing else.
    mutating func removed(
        _ gone: [CheckpointSummary], held: Set<CheckpointID>, _ orders: inout Orders
    ) {
        for index in waiting.indices {
            for summary in gone where waiting[index].waitsFor.remove(summary.id) != nil {
                waiting[index].pruned.removed += 1
                waiting[index].pruned.bytes += summary.sizeOnDisk
            }
            let before = waiting[index].waitsFor.count
            waiting[index].waitsFor.subtract(held)
            waiting[index].pruned.held += before - waiting[index].waitsFor.count
        }
        for remover in waiting where remover.waitsFor.isEmpty { answer(remover, &orders) }
        waiting.removeAll { $0.waitsFor.isEmpty }
    }

    private func answer(_ remover: Remover, _ orders: inout Orders) {
        if let id = remover.single, remover.pruned.held > 0 {
            orders.refuse(
                remover.sender, .conflict,
                "checkpoint \(id) stays: somebody is reading it; try again when that has ended")
        } else {
            orders.answer(.pruned(remover.pruned), to: remover.sender)
        }
    }
}
