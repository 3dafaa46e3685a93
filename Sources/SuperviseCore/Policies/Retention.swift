import SuperviseFormats

/// Which checkpoints go: all but the newest `keepLast` and those that are protected.
package enum Retention {
    /// - Parameters:
    ///   - checkpoints: those committed, in any order.
    ///   - keepLast: how many of the newest stay, by sequence; the newest always does.
    ///   - protected: the one that the job resumed from, those being read.
    /// - Returns: what to remove, oldest first.
    package static func removals(
        from checkpoints: [CheckpointID], keepLast: Int, protected: Set<CheckpointID>
    ) -> [CheckpointID] {
        checkpoints.sorted().dropLast(max(1, keepLast)).filter { !protected.contains($0) }
    }
}
