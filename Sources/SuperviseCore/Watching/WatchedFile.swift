import SuperviseFormats

/// A file or directory that fits a pattern of `--watch`, and looks complete.
package struct WatchedFile: Equatable, Sendable {
    /// Absolute.
    package var path: String
    /// That its name tells.
    package var step: Int64?
    /// When it was closed, moved into place, or last changed.
    package var completedAt: Instant
    /// It was moved into place, or nothing happened to it while the job went on. What was closed and
    /// is told at the job's end may have been closed by that end.
    package var isSettled: Bool

    package init(path: String, step: Int64?, completedAt: Instant, isSettled: Bool) {
        self.path = path
        self.step = step
        self.completedAt = completedAt
        self.isSettled = isSettled
    }
}
