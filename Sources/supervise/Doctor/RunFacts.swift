import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// What the doctor knows of one run.
struct RunFacts: Sendable {
    var name: RunReference
    /// The run's own directory.
    var path: String
    var holder: Result<FileLock.Holder, StoreError> = .success(.nobody)
    /// Whether the process that holds the lock is there.
    var holderLives = true
    /// How far that process is from us.
    var distance = SupervisorDistance.here
    /// What came of a question to it; nil where it was not asked, as it has published no socket yet.
    var reach: Reach?
    /// nil where there is none, though there is a directory of that name.
    var record: Result<RunRecord, StoreError>?
    /// `supervise init` has made it, and it has not begun.
    var isInitial = false
    /// Where nobody is at work on it: whether it had ended.
    var status: Result<Status?, StoreError> = .success(nil)
    /// Whether its directory is the one that the record was written in; nil where that was not asked:
    /// somebody is at work on it.
    var origin: StateOrigin?
    /// The finding about a directory of `--checkpoint-dir`, with its level; nil if there is none.
    var tenancy: (level: Finding.Level, sentence: String)?
    var checkpoints: Result<Scan, StoreError> = .success(Scan())
    /// Those whose every byte was read and is not what was saved, with the reason; nil where that was
    /// not asked for.
    var rotten: [(id: CheckpointID, reason: String)]?
    /// Why the pins cannot be read, and after a semicolon what to do.
    var pinsFault: String?
    /// Entries of the run's directory.
    var names: [String] = []
    /// Entries of ours that belong to another user, or that others may write to.
    var exposed: [(path: String, owner: Ownership)] = []
    /// Bytes free where the checkpoints are.
    var free: Int64?
    /// Programs that options of the run name and that are not here.
    var missingPrograms: [String] = []
    /// Why its job could not be started as it was, and after a semicolon what to do.
    var jobFaults: [String] = []
    /// What another command has to be given to find the same run.
    var placeOption: [String] = []
    /// This machine's name.
    var host = ""

    enum Reach: Equatable, Sendable {
        /// It has answered at this path.
        case answered(String)
        case failed(String)
    }
}
