import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Checkpoints that are being written, and what is being deleted.
extension RunStore {
    /// Makes room for a checkpoint.
    ///
    /// - Returns: the absolute path of an empty directory, for the job to write into.
    package func makeStaging(_ id: CheckpointID) throws(StoreError) -> String {
        let data = "\(try makeStagingDirectory(id))/\(CheckpointFile.data)"
        try writing { () throws(SystemError) in
            try files.makeDirectory(data)
            try giveToOwner(data)
        }
        return data
    }

    /// Makes the directory of a checkpoint, without one for its payload.
    func makeStagingDirectory(_ id: CheckpointID) throws(StoreError) -> String {
        state.withLock { _ = $0.begun.insert(id) }
        let directory = paths.staging(id)
        try writing { () throws(SystemError) in
            try files.makeDirectoryIfMissing(paths.staging)
            if try !files.makeDirectoryIfMissing(directory) {
                try discard(directory)
                try files.makeDirectory(directory)
            }
            try openStaging(directory)
        }
        return directory
    }

    /// How much the job has written so far, to see whether it goes on writing. What disappears
    /// meanwhile does not count.
    package func stagingSize(_ id: CheckpointID) throws(StoreError) -> (bytes: Int64, files: Int) {
        // By its own rights: it may put a link in place of a directory while we look.
        try acting(as: owner) { () throws(StoreError) in try size(ofStaging: id) }
    }

    private func size(
        ofStaging id: CheckpointID
    ) throws(StoreError) -> (bytes: Int64, files: Int) {
        var size = (bytes: Int64(0), files: 0)
        var waiting = ["\(paths.staging(id))/\(CheckpointFile.data)"]
        while let directory = waiting.popLast() {
            for entry in try visible({ () throws(SystemError) in try files.list(directory) }) ?? []
            {
                let path = "\(directory)/\(entry.name)"
                if entry.kind == .directory { waiting.append(path) }
                guard entry.kind == .file else { continue }
                let status = try visible { () throws(SystemError) in try files.status(path) }
                size.bytes += status?.size ?? 0
                size.files += status == nil ? 0 : 1
            }
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
    package func dropStaging(_ id: CheckpointID) throws(StoreError) {
        if let place = try takeStagingAway(id) { try delete(place) }
    }

    /// The first half of ``dropStaging(_:)``, which is quick.
    ///
    /// - Returns: what to ``delete(_:)``; nil where there was nothing.
    package func takeStagingAway(_ id: CheckpointID) throws(StoreError) -> String? {
        let place = try writing { () throws(SystemError) in try moveToTrash(paths.staging(id)) }
        state.withLock { _ = $0.begun.remove(id) }
        return place
    }

    /// Deletes what was taken away, which may take long.
    package func delete(_ place: String) throws(StoreError) {
        try writing { () throws(SystemError) in try removeForGood(place) }
    }

    /// Removes what an earlier supervisor left half written or half deleted. May run beside all else:
    /// what this process has begun stays.
    package func sweep() throws(StoreError) {
        try sweepOwn()
        try sweepArchives()
    }

    func sweepOwn() throws(StoreError) {
        try writing { () throws(SystemError) in
            for entry in try entries(paths.staging) {
                let name = String(entry.name.prefix { $0 != "." })
                if let id = CheckpointID(name), state.withLock({ $0.begun.contains(id) }) {
                    continue
                }
                let path = "\(paths.staging)/\(entry.name)"
                if try moveToTrash(path) == path { try files.removeTree(path) }
            }
            let leftovers =
                try entries(paths.trash).map { "\(paths.trash)/\($0.name)" } + hiddenCheckpoints()
            if leftovers.isEmpty { return }
            // Who put a checkpoint there may have ended before its move was durable: if power fails
            // now it must not come back with half of its files.
            try files.syncDirectory(paths.checkpoints)
            for place in leftovers { try removeHidden(place) }
        }
    }

    /// What a directory holds; nothing where it is missing.
    func entries(_ directory: String) throws(SystemError) -> [DirectoryEntry] {
        try unlessMissing { () throws(SystemError) in try files.list(directory) } ?? []
    }

    /// Moves away what nobody was ever shown, and deletes it.
    func discard(_ path: String) throws(SystemError) {
        guard let place = try moveToTrash(path) else { return }
        try files.removeTree(place)
    }

    /// - Returns: where it is now: on a disk without room for that, where it was; nil where there was
    ///   nothing.
    func moveToTrash(_ path: String) throws(SystemError) -> String? {
        do throws(SystemError) {
            try files.makeDirectoryIfMissing(paths.trash)
            return try move(path, into: paths.trash)
        } catch {
            guard error.isNoSpace else { throw error }
            return try isThere(path) ? path : nil
        }
    }

    private func isThere(_ path: String) throws(SystemError) -> Bool {
        try unlessMissing { () throws(SystemError) in try files.status(path) } != nil
    }

    /// Moves a directory into another one, under a name that is free there.
    ///
    /// - Returns: where it is now; nil where there was nothing.
    func move(
        _ path: String, into directory: String, as other: String? = nil
    ) throws(SystemError) -> String? {
        let name = other ?? FilePath(path).name
        var place = "\(directory)/\(name)"
        var number = 0
        while true {
            do throws(SystemError) {
                try files.rename(path, to: place)
                return place
            } catch {
                if error.isMissing { return nil }
                // Also where the directory itself is none, and so no name in it is ever free.
                guard error.isTaken, number < 1000 else { throw error }
                number += 1
                place = "\(directory)/\(name).\(number)"
            }
        }
    }
}
