import SuperviseFormats

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
