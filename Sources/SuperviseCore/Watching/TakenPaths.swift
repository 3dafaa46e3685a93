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
