import SuperviseFormats

/// Decides which checkpoints are removed on a full disk, and in which order.
///
/// Nothing that is protected ever goes. Of the rest, the oldest checkpoint goes first, until what
/// goes is as large as what is needed.
package struct RoomPlan: Equatable, Sendable {
    /// In the order in which they go.
    package private(set) var removals: [CheckpointID] = []

    /// - Parameters:
    ///   - checkpoints: all that are committed and not found bad, in order of sequence.
    ///   - needed: so many bytes are to become free; nil takes all that may go.
    package init(_ checkpoints: [CheckpointSummary], protection: Protection, needed: Int64?) {
        let plan = RetentionPlan(clearing: checkpoints, protection: protection)
        // Sparse files may add up to more than a disk holds.
        var freed = Int128(0)
        for entry in plan.entries where entry.cause != nil {
            if let needed, freed >= needed { return }
            removals.append(entry.id)
            freed += Int128(entry.size)
        }
    }
}
