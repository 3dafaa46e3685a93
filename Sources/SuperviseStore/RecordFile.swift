import SuperviseFormats
import SuperviseSystem
import Synchronization

/// `run.json`, the durable record of a run.
package final class RecordFile: RunPart {
    package let place: RunPlace
    /// Directories that hold new names on which the record depends.
    private let unsynced = Mutex<[String]>([])

    init(_ place: RunPlace) { self.place = place }

    /// Forgets the directories to sync: the run's files were moved away.
    func forget() { unsynced.withLock { $0 = [] } }

    /// Makes the directories of a new run. They are durable when the record is.
    func makeDirectories() throws(StoreError) {
        try writing { () throws(SystemError) in
            var made = [paths.stateDirectory]
            try files.makeDirectoryIfMissing(paths.run)
            if paths.isSplit {
                try files.makeDirectories(paths.payloadParent)
                try files.makeDirectoryIfMissing(paths.payload)
                made += [paths.payload, paths.payloadParent]
            }
            try files.makeDirectoryIfMissing(paths.checkpoints)
            try files.makeDirectoryIfMissing(paths.trash)
            try removeIfThere(paths.recordTemporary)
            unsynced.withLock { [made] in $0 = made }
        }
    }

    /// Makes the directory of a run that has not begun durably, whole or not at all.
    ///
    /// - Parameter made: directories that are made on the way, and are opened to everybody who knows the
    ///   names in them, as a start with `--user` opens those that it makes.
    func initialise(
        _ note: InitialNote, opening made: [String] = []
    ) throws(StoreError) {
        let draft = "\(paths.stateDirectory)/.init-\(paths.name)"
        let bytes = try encode(note, for: paths.initialNote)
        if paths.isSplit { try initialisePayload() }
        try writing { () throws(SystemError) in
            for directory in made { try belongings.openToAll(directory) }
            try files.makeDirectoryIfMissing(draft)
            if !paths.isSplit { try files.makeDirectoryIfMissing("\(draft)/checkpoints") }
            let file = "\(draft)/\(FilePath(paths.initialNote).name)"
            try files.writeFile(file, bytes)
            try files.syncFile(file)
            try files.syncDirectory(draft)
            try files.rename(draft, to: paths.run)
            try files.syncDirectory(paths.stateDirectory)
        }
    }

    private func initialisePayload() throws(StoreError) {
        try writing { () throws(SystemError) in
            try files.makeDirectories(paths.payloadParent)
            try files.makeDirectoryIfMissing(paths.payload)
            try files.makeDirectoryIfMissing(paths.checkpoints)
            try files.syncDirectory(paths.payload)
            try files.syncDirectory(paths.payloadParent)
        }
    }

    /// The record, or nil where there is no run of that name. Writes nothing.
    ///
    /// - Throws: `garbage`, `newerFormat`, `unreadable`.
    package func load() throws(StoreError) -> RunRecord? {
        try document(paths.record).map { (bytes) throws(StoreError) in try record(from: bytes) }
    }

    /// As ``load()``, for a caller that runs what the record says.
    ///
    /// - Throws: `badPath` where we are root and the record is another user's.
    package func loadToRun() throws(StoreError) -> RunRecord? {
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
        let waiting = unsynced.withLock { $0 }
        try writing { () throws(SystemError) in
            try files.writeFile(paths.recordTemporary, bytes)
            try files.syncFile(paths.recordTemporary)
            // Sync the directories that the record refers to before publishing it.
            for directory in waiting { try files.syncDirectory(directory) }
        }
        guard mayPublish() else { throw .cancelled }
        try writing { () throws(SystemError) in
            try files.rename(paths.recordTemporary, to: paths.record)
            try files.syncDirectory(paths.run)
        }
        forget()
    }
}

/// Records of format 1.
extension RecordFile {
    /// Takes out of a record of format 1 what a newer one would not say: where the run's own directory
    /// was called when it was written.
    private func forgetOwnDirectory(_ record: inout RunRecord) throws(StoreError) {
        guard record.format.isFirst, let recorded = record.checkpointDirectory,
            try !isNamed(recorded, record)
        else { return }
        record.formerDirectory = recorded
        record.checkpointDirectory = nil
    }

    private func isNamed(_ recorded: String, _ record: RunRecord) throws(StoreError) -> Bool {
        if FilePath(recorded) == FilePath(paths.run) { return false }
        if record.options[OptionName.checkpointDir.rawValue] != nil { return true }
        // An option of an earlier start is not recorded any more. Where it was one, nothing lies here.
        if try exists("\(paths.run)/checkpoints") { return false }
        return try !exists("\(recorded)/run.json")
    }
}

/// The lock of a run: who holds it may write. ``StateDirectory/prepare()`` makes room for it.
package enum RunLock {
    /// Takes it without waiting. It is the caller's to share with the guard.
    package static func acquire(_ paths: RunPaths) throws(StoreError) -> FileLock.Attempt {
        try acquire(paths.lock)
    }

    /// - Parameter path: ``RunPaths/lock``, or ``RunPaths/payloadLock``.
    package static func acquire(_ path: String) throws(StoreError) -> FileLock.Attempt {
        try writing { () throws(SystemError) in try FileLock.take(path) }
    }

    /// Takes it for a moment, to settle the run: a start of the run meanwhile waits.
    package static func acquireToSettle(
        _ paths: RunPaths
    ) throws(StoreError) -> FileLock.Attempt {
        try writing { () throws(SystemError) in try FileLock.take(paths.lock, writesPID: false) }
    }

    /// The one that the guard has handed to us; nil where it has not executed us.
    package static func settling(_ paths: RunPaths) throws(StoreError) -> FileLock? {
        try reading { () throws(SystemError) in try FileLock.settling(paths.lock) }
    }

    /// Who holds it, asked without touching it.
    package static func holder(_ paths: RunPaths) throws(StoreError) -> FileLock.Holder {
        try reading { () throws(SystemError) in try FileLock.holder(paths.lock) }
    }
}
