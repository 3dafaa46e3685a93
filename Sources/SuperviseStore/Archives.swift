import SuperviseFormats
import SuperviseSystem

/// A run that is over makes room for the next one of its name. What is archived is moved whole; with
/// checkpoints elsewhere there are two moves, first that of the record, and where power fails in
/// between, the next ``RunStore/prepare()`` makes the second.
package struct Archives: RunPart {
    let store: RunStore

    package var place: RunPlace { store.place }

    static let trash = ".trash"

    /// Where a run is now that was archived.
    package struct Moved: Equatable, Sendable {
        package var run: RunReference
        /// Its directory, without checkpoints that are kept elsewhere.
        package var path: String
    }

    /// Moves the run to the archive, durably. Afterwards the store is that of a run that has not
    /// begun.
    ///
    /// - Returns: where the run is now; nil where there was none.
    package func take(at now: Timestamp) throws(StoreError) -> Moved? {
        let run = RunReference(paths.name, time: try freeTime(now))
        let place = try writing { () throws(SystemError) in
            try moveDurably(paths.run, to: paths.archive, as: run.label)
        }
        if paths.isSplit {
            _ = try writing { () throws(SystemError) in
                try moveDurably(paths.payload, to: paths.payloadArchive, as: run.label)
            }
        }
        store.forget()
        return place.map { Moved(run: run, path: $0) }
    }

    /// Ends what ``take(at:)`` began before the power failed.
    func finish() throws(StoreError) {
        guard paths.isSplit, try exists(paths.payload) else { return }
        guard let time = try times(in: paths.archive).last else { return }
        let label = RunReference(paths.name, time: time).label
        guard try !exists("\(paths.payloadArchive)/\(label)"),
            let bytes = try document("\(paths.archive)/\(label)/run.json"),
            let record = try? JSONText.decode(RunRecord.self, from: bytes),
            let place = record.checkpointDirectory, FilePath(place) == FilePath(paths.payload)
        else { return }
        _ = try writing { () throws(SystemError) in
            try moveDurably(paths.payload, to: paths.payloadArchive, as: label)
        }
    }

    private func moveDurably(
        _ directory: String, to archive: String, as label: String
    ) throws(SystemError) -> String? {
        let home = parent(of: directory)
        if try files.makeDirectoryIfMissing(archive) { try files.syncDirectory(home) }
        let place = "\(archive)/\(label)"
        let moved: Void? = try unlessMissing { () throws(SystemError) in
            try files.rename(directory, to: place)
        }
        try files.syncDirectory(home)
        return moved == nil ? nil : place
    }

    /// The first second from now on that is later than any run in the archive.
    private func freeTime(_ now: Timestamp) throws(StoreError) -> String {
        let latest = try archivedTimes().last.flatMap {
            RunReference(paths.name, time: $0).archivedAt
        }
        guard let latest, latest.milliseconds / 1000 >= now.milliseconds / 1000 else {
            return RunReference.time(now)
        }
        return RunReference.time(latest.advanced(bySeconds: 1))
    }

    /// The store of an archived run of this name.
    private func archived(_ time: String) throws(StoreError) -> ArchivedRun {
        ArchivedRun(RunStore(try archivedPlace(time), family: store))
    }
}

/// Removes, trims and pins archived runs. A process that removes or pins something in one holds
/// its directory alone.
extension Archives {
    /// The archived runs of this name, the oldest first. A part that cannot be read is left out of
    /// the summary, and then the run is kept.
    package func list() throws(StoreError) -> [ArchiveSummary] {
        var times: [String] = []
        for time in try archivedTimes() where try archived(time).belongsToState() {
            times.append(time)
        }
        return times.map { [times] time in
            var summary = ArchiveSummary(time: time, pins: nil)
            do throws(StoreError) {
                let run = try archived(time)
                guard try run.isMounted() else { return summary }
                let pins = try run.store.pins.load()
                if time != times.last {
                    let scan = try run.scan()
                    summary.checkpoints = scan.checkpoints
                    summary.damaged = scan.damaged.map(\.id)
                    let record = try? run.store.record.load()
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
    package func remove(_ time: String) throws(StoreError) -> Int64? {
        let run = try archived(time)
        guard let hold = try run.hold(), try run.belongsToState(),
            try run.isMounted(), run.hasNoPins(),
            try run.isReadByNobody()
        else { return nil }
        defer { withExtendedLifetime(hold) {} }
        let bytes = try run.bytes()
        // The record goes last: as long as it is there, what is left is found.
        var directories = [run.paths.run]
        if run.paths.isSplit { directories.insert(run.paths.payload, at: 0) }
        try writing { () throws(SystemError) in
            var places: [String] = []
            for directory in directories {
                if let place = try hide(directory) { places.append(place) }
            }
            store.archiveClaims.forget()
            for place in places { try removeRun(place) }
        }
        return bytes
    }

    /// Removes checkpoints of an archived run, but for those that somebody is reading or has pinned.
    ///
    /// - Returns: those that are gone, and how many bytes they had.
    package func trim(
        _ time: String, removing ids: [CheckpointID]
    ) throws(StoreError) -> (gone: [CheckpointID], bytes: Int64) {
        let run = try archived(time)
        guard let hold = try run.hold(), try run.belongsToState() else { return ([], 0) }
        defer { withExtendedLifetime(hold) {} }
        let pins = try run.store.pins.load()
        var bytes: [CheckpointID: Int64] = [:]
        let going = ids.filter { !pins.contains($0) }
        for id in going { bytes[id] = try run.bytes(of: id) }
        store.archiveClaims.forget()
        let gone = try run.store.trash.remove(going)
        return (gone, gone.reduce(0) { $0 + (bytes[$1] ?? 0) })
    }

    /// Deletes what was taken out of the archives, and what was on its way when they were archived.
    func sweep() throws(StoreError) {
        let archives = Set([paths.archive] + (paths.isSplit ? [paths.payloadArchive] : []))
        for archive in archives.sorted() { try sweep(archive) }
        for time in try archivedTimes() {
            let run = try archived(time)
            if try run.belongsToState() { try run.store.sweepOwn() }
        }
    }

    private func sweep(_ archive: String) throws(StoreError) {
        try writing { () throws(SystemError) in
            let trash = "\(archive)/\(Self.trash)"
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

    /// Takes a directory out of an archive, durably. Where there is no room for a trash, it is hidden
    /// beside the others.
    ///
    /// - Returns: where it is now; nil where it was not there.
    private func hide(_ directory: String) throws(SystemError) -> String? {
        let archive = parent(of: directory)
        let trash = "\(archive)/\(Self.trash)"
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
            try store.trash.removeOwnedPayload(
                of: "\(run)/checkpoints/\(entry.name)", isArchived: true)
        }
        try files.removeTree(run)
    }
}
