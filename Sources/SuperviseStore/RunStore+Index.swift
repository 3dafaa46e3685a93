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
        var text = IndexText()
        text.add(summary, inode: inode, in: paths)
        try writing { () throws(SystemError) in try files.append(text.bytes, to: paths.index) }
        state.withLock { $0.indexLines = lines + 1 }
    }

    /// Writes the index anew where the scan has found that it is of little use.
    package func mendIndex(_ scan: Scan) throws(StoreError) {
        if let index = scan.newIndex { try write(index) }
    }

    private func writeIndex() throws(StoreError) {
        var scan = Scan()
        try scanCheckpoints(&scan, makesIndex: true)
        try mendIndex(scan)
    }

    private func write(_ index: IndexText) throws(StoreError) {
        let temporary = "\(paths.index).tmp"
        try writing { () throws(SystemError) in
            try files.writeFile(temporary, index.bytes)
            try files.rename(temporary, to: paths.index)
        }
        state.withLock { $0.indexLines = index.lines }
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
