import SuperviseFormats
import SuperviseSystem
import Synchronization

/// How the index is kept: a line is added for each commit, and where more than half of the lines tell
/// of what is gone, it is written anew. Few checkpoints need none.
extension RunStore {
    /// nil where there is none that can be read: then the manifests are.
    func readIndex() throws(StoreError) -> CheckpointIndex? {
        do throws(StoreError) {
            return try document(paths.index).map { CheckpointIndex($0) }
        } catch {
            return nil
        }
    }

    /// Counts a checkpoint that was committed a moment ago, and notes it in the index where there
    /// are many. Belongs on the thread that removes.
    package func noteInIndex(_ summary: CheckpointSummary) throws(StoreError) {
        let (live, lines) = state.withLock { state in
            state.live += 1
            return (state.live, state.indexLines)
        }
        guard live > limits.unindexed else { return }
        guard let lines, lines <= 2 * live + limits.unindexed else { return try writeIndex() }
        let inode = try reading { () throws(SystemError) in
            try files.status(paths.checkpoint(summary.id)).inode
        }
        guard let line = line(summary, inode: inode) else { return }
        try writing { () throws(SystemError) in try files.append(line, to: paths.index) }
        state.withLock { $0.indexLines = lines + 1 }
    }

    /// Writes the index where many checkpoints are not in it, or many are that are gone.
    package func mendIndex() throws(StoreError) {
        let (live, lines) = state.withLock { ($0.live, $0.indexLines) }
        guard live > limits.unindexed else { return }
        if let lines, lines <= 2 * live + limits.unindexed, lines * 2 > live { return }
        try writeIndex()
    }

    private func writeIndex() throws(StoreError) {
        let summaries = try scan().checkpoints
        let inodes = Dictionary(
            try checkpointEntries().map { ($0.0, $0.1.inode) }, uniquingKeysWith: { $1 })
        var bytes: [UInt8] = []
        var lines = 0
        for summary in summaries {
            guard let inode = inodes[summary.id], let line = line(summary, inode: inode) else {
                continue
            }
            bytes += line
            lines += 1
        }
        let temporary = "\(paths.index).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, bytes)
            try files.rename(temporary, to: paths.index)
        }
        state.withLock { $0.indexLines = lines }
    }

    private func line(_ summary: CheckpointSummary, inode: UInt64) -> [UInt8]? {
        let base = "\(paths.checkpoint(summary.id))/"
        guard summary.path.hasPrefix(base) else { return nil }
        let payload = String(summary.path.utf8.dropFirst(base.utf8.count)) ?? ""
        return CheckpointIndex.line(
            summary, inode: inode, single: payload == CheckpointFile.data ? nil : payload)
    }
}
