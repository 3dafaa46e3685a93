import SuperviseFormats
import SuperviseSystem

/// The state of one run on the disk. Whoever writes holds the run's lock.
///
/// The order of the calls at a start: ``StateDirectory/prepare()``, ``RunLock``, ``prepare()``,
/// ``RecordFile/load()``, ``CommittedCheckpoints/scan()`` where there is a record,
/// ``RecordFile/save(_:mayPublish:)``; ``sweep()`` beside the job. All calls block. Those on the record,
/// the status and the events belong on one thread, in order; those on checkpoints may be on others.
package final class RunStore: RunPart {
    package let place: RunPlace
    package let record: RecordFile
    package let checkpoints: CommittedCheckpoints
    package let staging: Staging
    package let trash: Trash
    /// The status, the events and the output.
    package let derived: DerivedFiles
    /// The programs that compress and restore.
    package let tools = Tools()
    let archiveClaims: ArchiveClaims

    package var archives: Archives { Archives(store: self) }
    package var pins: PinsFile { PinsFile(place) }
    package var payloadDirectory: PayloadDirectory { PayloadDirectory(place) }
    package var compressor: Compressor { Compressor(place, checkpoints: checkpoints) }

    package convenience init(
        _ paths: RunPaths, owner: UserIdentity? = nil, files: any FileSystem = Disk(),
        limits: StoreLimits = StoreLimits()
    ) {
        self.init(RunPlace(paths, owner: owner, files: files, limits: limits), family: nil)
    }

    /// - Parameter family: of an archived run: the store of the run that has its name now.
    init(_ place: RunPlace, family: RunStore?) {
        self.place = place
        record = RecordFile(place)
        checkpoints = CommittedCheckpoints(place, tools: tools)
        archiveClaims = ArchiveClaims(place)
        trash = Trash(
            place, checkpoints: checkpoints, archived: archiveClaims, family: family?.trash)
        staging = Staging(place, checkpoints: checkpoints, trash: trash)
        derived = DerivedFiles(place)
    }

    /// Makes the run's directories, where there is no record of it yet: where there is one, a missing
    /// directory is a disk that is not mounted. They are durable when the record is.
    package func prepare() throws(StoreError) {
        if try exists(paths.record) {
            try writing { () throws(SystemError) in try removeIfThere(paths.recordTemporary) }
            try staging.finishMoves()
            trash.prepare()
            return
        }
        try archives.finish()
        try record.makeDirectories()
    }

    /// Makes a run that has not begun. The caller holds the run's lock.
    ///
    /// - Parameter made: directories that are made on the way, and are opened to everybody who knows the
    ///   names in them, as a start with `--user` opens those that it makes.
    /// - Returns: false if there was one; then nothing is changed.
    package func initialise(
        _ note: InitialNote, opening made: [String] = []
    ) throws(StoreError) -> Bool {
        if try exists(paths.run) { return false }
        try archives.finish()
        try record.initialise(note, opening: made)
        return true
    }

    /// Removes what an earlier supervisor left half written or half deleted. May run beside all else:
    /// what this process has begun stays.
    package func sweep() throws(StoreError) {
        try sweepOwn()
        try archives.sweep()
    }

    func sweepOwn() throws(StoreError) {
        try staging.sweep()
        try trash.sweep()
    }

    /// Takes a checkpoint that is not good out of the way. The newest two of these are kept.
    ///
    /// - Returns: where it is now; nil where there was no such checkpoint.
    package func setAside(_ id: CheckpointID) throws(StoreError) -> String? {
        staging.taken.forget(id)
        return try trash.setAside(id)
    }

    /// Forgets all that is known: the run's files were moved away.
    func forget() {
        record.forget()
        checkpoints.forgetAll()
        staging.forget()
        archiveClaims.forget()
        derived.forget()
    }
}

/// What is there.
extension RunStore {
    /// Whether there is a directory of the run.
    package func isThere() throws(StoreError) -> Bool { try exists(paths.run) }

    /// It was made by `supervise init`, and no supervisor has begun it.
    package func hasNotBegun() throws(StoreError) -> Bool {
        guard try exists(paths.initialNote) else { return false }
        if try exists(paths.record) { return false }
        return try !exists(paths.status)
    }

    /// Whether the directory that holds the checkpoints and what belongs to them is there.
    package func hasPayloadDirectory() throws(StoreError) -> Bool { try exists(paths.payload) }

    /// How many bytes the job may still write beside its checkpoints; nil where the file system does
    /// not tell.
    package func freeSpace() -> Int64? {
        let isRoot = (owner?.user ?? userId()) == 0
        let free = try? files.freeSpace(paths.payload, asRoot: isRoot)
        return free == .max ? nil : free
    }

    /// Whether removing them makes room for checkpoints: those may be on another disk.
    package func logsShareDisk() -> Bool {
        guard paths.isSplit else { return true }
        guard let run = try? files.status(paths.run),
            let payload = try? files.status(paths.payload)
        else { return false }
        return run.device == payload.device
    }
}

extension StateDirectory {
    /// The runs that `supervise init` has made and no supervisor has begun; those that cannot be looked at
    /// are left out.
    package func initialRuns() -> [RunName] {
        let entries = (try? files.list("\(path)/.")) ?? []
        return entries.compactMap { entry in
            guard entry.kind == .directory, let name = RunName(entry.name) else { return nil }
            let store = RunStore(RunPaths(stateDirectory: path, name: name), files: files)
            return (try? store.hasNotBegun()) == true ? name : nil
        }
    }
}
