import SuperviseFormats

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
