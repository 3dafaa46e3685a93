import SuperviseFormats

/// Whether a file is taken though a checkpoint holds the same content.
///
/// A copy under another name, such as `state.old`, is no new checkpoint and answers no request. What
/// the job wrote anew in the same place is: the job has saved, and nothing had changed. So is a name
/// that tells a higher step.
package struct RepeatRule: Equatable, Sendable {
    package var path: FilePath
    /// That its name tells.
    package var step: Int64?

    package init(path: FilePath, step: Int64?) {
        self.path = path
        self.step = step
    }

    /// - Parameters:
    ///   - known: the checkpoint that holds the content.
    ///   - source: where that was taken from; nil where an earlier supervisor took it.
    package func takes(_ known: CheckpointID, from source: FilePath?) -> Bool {
        if source == path { return true }
        guard let step, let earlier = known.step else { return false }
        return step > earlier
    }
}
