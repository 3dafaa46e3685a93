import SuperviseFormats
import SuperviseSystem
import Synchronization

/// A run that is over makes room for the next one of its name. What is archived is moved whole; with
/// checkpoints elsewhere there are two moves, first that of the record, and where power fails in
/// between, the next ``RunStore/prepare()`` makes the second.
extension RunStore {
    /// Where a run is now that was archived.
    package struct Archived: Equatable, Sendable {
        package var run: RunReference
        /// Its directory, without checkpoints that are kept elsewhere.
        package var path: String
    }

    /// Moves the run to the archive, durably. Afterwards the store is that of a run that has not
    /// begun.
    ///
    /// - Returns: where the run is now; nil where there was none.
    package func archiveRun(at now: Timestamp) throws(StoreError) -> Archived? {
        let run = RunReference(paths.name, time: try freeTime(now))
        let place = try writing { () throws(SystemError) in
            try moveDurably(paths.run, to: paths.archive, as: run.label)
        }
        if paths.isSplit {
            _ = try writing { () throws(SystemError) in
                try moveDurably(paths.payload, to: paths.payloadArchive, as: run.label)
            }
        }
        verified.forgetAll()
        state.withLock { $0 = State() }
        derived.forget()
        return place.map { Archived(run: run, path: $0) }
    }

    /// Ends what ``archiveRun(at:)`` began before the power failed.
    func finishArchiving() throws(StoreError) {
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
}

/// What an archived run is called: `NAME-20261121T050401Z`.
extension RunStore {
    static let archiveTrash = ".trash"

    /// Of the runs of this name, in order of time.
    func times(in archive: String) throws(StoreError) -> [String] {
        let found = try reading { () throws(SystemError) in try entries(archive) }
        return found.compactMap { entry in
            guard let run = RunReference(label: entry.name), run.name == paths.name else {
                return nil
            }
            return run.time
        }.sorted()
    }

    /// Of all archived runs of this name, in order of time.
    func archivedTimes() throws(StoreError) -> [String] {
        var times = Set(try times(in: paths.archive))
        if paths.isSplit { times.formUnion(try self.times(in: paths.payloadArchive)) }
        return times.sorted()
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
    func archived(_ time: String) throws(StoreError) -> RunStore {
        let run = RunReference(paths.name, time: time)
        let whole = RunPaths(archived: run, in: paths.stateDirectory)
        let located = try RunStore(whole, files: files, limits: limits).locatePayload(
            orIn: paths.isSplit ? paths.payloadArchive : nil)
        return RunStore(located, files: files, limits: limits, family: self)
    }

    /// Whether there is a directory of the run.
    package func isThere() throws(StoreError) -> Bool { try exists(paths.run) }

    /// Where the checkpoints of an archived run are. The directory in its record is the one that it
    /// had before it was archived, perhaps in a state that was moved since.
    ///
    /// - Parameter other: an archive of checkpoints to look in where the record does not tell.
    package func locatePayload(orIn other: String? = nil) throws(StoreError) -> RunPaths {
        if try exists(paths.checkpoints) { return paths }
        // A record that cannot be read tells nothing.
        let recorded = (try? loadRecord())?.checkpointDirectory
        let archives = recorded.map { ["\(parent(of: $0))/.archive"] } ?? other.map { [$0] } ?? []
        guard let archive = archives.first else { return paths }
        return paths.with(payload: "\(archive)/\(paths.reference.label)")
    }
}
