import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The file `checkpoints.index`.
///
/// A line is added for each commit; if more than half of the lines are about removed checkpoints, the
/// file is written anew. A run with few checkpoints has no index.
final class IndexFile: RunPart {
    let place: RunPlace
    private let state = Mutex(State())

    private struct State {
        /// How many checkpoints there are, as far as is known.
        var live = 0
        /// How many lines the file has; nil if it is to be written anew.
        var lines: Int?
    }

    init(_ place: RunPlace) { self.place = place }

    /// Forgets the counts: the run's files were moved away.
    func forget() { state.withLock { $0 = State() } }

    /// nil if there is no readable index: then the manifests are read.
    func read() -> CheckpointIndex? {
        do throws(StoreError) {
            return try document(paths.index).map { CheckpointIndex($0) }
        } catch {
            return nil
        }
    }

    /// Sets the counts that a scan has found.
    func setCounts(live: Int, lines: Int?) {
        state.withLock { state in
            state.live = live
            state.lines = lines
        }
    }

    func countRemoved(_ count: Int) { state.withLock { $0.live -= count } }

    /// Adds a line for a new checkpoint, if there are many.
    ///
    /// - Returns: false if the index must be written anew instead.
    func note(_ summary: CheckpointSummary) throws(StoreError) -> Bool {
        let (live, lines) = state.withLock { state in
            state.live += 1
            return (state.live, state.lines)
        }
        guard live > limits.unindexed else { return true }
        guard let lines, lines <= 2 * live + limits.unindexed else { return false }
        let inode = try reading { () throws(SystemError) in
            try files.status(paths.checkpoint(summary.id)).inode
        }
        var text = IndexText()
        text.add(summary, inode: inode, in: paths)
        try writing { () throws(SystemError) in try files.append(text.bytes, to: paths.index) }
        state.withLock { $0.lines = lines + 1 }
        return true
    }

    func write(_ index: IndexText) throws(StoreError) {
        let temporary = "\(paths.index).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, index.bytes)
            try files.rename(temporary, to: paths.index)
        }
        state.withLock { $0.lines = index.lines }
    }

    /// Removes the file durably: it names a checkpoint that is not to be seen any more.
    func remove() throws(SystemError) {
        try removeIfThere(paths.index)
        try files.syncDirectory(paths.payload)
        state.withLock { $0.lines = nil }
    }
}

/// A new index, line by line.
struct IndexText: Equatable {
    private(set) var bytes: [UInt8] = []
    private(set) var lines = 0

    mutating func add(_ summary: CheckpointSummary, inode: UInt64, in paths: RunPaths) {
        let path = FilePath(summary.path)
        // Absolute where the payload is outside.
        let payload = path.below(FilePath(paths.checkpoint(summary.id))) ?? path
        let line = CheckpointIndex.line(summary, inode: inode, payload: payload.text)
        // What cannot be told in a line is read from its manifest.
        guard let line else { return }
        bytes += line
        lines += 1
    }
}
