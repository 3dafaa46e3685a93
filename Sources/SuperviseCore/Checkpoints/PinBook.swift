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
