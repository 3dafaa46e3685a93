import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The state of one run on the disk. Whoever writes holds the run's lock.
///
/// The order of the calls at a start: ``StateDirectory/prepare()``, ``RunLock``, ``prepare()``,
/// ``loadRecord()``, ``scan()`` where there is a record, ``save(_:)``; ``sweep()`` beside the job.
/// All calls block. Those on the record, the status and the events belong on one thread, in order;
/// those on checkpoints may be on others.
package final class RunStore: RunPart {
    package let place: RunPlace
    /// The status and the events.
    package let derived: DerivedFiles
    /// What this process has hashed.
    package let verified = VerifiedFiles()
    /// What its checkpoints hold that the job wrote by itself.
    let taken = TakenContents()
    /// Who compresses and restores.
    package let tools = Tools()
    /// Of an archived run: the store of the run that has its name now.
    let family: RunStore?
    let state = Mutex(State())

    struct State {
        /// Directories that hold new names on which the record depends.
        var unsynced: [String] = []
        /// Checkpoints that were begun by this process.
        var begun: Set<CheckpointID> = []
        /// Found among the checkpoints, and on their way out.
        var hidden: Set<CheckpointID> = []
        /// Payloads that stay outside, by their checkpoints; nil before the first scan.
        var claims: [CheckpointID: FilePath]?
        /// Payloads that stay outside, of archived runs by their times; nil where that was not asked.
        var archiveClaims: [String: [FilePath]]?
        /// Directories outside whose names were made durable, and their inodes.
        var durableNames: [FilePath: UInt64] = [:]
        /// How many checkpoints there are, as far as is known.
        var live = 0
        /// How many lines `checkpoints.index` has; nil where it is to be written anew.
        var indexLines: Int?
    }

    package init(
        _ paths: RunPaths, owner: UserIdentity? = nil, files: any FileSystem = Disk(),
        limits: StoreLimits = StoreLimits(), family: RunStore? = nil
    ) {
        place = RunPlace(paths, owner: owner, files: files, limits: limits)
        derived = DerivedFiles(place)
        self.family = family
    }

    /// Makes the run's directories, where there is no record of it yet: where there is one, a missing
    /// directory is a disk that is not mounted. They are durable when the record is.
    package func prepare() throws(StoreError) {
        let isRecorded = try exists(paths.record)
        if isRecorded {
            try writing { () throws(SystemError) in try removeIfThere(paths.recordTemporary) }
            try finishMoves()
            prepareTrash()
            return
        }
        try finishArchiving()
        try writing { () throws(SystemError) in
            var unsynced = [paths.stateDirectory]
            try files.makeDirectoryIfMissing(paths.run)
            if paths.isSplit {
                try files.makeDirectories(paths.payloadParent)
                try files.makeDirectoryIfMissing(paths.payload)
                unsynced += [paths.payload, paths.payloadParent]
            }
            try files.makeDirectoryIfMissing(paths.checkpoints)
            try files.makeDirectoryIfMissing(paths.trash)
            try removeIfThere(paths.recordTemporary)
            state.withLock { $0.unsynced = unsynced }
        }
    }

    /// Making room needs it, and a full disk has no room for it. Only beside checkpoints: else a disk
    /// is not mounted.
    private func prepareTrash() {
        guard (try? files.status(paths.checkpoints))?.kind == .directory else { return }
        _ = try? files.makeDirectoryIfMissing(paths.trash)
    }

    /// The record, or nil where there is no run of that name. Writes nothing.
    ///
    /// - Throws: `garbage`, `newerFormat`, `unreadable`.
    package func loadRecord() throws(StoreError) -> RunRecord? {
        try document(paths.record).map { (bytes) throws(StoreError) in try record(from: bytes) }
    }

    /// As ``loadRecord()``, for a caller that runs what the record says.
    ///
    /// - Throws: `badPath` where we are root and the record is another user's.
    package func loadRecordToRun() throws(StoreError) -> RunRecord? {
        guard let found = try ownedDocument(paths.record) else { return nil }
        if userId() == 0, found.owner != 0 {
            let user = UserDatabase().description(of: found.owner)
            throw .badPath(
                paths.record,
                reason: "belongs to \(user), and root runs nothing that another user may have "
                    + "written; call supervise as that user, or give the run to root once you have "
                    + "read what it would run: chown -R root \(shown(paths.run))")
        }
        return try record(from: found.content)
    }

    private func record(from bytes: [UInt8]) throws(StoreError) -> RunRecord {
        var record = try decode(RunRecord.self, from: bytes, in: paths.record)
        if let fault = record.fault { throw .garbage(path: paths.record, reason: fault) }
        // A link to it would be read from, and then stand in the way of every sync.
        let run = try reading { () throws(SystemError) in try files.status(paths.run) }
        guard run.kind == .directory else { throw .noDirectory(paths.run) }
        try forgetOwnDirectory(&record)
        return record
    }

    /// Replaces the record; it is durable when this returns. Where it throws, the old or the new one
    /// is there.
    ///
    /// - Parameter mayPublish: asked just before the new one gets its name.
    /// - Throws: `cancelled` where that was refused, and the old one stays.
    package func save(
        _ record: RunRecord, mayPublish: () -> Bool = { true }
    ) throws(StoreError) {
        let bytes = record.json + [UInt8(ascii: "\n")]
        let unsynced = state.withLock { $0.unsynced }
        try writing { () throws(SystemError) in
            try files.writeFile(paths.recordTemporary, bytes)
            try files.syncFile(paths.recordTemporary)
            // A record that is there says that what it needs is there: so before the rename.
            for directory in unsynced { try files.syncDirectory(directory) }
        }
        guard mayPublish() else { throw .cancelled }
        try writing { () throws(SystemError) in
            try files.rename(paths.recordTemporary, to: paths.record)
            try files.syncDirectory(paths.run)
        }
        state.withLock { $0.unsynced = [] }
    }
}
