import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The state of one run on the disk. Whoever writes holds the run's lock.
///
/// The order of the calls at a start: ``StateDirectory/prepare()``, ``RunLock``, ``prepare()``,
/// ``loadRecord()``, ``scan()`` where there is a record, ``save(_:)``; ``sweep()`` beside the job.
/// All calls block. Those on the record, the status and the events belong on one thread, in order;
/// those on checkpoints may be on others.
package final class RunStore: Sendable {
    package let paths: RunPaths
    /// What this process has hashed.
    package let verified = VerifiedFiles()
    /// What its checkpoints hold that the job wrote by itself.
    let taken = TakenContents()
    /// Who compresses and restores.
    package let tools = Tools()
    /// Who the job is, where that is not who we are.
    let owner: UserIdentity?
    let files: any FileSystem
    let belongings: Belongings
    let limits: Limits
    /// Of an archived run: the store of the run that has its name now.
    let family: RunStore?
    let state = Mutex(State())

    /// Sizes in bytes.
    package struct Limits: Sendable {
        /// Of `events.jsonl`, before it gets a number and a new one is begun.
        package var eventFile: Int64 = 64_000_000
        /// How many of them there are, with the one being written.
        package var eventFiles = 4
        /// Of a record, status, manifest or list of checksums; what is larger is not ours.
        package var document = 1 << 28
        /// So many checkpoints are looked at one by one; of more the older ones come from the index.
        package var unindexed = 256
        /// What file systems give room in: a copy that does not save one of these is not smaller.
        package var block: Int64 = 4096

        package init() {}
    }

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
        /// Derived files that were looked at.
        var checkedStatus = false
        var checkedEvents = false
        /// How many checkpoints there are, as far as is known.
        var live = 0
        /// How many lines `checkpoints.index` has; nil where it is to be written anew.
        var indexLines: Int?
    }

    package init(
        _ paths: RunPaths, owner: UserIdentity? = nil, files: any FileSystem = Disk(),
        limits: Limits = Limits(), family: RunStore? = nil
    ) {
        self.paths = paths
        self.owner = owner
        self.files = files
        belongings = (files as? Disk)?.belongings ?? Belongings()
        self.limits = limits
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

extension RunStore {
    func exists(_ path: String) throws(StoreError) -> Bool {
        try reading { () throws(SystemError) in
            try unlessMissing { () throws(SystemError) in try files.status(path) } != nil
        }
    }

    func removeIfThere(_ path: String) throws(SystemError) {
        _ = try unlessMissing { () throws(SystemError) in try files.removeFile(path) }
    }

    /// The whole of a file of ours; nil where there is none.
    ///
    /// - Throws: `garbage` where it is no file, or too large for one of ours; `unreadable`.
    func document(_ path: String) throws(StoreError) -> [UInt8]? {
        try ownedDocument(path)?.content
    }

    /// The same, with its owner's user id.
    func ownedDocument(
        _ path: String
    ) throws(StoreError) -> (content: [UInt8], owner: UInt32)? {
        do throws(SystemError) {
            return try unlessMissing { () throws(SystemError) in
                try files.readOwned(path, limit: limits.document)
            }
        } catch {
            if error.isNoRegularFile {
                throw .garbage(path: path, reason: "it is no regular file")
            }
            if error.isTooLarge { throw .garbage(path: path, reason: "it is too large") }
            throw StoreError(reading: error)
        }
    }

    func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], in path: String
    ) throws(StoreError) -> Value {
        do throws(FormatError) {
            return try JSONText.decode(type, from: bytes)
        } catch {
            throw StoreError(error, in: path)
        }
    }

    /// With a newline at its end.
    func encode(_ value: some Encodable, for path: String) throws(StoreError) -> [UInt8] {
        do throws(FormatError) {
            return try JSONText.encode(value) + [UInt8(ascii: "\n")]
        } catch {
            throw StoreError(error, in: path)
        }
    }
}
