import SuperviseFormats

/// Whether a file is taken though a checkpoint holds the same content.
///
/// A copy under another name, such as `state.old`, is no new checkpoint and answers no request. What
/// the job wrote anew in the same place is: the job has saved, and nothing had changed. So is a name
/// that tells a higher step.
///
/// A checkpoint that was removed still counts as long as a later one is there: with `--keep-last 1`, a
/// `state.old` whose checkpoint has gone would else come back as the newest, and the job would go on from
/// it. Where no later one is there, its content is the last that the job saved, and is taken again.
package struct RepeatRule: Equatable, Sendable {
    package var path: FilePath
    /// That its name tells.
    package var step: Int64?
    /// Of all checkpoints that are there; nil where there are none.
    package var newest: CheckpointID?

    package init(path: FilePath, step: Int64?, newest: CheckpointID?) {
        self.path = path
        self.step = step
        self.newest = newest
    }

    /// - Parameters:
    ///   - known: the checkpoint that holds the content, or held it.
    ///   - source: where that was taken from; nil where an earlier supervisor took it.
    package func takes(_ known: CheckpointID, from source: FilePath?) -> Bool {
        if source == path || isLast(known) { return true }
        guard let step, let earlier = known.step else { return false }
        return step > earlier
    }

    /// It was removed, and so was all that was saved later.
    private func isLast(_ known: CheckpointID) -> Bool {
        newest.map { $0.sequence < known.sequence } ?? true
    }
}
