import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Removes, trims and pins archived runs. A process that removes or pins something in one holds
/// its directory alone.
extension RunStore {
    /// The archived runs of this name, the oldest first. A part that cannot be read is left out of
    /// the summary, and then the run is kept.
    package func archives() throws(StoreError) -> [ArchiveSummary] {
        var times: [String] = []
        for time in try archivedTimes() where try archived(time).belongsToState() {
            times.append(time)
        }
        return times.map { [times] time in
            var summary = ArchiveSummary(time: time, pins: nil)
            do throws(StoreError) {
                let store = try archived(time)
                guard try store.isMounted() else { return summary }
                let pins = try store.loadPins()
                if time != times.last {
                    let scan = try store.scanOfArchive()
                    summary.checkpoints = scan.checkpoints
                    summary.damaged = scan.damaged.map(\.id)
                    let record = try? store.loadRecord()
                    // After a clean end they are counted anew.
                    if let record, record.outcome == nil {
                        summary.suspects = record.failures.suspects
                    }
                }
                summary.pins = pins
            } catch {
                return summary
            }
            return summary
        }
    }

    /// Removes an archived run, with the payloads elsewhere that its checkpoints own.
    ///
    /// - Returns: how many bytes it had; nil where it stays: somebody is reading it, it is pinned by
    ///   now, or it cannot be told.
    package func removeArchive(_ time: String) throws(StoreError) -> Int64? {
        let store = try archived(time)
        guard let hold = try store.holdArchive(), try store.belongsToState(),
            try store.isMounted(), store.hasNoPins(),
            try store.isReadByNobody()
        else { return nil }
        defer { withExtendedLifetime(hold) {} }
        let bytes = try store.bytesOfArchive()
        // The record goes last: as long as it is there, what is left is found.
        var directories = [store.paths.run]
        if store.paths.isSplit { directories.insert(store.paths.payload, at: 0) }
        try writing { () throws(SystemError) in
            var places: [String] = []
            for directory in directories {
                if let place = try hide(directory) { places.append(place) }
            }
            state.withLock { $0.archiveClaims = nil }
            for place in places { try removeRun(place) }
        }
        return bytes
    }

    /// Removes checkpoints of an archived run, but for those that somebody is reading or has pinned.
    ///
    /// - Returns: those that are gone, and how many bytes they had.
    package func trimArchive(
        _ time: String, removing ids: [CheckpointID]
    ) throws(StoreError) -> (gone: [CheckpointID], bytes: Int64) {
        let store = try archived(time)
        guard let hold = try store.holdArchive(), try store.belongsToState() else { return ([], 0) }
        defer { withExtendedLifetime(hold) {} }
        let pins = try store.loadPins()
        var bytes: [CheckpointID: Int64] = [:]
        let going = ids.filter { !pins.contains($0) }
        for id in going { bytes[id] = try store.bytes(of: id) }
        state.withLock { $0.archiveClaims = nil }
        let gone = try store.remove(going)
        return (gone, gone.reduce(0) { $0 + (bytes[$1] ?? 0) })
    }

    /// Pins or unpins a checkpoint of an archived run, which this is the store of.
    ///
    /// - Returns: false where it is just being removed, or somebody else pins.
    package func setPin(_ id: CheckpointID, _ isPinned: Bool) throws(StoreError) -> Bool {
        guard let hold = try holdArchive(), try exists(paths.run) else { return false }
        defer { withExtendedLifetime(hold) {} }
        var pins = try loadPins()
        if isPinned {
            guard try exists(paths.checkpoint(id)) else { throw .unknownCheckpoint(id) }
            pins.insert(id)
        } else {
            pins.remove(id)
        }
        try save(pins: pins)
        return true
    }

    /// Deletes what was taken out of the archives, and what was on its way when they were archived.
    func sweepArchives() throws(StoreError) {
        let archives = Set([paths.archive] + (paths.isSplit ? [paths.payloadArchive] : []))
        for archive in archives.sorted() { try sweep(archive: archive) }
        for time in try archivedTimes() {
            let store = try archived(time)
            if try store.belongsToState() { try store.sweepOwn() }
        }
    }

    private func sweep(archive: String) throws(StoreError) {
        try writing { () throws(SystemError) in
            let trash = "\(archive)/\(Self.archiveTrash)"
            var leftovers = try entries(trash).filter { isOurs($0.name) }
                .map { "\(trash)/\($0.name)" }
            leftovers += try entries(archive)
                .filter { $0.name.hasPrefix(".") && isOurs(String($0.name.dropFirst())) }
                .map { "\(archive)/\($0.name)" }
            if leftovers.isEmpty { return }
            try files.syncDirectory(archive)
            for place in leftovers { try removeRun(place) }
        }
    }
}

/// The parts of it.
extension RunStore {
    /// Whether an archived run is this state's to change.
    ///
    /// A directory of `--checkpoint-dir` also holds the archived checkpoints of other states: of the
    /// original of a copied state, and of those that had the directory before.
    private func belongsToState() throws(StoreError) -> Bool {
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
    private func holdArchive() throws(StoreError) -> DirectoryHold? {
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

    private func hasNoPins() -> Bool {
        guard let pins = try? loadPins() else { return false }
        return pins.isEmpty
    }

    /// Whether the disk of its checkpoints is there: else it would look as if it had no pins.
    private func isMounted() throws(StoreError) -> Bool {
        guard paths.isSplit else { return true }
        return try exists(payloadArchive)
    }

    private var payloadArchive: String { parent(of: paths.payload) }

    private func scanOfArchive() throws(StoreError) -> Scan {
        // A removal that was cut off leaves an archive without checkpoints.
        try exists(paths.checkpoints) ? scan() : Scan()
    }

    private func isReadByNobody() throws(StoreError) -> Bool {
        guard try exists(paths.checkpoints) else { return true }
        for (id, _) in try checkpointEntries() {
            let hold = try reading { () throws(SystemError) in try holdAlone(id) }
            guard let hold else { return false }
            withExtendedLifetime(hold) {}
        }
        return true
    }

    private func bytesOfArchive() throws(StoreError) -> Int64 {
        var bytes = try size(below: paths.run)
        if paths.isSplit { bytes += try size(below: paths.payload) }
        guard try exists(paths.checkpoints) else { return bytes }
        for (id, _) in try checkpointEntries() { bytes += try ownedBytes(of: id) }
        return bytes
    }

    private func bytes(of id: CheckpointID) throws(StoreError) -> Int64 {
        try size(below: paths.checkpoint(id)) + ownedBytes(of: id)
    }

    private func ownedBytes(of id: CheckpointID) throws(StoreError) -> Int64 {
        let path = paths.checkpoint(id)
        let manifest = try reading { () throws(SystemError) in try ownedPayload(path) }
        return manifest?.bytes ?? 0
    }

    /// Of all regular files in a directory and below it. What disappears meanwhile does not count.
    private func size(below directory: String) throws(StoreError) -> Int64 {
        try reading { () throws(SystemError) in
            var bytes: Int64 = 0
            var waiting = [directory]
            while let next = waiting.popLast() {
                for entry in try entries(next) {
                    let path = "\(next)/\(entry.name)"
                    if entry.kind == .directory { waiting.append(path) }
                    guard entry.kind == .file else { continue }
                    let status = try unlessMissing { () throws(SystemError) in
                        try files.status(path)
                    }
                    bytes += status?.size ?? 0
                }
            }
            return bytes
        }
    }

    /// Takes a directory out of an archive, durably. Where there is no room for a trash, it is hidden
    /// beside the others.
    ///
    /// - Returns: where it is now; nil where it was not there.
    private func hide(_ directory: String) throws(SystemError) -> String? {
        let archive = parent(of: directory)
        let trash = "\(archive)/\(Self.archiveTrash)"
        let label = directory.dropFirst(archive.utf8.count + 1)
        var place: String?
        do throws(SystemError) {
            try files.makeDirectoryIfMissing(trash)
            place = try move(directory, into: trash)
        } catch {
            guard error.isNoSpace else {
                if error.isMissing { return nil }
                throw error
            }
            place = try move(directory, into: archive, as: ".\(label)")
        }
        if place != nil { try files.syncDirectory(archive) }
        return place
    }

    /// Of an archived run of this name. A second one of a name has a number after a point.
    private func isOurs(_ name: String) -> Bool {
        let parts = name.split(separator: ".").map(String.init)
        let base =
            parts.count > 1 && Int(parts[parts.count - 1]) != nil
            ? parts.dropLast().joined(separator: ".") : name
        return RunReference(label: base)?.name == paths.name
    }

    /// With the payloads elsewhere that its checkpoints own.
    private func removeRun(_ run: String) throws(SystemError) {
        for entry in try entries("\(run)/checkpoints") where entry.kind == .directory {
            try removeOwnedPayload(of: "\(run)/checkpoints/\(entry.name)", isArchived: true)
        }
        try files.removeTree(run)
    }
}
