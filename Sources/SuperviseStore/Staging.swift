import SuperviseFormats
import SuperviseSystem
import Synchronization

/// `staging/`: checkpoints that are being written, until they are committed.
package final class Staging: RunPart {
    package let place: RunPlace
    let checkpoints: CommittedCheckpoints
    let trash: Trash
    /// The contents that this run's checkpoints have taken from outside.
    let taken = TakenContents()
    private let state = Mutex(State())

    private struct State {
        /// Checkpoints that were begun by this process.
        var begun: Set<CheckpointID> = []
        /// Directories outside whose names were made durable, and their inodes.
        var durableNames: [FilePath: UInt64] = [:]
    }

    init(_ place: RunPlace, checkpoints: CommittedCheckpoints, trash: Trash) {
        self.place = place
        self.checkpoints = checkpoints
        self.trash = trash
    }

    /// Forgets what was begun: the run's files were moved away.
    func forget() { state.withLock { $0 = State() } }

    /// The checkpoint is no longer in staging.
    func forgetBegun(_ id: CheckpointID) { state.withLock { _ = $0.begun.remove(id) } }

    func inodeOfDurableName(_ path: FilePath) -> UInt64? {
        state.withLock { $0.durableNames[path] }
    }

    func noteDurableName(_ path: FilePath, inode: UInt64) {
        state.withLock { $0.durableNames[path] = inode }
    }

    /// Makes room for a checkpoint.
    ///
    /// - Returns: the absolute path of an empty directory, for the job to write into.
    package func make(_ id: CheckpointID) throws(StoreError) -> String {
        let data = "\(try makeDirectory(id))/\(CheckpointFile.data)"
        try writing { () throws(SystemError) in
            try files.makeDirectory(data)
            try giveToOwner(data)
        }
        return data
    }

    /// Makes the directory of a checkpoint, without one for its payload.
    func makeDirectory(_ id: CheckpointID) throws(StoreError) -> String {
        state.withLock { _ = $0.begun.insert(id) }
        let directory = paths.staging(id)
        try writing { () throws(SystemError) in
            try files.makeDirectoryIfMissing(paths.staging)
            if try !files.makeDirectoryIfMissing(directory) {
                try trash.discard(directory)
                try files.makeDirectory(directory)
            }
            try openStaging(directory)
        }
        return directory
    }

    /// How much the job has written so far, to see whether it goes on writing. What disappears
    /// meanwhile does not count.
    package func size(_ id: CheckpointID) throws(StoreError) -> (bytes: Int64, files: Int) {
        // By its own rights: it may put a link in place of a directory while we look.
        try acting(as: owner) { () throws(StoreError) in try bytesAndFiles(id) }
    }

    private func bytesAndFiles(
        _ id: CheckpointID
    ) throws(StoreError) -> (bytes: Int64, files: Int) {
        var size = (bytes: Int64(0), files: 0)
        let top: FilePath = "\(paths.staging(id))/\(CheckpointFile.data)"
        try walk(top) { (directory) throws(StoreError) in
            try visible { () throws(SystemError) in try files.list(directory.text) } ?? []
        } visit: { (path, entry) throws(StoreError) in
            guard entry.kind == .file else { return }
            let status = try visible { () throws(SystemError) in try files.status(path.text) }
            size.bytes += status?.size ?? 0
            size.files += status == nil ? 0 : 1
        }
        return size
    }

    /// nil for what has gone, and what the job has closed to itself or put a link in place of.
    private func visible<Result>(
        _ body: () throws(SystemError) -> Result
    ) throws(StoreError) -> Result? {
        do throws(SystemError) {
            return try body()
        } catch {
            guard error.isMissing || error.isForbidden || error.isNoDirectory || error.isALink
            else {
                throw StoreError(reading: error)
            }
            return nil
        }
    }

    /// Forgets a checkpoint that was begun; nothing where it is not there.
    package func drop(_ id: CheckpointID) throws(StoreError) {
        if let place = try takeAway(id) { try delete(place) }
    }

    /// The first half of ``drop(_:)``, which is quick.
    ///
    /// - Returns: what to ``delete(_:)``; nil where there was nothing.
    package func takeAway(_ id: CheckpointID) throws(StoreError) -> String? {
        let place = try writing { () throws(SystemError) in try trash.take(paths.staging(id)) }
        forgetBegun(id)
        return place
    }

    /// Deletes what was taken away, which may take long.
    package func delete(_ place: String) throws(StoreError) {
        try writing { () throws(SystemError) in try trash.removeForGood(place) }
    }

    /// Removes what an earlier supervisor left half written: what this process has begun stays.
    func sweep() throws(StoreError) {
        try writing { () throws(SystemError) in
            for entry in try entries(paths.staging) {
                let name = String(entry.name.prefix { $0 != "." })
                if let id = CheckpointID(name), state.withLock({ $0.begun.contains(id) }) {
                    continue
                }
                let path = "\(paths.staging)/\(entry.name)"
                if try trash.take(path) == path { try files.removeTree(path) }
            }
        }
    }
}
