import SuperviseFormats
import SuperviseSystem

/// An archived run. A process that removes or pins something in one holds its directory alone.
package struct ArchivedRun: RunPart {
    let store: RunStore

    package var place: RunPlace { store.place }

    package init(_ store: RunStore) { self.store = store }

    /// Where its checkpoints are. The directory in its record is the one that it had before it was
    /// archived, perhaps in a state that was moved since.
    package func locatePayload() throws(StoreError) -> RunPaths { try place.located() }

    /// Pins or unpins a checkpoint of it.
    ///
    /// - Returns: false where it is just being removed, or somebody else pins.
    package func setPin(_ id: CheckpointID, _ isPinned: Bool) throws(StoreError) -> Bool {
        guard let hold = try hold(), try exists(paths.run) else { return false }
        defer { withExtendedLifetime(hold) {} }
        var pins = try store.pins.load()
        if isPinned {
            guard try exists(paths.checkpoint(id)) else { throw .unknownCheckpoint(id) }
            pins.insert(id)
        } else {
            pins.remove(id)
        }
        try store.pins.save(pins)
        return true
    }

    /// Whether an archived run is this state's to change.
    ///
    /// A directory of `--checkpoint-dir` also holds the archived checkpoints of other states: of the
    /// original of a copied state, and of those that had the directory before.
    func belongsToState() throws(StoreError) -> Bool {
        guard paths.isSplit else { return true }
        // Checkpoints without a record are not; where there is nothing, nothing is in the way.
        guard let record = try identity(of: paths.run) else { return try !exists(paths.payload) }
        // Older versions wrote none.
        guard let bytes = try document(paths.owner) else { return true }
        guard let owner = try? JSONText.decode(PayloadOwner.self, from: bytes) else { return false }
        if owner.home.id == record { return true }
        // The number of a device may change, and a state may be moved to another disk.
        let isSameState = FilePath(owner.stateDirectory) == FilePath(paths.stateDirectory)
        if isSameState { return owner.inode == record.inode }
        return try identity(of: owner.stateDirectory) == nil
    }

    /// Keeps an archived run to ourselves; nil where somebody else has it.
    func hold() throws(StoreError) -> DirectoryHold? {
        try writing { () throws(SystemError) in
            do throws(SystemError) {
                return try files.holdDirectory(paths.run, alone: true)
            } catch {
                // With checkpoints elsewhere, of which the record is gone.
                if error.isMissing { return DirectoryHold() }
                throw error
            }
        }
    }

    func hasNoPins() -> Bool {
        guard let pins = try? store.pins.load() else { return false }
        return pins.isEmpty
    }

    /// Whether the disk of its checkpoints is there: else it would look as if it had no pins.
    func isMounted() throws(StoreError) -> Bool {
        guard paths.isSplit else { return true }
        return try exists(payloadArchive)
    }

    private var payloadArchive: String { parent(of: paths.payload) }

    func scan() throws(StoreError) -> Scan {
        // A removal that was cut off leaves an archive without checkpoints.
        try exists(paths.checkpoints) ? store.checkpoints.scan() : Scan()
    }

    func isReadByNobody() throws(StoreError) -> Bool {
        guard try exists(paths.checkpoints) else { return true }
        for (id, _) in try store.checkpoints.directories() {
            let hold = try reading { () throws(SystemError) in try store.checkpoints.holdAlone(id) }
            guard let hold else { return false }
            withExtendedLifetime(hold) {}
        }
        return true
    }

    func bytes() throws(StoreError) -> Int64 {
        var bytes = try size(below: paths.run)
        if paths.isSplit { bytes += try size(below: paths.payload) }
        guard try exists(paths.checkpoints) else { return bytes }
        for (id, _) in try store.checkpoints.directories() { bytes += try ownedBytes(of: id) }
        return bytes
    }

    func bytes(of id: CheckpointID) throws(StoreError) -> Int64 {
        try size(below: paths.checkpoint(id)) + ownedBytes(of: id)
    }

    private func ownedBytes(of id: CheckpointID) throws(StoreError) -> Int64 {
        let path = paths.checkpoint(id)
        let manifest = try reading { () throws(SystemError) in try store.trash.ownedPayload(path) }
        return manifest?.bytes ?? 0
    }

    /// Of all regular files in a directory and below it. What disappears meanwhile does not count.
    private func size(below directory: String) throws(StoreError) -> Int64 {
        try reading { () throws(SystemError) in
            var bytes: Int64 = 0
            try walk(FilePath(directory)) { (next) throws(SystemError) in
                try entries(next.text)
            } visit: { (path, entry) throws(SystemError) in
                guard entry.kind == .file else { return }
                let status = try unlessMissing { () throws(SystemError) in
                    try files.status(path.text)
                }
                bytes += status?.size ?? 0
            }
            return bytes
        }
    }
}
