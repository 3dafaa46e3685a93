import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Everything that a start has put in place.
struct Session {
    let request: RunRequest
    /// What each attempt is started with.
    let job: ProcessSettings
    let store: RunStore
    let lock: FileLock
    /// The job's, where we may make one.
    let group: ControlGroup?
    let found: Supervisor.Found
    /// Whether there is a supervisor before us, which may have left something to be deleted.
    let isSwept: Bool
    /// Our own environment, as we were started with it.
    let environment: [(String, String)]
    let signals: SignalPlan
    let socket: String
    /// Secret random bits.
    let seed: UInt64
    let console: Console
}
