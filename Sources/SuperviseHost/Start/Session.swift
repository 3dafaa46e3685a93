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
    /// That of the directory with its checkpoints, where the user named one.
    let payloadLock: FileLock?
    /// The job's, where we may make one.
    let group: ControlGroup?
    let found: Supervisor.Found
    /// Whether there is a supervisor before us, which may have left something to be deleted.
    let isSwept: Bool
    /// Our own environment, as we were started with it.
    let environment: [(String, String)]
    let signals: SignalPlan
    let socket: String
    /// Beside the state; nil where there is none.
    let secondSocket: String?
    /// Secret random bits.
    let seed: UInt64
    let console: Console
    let inherited: InheritedDescriptors
    /// Those of the directories that are watched: ours alone.
    var watchLocks: [FileLock] = []
    /// Programs of the user's that were found at the start.
    var helpers = HelperPrograms()
}

extension Session {
    /// The guard shares them.
    var locks: Guard.Locks {
        Guard.Locks(run: lock.rawDescriptor, payload: payloadLock?.rawDescriptor ?? -1)
    }

    /// Nobody is asked outside unless somebody wants it.
    func inquiries(
        on loop: EventLoop, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> Inquiries? {
        guard request.settings.preempt != nil else { return nil }
        return Inquiries(
            on: loop, tools: store.tools,
            environment: JobEnvironment.ofHelper(inherited: environment),
            program: { [self] in helperCall($0, helpers.preempt) },
            word: try randomHex(bytes: 16), deliver)
    }
}
