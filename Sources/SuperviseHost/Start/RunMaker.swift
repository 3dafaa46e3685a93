import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// `supervise init`: makes the directory of a run, for a start with `--require-state`.
package struct RunMaker {
    package let paths: RunPaths

    package init(_ paths: RunPaths) { self.paths = paths }

    package enum Result: Equatable, Sendable {
        /// - Parameter warning: what another user can do to it.
        case made(warning: String?)
        /// There was one; nothing was changed.
        case isThere
    }

    /// The file system that holds the state and the one of the checkpoints, each mounted somewhere but on
    /// `/`.
    ///
    /// For each, the lowest directory that is there is looked up in `/proc/self/mountinfo`, with links
    /// followed. A directory that an unmounted disk leaves behind is on the file system around it.
    ///
    /// - Throws: ``StartError`` if one of them is on `/`, is an automount that has not happened, or cannot be
    ///   looked up.
    package func mounts() throws(StartError) -> [MountTable.Entry] {
        let places = [paths.stateDirectory] + (paths.isSplit ? [paths.payloadRoot] : [])
        var found: [MountTable.Entry] = []
        for place in places { found.append(try mount(of: place)) }
        return found
    }

    private func mount(of place: String) throws(StartError) -> MountTable.Entry {
        // Mounts it, where an automount waits for somebody to look.
        _ = pathExists("\(place)/.")
        let (directory, table) = try describing(.lookAtMount(place)) {
            () throws(SystemError) -> (String, MountTable) in
            let walk = try PathWalk.look(place)
            let lowest = walk.steps.last { $0.kind == .directory }?.path ?? "/"
            return (lowest, MountTable(try readSmallFile("/proc/self/mountinfo")))
        }
        guard let entry = table.entry(of: FilePath(directory)) else {
            throw StartError.unknownMount(place)
        }
        guard entry.isDisk else { throw StartError.notMounted(place, point: entry.point) }
        return entry
    }

    /// Makes it durably, under the run's lock.
    ///
    /// - Throws: ``StartError`` if somebody is at work on it, or it cannot be written.
    package func make(at now: Timestamp) throws(StartError) -> Result {
        let place = PlaceCheck(identity: nil)
        let warning = try place.perform(paths)
        // Nothing is locked or written where there is one.
        if try explaining({ () throws(StoreError) in try RunStore(paths).isThere() }) {
            return .isThere
        }
        let missing = PlaceCheck.missingDirectories(above: paths)
        try explaining { () throws(StoreError) in
            try StateDirectory(paths.stateDirectory).prepare()
        }
        let attempt = try explaining { () throws(StoreError) in
            try RunLock.acquireToSettle(paths)
        }
        guard case .taken(let lock) = attempt else {
            throw StartError.isBeingMade(paths.name)
        }
        defer { lock.release() }
        let isMade = try explaining { () throws(StoreError) in
            // Root's first start may be with --user: that user needs to get there. Such a start is refused
            // in a place that another user may change, and there the paths may lead elsewhere by now.
            let opened = userId() == 0 && warning == nil ? missing : []
            return try RunStore(paths).initialise(
                InitialNote(created: now, host: hostName()), opening: opened)
        }
        return isMade ? .made(warning: warning) : .isThere
    }
}

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
