import SuperviseFormats

/// Which checkpoints are pinned, and the changes of that which are on their way to the disk.
package struct PinBook: Sendable {
    /// A pin that is set or taken away, for whoever asked.
    package struct Change: Equatable, Sendable {
        let id: CheckpointID
        let isPinned: Bool
        let sender: Sender
    }

    /// What is said where ``ids`` is nil.
    static let unreadable =
        "pins.json cannot be read, so nothing is pinned, unpinned or removed until it is mended"

    /// nil where `pins.json` does not tell: then nothing is removed.
    package private(set) var ids: Set<CheckpointID>?
    /// The first is being written.
    package private(set) var changes: [Change] = []

    init(_ ids: Set<CheckpointID>?) { self.ids = ids }

    /// Those that stay: until it is durable that one is no longer pinned, it is.
    var protected: Set<CheckpointID>? { ids.map { $0.union(changes.map(\.id)) } }

    /// - Parameter exists: there is such a checkpoint.
    mutating func change(
        _ id: CheckpointID, isPinned: Bool, exists: Bool, _ sender: Sender,
        _ orders: inout Orders
    ) {
        guard ids != nil else { return orders.refuse(sender, .io, Self.unreadable) }
        guard !isPinned || exists else {
            return orders.refuse(sender, .unknownCheckpoint, "there is no checkpoint \(id)")
        }
        changes.append(Change(id: id, isPinned: isPinned, sender: sender))
        if changes.count == 1 { writeNext(&orders) }
    }

    private var next: Set<CheckpointID> {
        guard let change = changes.first, var ids else { return [] }
        if change.isPinned { ids.insert(change.id) } else { ids.remove(change.id) }
        return ids
    }

    private func writeNext(_ orders: inout Orders) {
        if !changes.isEmpty { orders.add(.savePins(next)) }
    }

    /// - Parameter error: why the pins on the disk are as they were; nil where they are changed.
    mutating func saved(_ error: ProtocolError?, _ orders: inout Orders) {
        guard let change = changes.first else { return }
        if let error {
            orders.answer(.error(error), to: change.sender)
        } else {
            ids = next
            orders.answer(.ok, to: change.sender)
        }
        changes.removeFirst()
        writeNext(&orders)
    }
}

extension RetentionPlan.Reasons {
    /// What somebody is told who wants to delete a checkpoint that is protected; nil where it is not.
    package func refusal(of id: CheckpointID) -> String? {
        let protecting = intersection(.protecting)
        if protecting.isEmpty { return nil }
        if protecting.contains(.perhapsPinned) { return PinBook.unreadable }
        if protecting.contains(.pinned) {
            return "checkpoint \(id) is pinned; unpin it first"
        }
        if protecting.contains(.resumed) {
            return "checkpoint \(id) is the one that the job resumed from, and stays"
        }
        return "checkpoint \(id) is the newest good one, and stays"
    }
}

/// Checkpoints that the rules remove and that are still there, as somebody reads them. Each goes as soon
/// as its reader has ended.
struct Holds: Equatable, Sendable {
    /// Those that are due to go.
    private(set) var ids: Set<CheckpointID> = []
    /// The end of the reading of these was asked for, and not told yet.
    private var awaited: Set<CheckpointID> = []

    /// Some could not be removed.
    ///
    /// - Parameter isRead: by somebody; else the disk does not let go of them, and they are tried again
    ///   with the next removal.
    /// - Returns: those whose end of being read is to be waited for from now on.
    mutating func stayed(_ ids: Set<CheckpointID>, isRead: Bool) -> [CheckpointID] {
        self.ids.formUnion(ids)
        guard isRead else { return [] }
        let new = ids.subtracting(awaited).sorted()
        awaited.formUnion(new)
        return new
    }

    /// They are ordered to go.
    mutating func subtract(_ going: Set<CheckpointID>) { ids.subtract(going) }

    /// Nobody reads it any more.
    ///
    /// - Returns: whether it was due to go.
    mutating func released(_ id: CheckpointID) -> Bool {
        awaited.remove(id)
        return ids.remove(id) != nil
    }

    /// None of them is due any more.
    mutating func forget() { ids = [] }

    /// Some go when their readers have ended.
    var isWaiting: Bool { !ids.isDisjoint(with: awaited) }
}

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
