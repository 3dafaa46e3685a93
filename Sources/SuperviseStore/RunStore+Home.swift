import SuperviseFormats
import SuperviseSystem

/// Which directory the run's own is, and where a record of an older version has its checkpoints.
extension RunStore {
    /// The run's directory as it is now.
    ///
    /// - Throws: `unreadable`, also where it is not there.
    package func home() throws(StoreError) -> Home {
        let found = try reading { () throws(SystemError) in try files.status(paths.run) }
        return Home(path: paths.run, id: DirectoryID(found))
    }

    /// Whether the recorded path is another run's directory, with a record in it.
    ///
    /// - Returns: nil where it cannot be told.
    package func isRun(at path: String) -> Bool? {
        do throws(StoreError) {
            guard let id = try identity(of: path), id != (try identity(of: paths.run)) else {
                return false
            }
            return try exists("\(path)/run.json")
        } catch {
            return nil
        }
    }

    /// Follows links; nil where there is nothing.
    func identity(of path: String) throws(StoreError) -> DirectoryID? {
        do throws(SystemError) {
            return try unlessMissing { () throws(SystemError) in
                DirectoryID(try files.status("\(path)/."))
            }
        } catch {
            if error.isNoDirectory { return nil }
            throw StoreError(reading: error)
        }
    }

    /// Takes out of a record of format 1 what a newer one would not say: where the run's own directory
    /// was called when it was written.
    func forgetOwnDirectory(_ record: inout RunRecord) throws(StoreError) {
        guard record.format.isFirst, let recorded = record.checkpointDirectory,
            try !isNamed(recorded, record)
        else { return }
        record.formerDirectory = recorded
        record.checkpointDirectory = nil
    }

    private func isNamed(_ recorded: String, _ record: RunRecord) throws(StoreError) -> Bool {
        if FilePath(recorded) == FilePath(paths.run) { return false }
        if record.options["checkpoint-dir"] != nil { return true }
        // An option of an earlier start is not recorded any more. Where it was one, nothing lies here.
        if try exists("\(paths.run)/checkpoints") { return false }
        return try !exists("\(recorded)/run.json")
    }
}

extension DirectoryID {
    init(_ status: FileStatus) {
        self.init(device: status.device, inode: status.inode)
    }
}
