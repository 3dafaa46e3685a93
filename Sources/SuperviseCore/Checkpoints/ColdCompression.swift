import SuperviseFormats

/// The compression of checkpoints that nobody is about to need, one after the other.
struct ColdCompression: Sendable {
    /// Ordered, and not yet answered.
    private(set) var current: CheckpointID?
    /// Tried in vain since the last commit, or due to go.
    private var spared: Set<CheckpointID> = []
    /// The last one failed, and that was told.
    private var hasFailed = false

    /// What was tried in vain is tried again.
    mutating func committed() { spared = [] }

    /// Orders the next one, if none is under way.
    ///
    /// - Parameter removals: what is due to go, which is not worth the work.
    mutating func next(
        of checkpoints: [CheckpointSummary], resumed: CheckpointID?, _ orders: inout Orders,
        removals: () -> [CheckpointID]
    ) {
        func choice() -> CheckpointID? {
            CompressionChoice.choose(from: checkpoints, resumed: resumed, spared: spared)
        }
        guard current == nil, choice() != nil else { return }
        spared.formUnion(removals())
        guard let id = choice() else { return }
        current = id
        orders.add(.compress(id))
    }

    mutating func cancel(_ orders: inout Orders) {
        if current != nil { orders.add(.cancelCompression) }
    }

    /// - Returns: how much of the disk it takes now; nil where it stays as it was.
    mutating func ended(
        _ id: CheckpointID, _ result: Event.Compression, _ orders: inout Orders
    ) -> Int64? {
        guard current == id else { return nil }
        current = nil
        switch result {
        case .done(let bytes):
            hasFailed = false
            return bytes
        case .notNow:
            spared.insert(id)
        case .failed(let message):
            spared.insert(id)
            if !hasFailed { orders.warn("checkpoint \(id) is not compressed: \(message)") }
            hasFailed = true
        }
        return nil
    }
}

/// Which checkpoint is compressed next: the newest that nobody is about to need. Older ones have less
/// time left.
package enum CompressionChoice {
    /// - Parameters:
    ///   - checkpoints: those committed and not found bad, in any order.
    ///   - resumed: the one that the job resumed from.
    ///   - spared: those that it has been tried with in vain.
    /// - Returns: nil where there is none; never the newest.
    package static func choose(
        from checkpoints: [CheckpointSummary], resumed: CheckpointID?, spared: Set<CheckpointID>
    ) -> CheckpointID? {
        checkpoints.sorted { $0.id < $1.id }.dropLast()
            .last { $0.compressedBytes == nil && $0.id != resumed && !spared.contains($0.id) }?.id
    }
}
