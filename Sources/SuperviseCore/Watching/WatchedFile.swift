import SuperviseFormats

/// A file or directory that fits a pattern of `--watch`, and looks complete.
package struct WatchedFile: Equatable, Sendable {
    /// Absolute.
    package var path: FilePath
    /// That its name tells.
    package var step: Int64?
    /// When it was closed, moved into place, or last changed.
    package var completedAt: Instant
    /// It was moved into place, and so is surely complete. What was closed may have been closed by
    /// the death of whoever wrote it.
    package var wasMoved: Bool
    /// The checkpoint that has the same content, in another place which it may lose: this one is taken
    /// beside it, and is no progress and no answer.
    package var repeats: CheckpointID?
    /// What was complete; nil takes what is there.
    package var content: ContentMark?

    package init(path: FilePath, step: Int64?, completedAt: Instant, wasMoved: Bool) {
        self.path = path
        self.step = step
        self.completedAt = completedAt
        self.wasMoved = wasMoved
    }

    /// Of a directory, no size belongs to its content.
    package var isDirectory: Bool { content.map { $0.bytes == nil } ?? false }

    /// A checkpoint has the same content.
    package var isRepeat: Bool { repeats != nil }
}
