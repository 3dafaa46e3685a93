import SuperviseFormats

/// Cold compression: one checkpoint after the other, while the job runs and nothing is committed.
extension Supervisor {
    /// What is known of it, beside the checkpoints themselves.
    struct CompressionState: Sendable {
        /// Ordered, and not yet answered.
        var current: CheckpointID?
        /// Tried in vain since the last commit, or due to go.
        var spared: Set<CheckpointID> = []
        /// The last one failed, and that was told.
        var hasFailed = false
    }

    mutating func compressNext() {
        guard settings.compression != nil, phase == .running, attempt?.pid != nil, stop == nil,
            commits.isEmpty, compression.current == nil, let id = nextToCompress()
        else { return }
        compression.current = id
        orders.add(.compress(id))
    }

    /// What is due to go is not worth the work.
    private mutating func nextToCompress() -> CheckpointID? {
        guard compressible != nil else { return nil }
        compression.spared.formUnion(retentionPlan.removals)
        return compressible
    }

    private var compressible: CheckpointID? {
        CompressionChoice.choose(
            from: checkpoints, resumed: attempt?.resume?.id, spared: compression.spared)
    }

    mutating func cancelCompression() {
        if compression.current != nil { orders.add(.cancelCompression) }
    }

    mutating func compressed(_ id: CheckpointID, _ result: Event.Compression) {
        guard compression.current == id else { return }
        compression.current = nil
        switch result {
        case .done(let bytes):
            compression.hasFailed = false
            guard let index = checkpoints.firstIndex(where: { $0.id == id }),
                attempt?.resume?.id != id
            else { return }
            checkpoints[index].compressedBytes = bytes
            let before = checkpoints[index].bytes
            if bytes < before {
                orders.log(.compressed(.init(id: id, bytes: before, compressedBytes: bytes)))
            }
        case .notNow:
            compression.spared.insert(id)
        case .failed(let message):
            compression.spared.insert(id)
            if !compression.hasFailed {
                let text = "checkpoint \(id) is not compressed: \(message)"
                orders.warn(text)
            }
            compression.hasFailed = true
        }
    }
}
