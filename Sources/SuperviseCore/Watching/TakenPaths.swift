import SuperviseFormats

/// Which watched path each checkpoint was taken from, of the newest ones.
///
/// Where a path was taken several times with the same step, as a directory whose last file came late,
/// the newest take has the step, and the others count no more.
package struct TakenPaths: Equatable, Sendable {
    private struct Take: Hashable {
        let path: FilePath
        let step: Int64
    }

    /// Of a run with many checkpoints only so many are remembered: the others of a path are new, too.
    static let most = 1000

    private var takes: [CheckpointID: Take] = [:]
    /// Takes of one path with one step, each in order of sequence, where there are several.
    package private(set) var repeated: [[CheckpointID]] = []

    /// - Parameter sources: the paths of those that were taken from one.
    package init(_ sources: [CheckpointID: FilePath] = [:]) {
        for id in sources.keys.sorted().suffix(Self.most) {
            note(id, from: sources[id])
        }
    }

    /// Without a path or a step it stands for itself.
    package mutating func note(_ id: CheckpointID, from path: FilePath?) {
        guard let path, let step = id.step else { return }
        let take = Take(path: path, step: step)
        let isRepeated = takes.values.contains(take)
        takes[id] = take
        if takes.count > Self.most, let oldest = takes.keys.min() { forget([oldest]) }
        if isRepeated { group() }
    }

    package mutating func forget(_ ids: [CheckpointID]) {
        for id in ids { takes[id] = nil }
        if !repeated.isEmpty { group() }
    }

    private mutating func group() {
        repeated = Dictionary(grouping: takes.keys) { takes[$0] }.values
            .filter { $0.count > 1 }.map { $0.sorted() }
            .sorted { ($0.first?.sequence ?? 0) < ($1.first?.sequence ?? 0) }
    }

    /// Where on a branch takes are whose path was taken again on it.
    ///
    /// - Parameters:
    ///   - members: of the branch, in order: where each is in `checkpoints`.
    ///   - checkpoints: all that there are, in order of sequence.
    static func replaced(
        _ repeated: [[CheckpointID]], in members: [Int], of checkpoints: [CheckpointSummary]
    ) -> Set<Int> {
        Set(
            repeated.flatMap { takes in
                takes.compactMap { place(of: $0, in: members, of: checkpoints) }.dropLast()
            })
    }

    /// There may be a hundred thousand, and few of them were taken again.
    private static func place(
        of id: CheckpointID, in members: [Int], of checkpoints: [CheckpointSummary]
    ) -> Int? {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if checkpoints[members[middle]].id < id { low = middle + 1 } else { high = middle }
        }
        guard low < members.count, checkpoints[members[low]].id == id else { return nil }
        return members[low]
    }
}

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
