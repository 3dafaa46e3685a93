import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Puts everything in place for a run: its name, the lock, the record, what there is to resume from.
struct Starter {
    let request: RunRequest
    let console: Console
    var inherited = InheritedDescriptors.none

    var wait: ShortageWait { ShortageWait(console) }

    /// What comes of a start.
    enum Start {
        case session(Session)
        /// The run has completed, and is not to begin again.
        case alreadyCompleted
        /// A signal came while the run's directory was waited for.
        case ended(signal: Int32)
    }

    /// - Throws: ``StartError`` with a sentence for whoever started us; nothing was changed that
    ///   was saved.
    func start() throws(StartError) -> Start {
        // A shortage of descriptors would otherwise show in the middle, where some errors are not reported.
        try wait.describing(.start) { () throws(SystemError) in
            try probeDescriptors(Self.descriptors)
        }
        let paths = try runPaths()
        if let signal = try awaitState(paths) { return .ended(signal: signal) }
        let signals = SignalPlan(
            checkpoint: request.checkpointSignal, preempt: request.preemptSignal)
        let helpers = try lookForPrograms()
        let job = try JobRehearsal(request: request, console: console).perform(paths)
        if let identity = job.identity {
            try HelperTrust(identity: identity).check(helpers, onHangUser: request.onHangUser)
            say(
                UnitCredentials()?.line(job: identity, environment: request.job.environment))
        }
        let place = PlaceCheck(identity: job.identity)
        say(try place.perform(paths))
        let missing = job.identity == nil ? [] : PlaceCheck.missingDirectories(above: paths)
        try wait.explaining { () throws(StoreError) in
            try StateDirectory(request.stateDirectory).prepare()
        }
        _ = try place.perform(paths)
        let lock = try takeLock(paths)
        try requireState(paths)
        // Before anything is changed: it may be impossible.
        let socket = try SocketPath(variable: trustedVariable, job: job.identity, wait: wait)
            .choose(for: paths.run)
        var isInSession = false
        let second = secondSocket(paths, socket)
        defer {
            if !isInSession {
                for path in [socket, second].compactMap(\.self) { SocketPath.remove(path) }
            }
        }
        var store = try makeStore(paths, place)
        let former = (try? store.derived.readStatus())?.socket
        if former != second {
            SocketPath.removeFormer(former, of: paths.run, unless: socket)
        }
        let old = try wait.explaining { () throws(StoreError) in try load(store) }
        let isDone = old?.outcome?.kind == .completed
        let beginsAnew = request.fresh || (isDone && !namesCheckpoint)
        let exits = isDone && request.whenCompleted == .exit && !request.fresh
        let match = exits || !beginsAnew ? old.map(compare) : nil
        if let match, case .refused = match.verdict {
            throw StartError.otherCommand(match, paths.name, isCompleted: exits)
        }
        if exits { return .alreadyCompleted }
        if let old { store = try makeStore(pathsOfRecord(old, paths), place) }
        let origin = try old.map { (old) throws(StartError) in
            try inquire(store, old)
        }
        let holder = PayloadHolder(console: console)
        var payload = try holder.take(store, isRecorded: old != nil && !beginsAnew)
        if let origin, let old { say(StartText.line(origin, old, name: paths.name)) }
        var isSwept = old != nil
        if beginsAnew {
            isSwept = try archive(store, socket: socket) || isSwept
            let archived = store.paths.payload
            store = try makeStore(paths, place)
            if store.paths.payload != archived {
                payload = try holder.take(store, isRecorded: false)
            }
        } else if let match {
            say(StartText.line(match, name: paths.name))
        }
        let runToken = try token(of: old, origin)
        let group = ControlGroup.make("supervise-\(runToken)")
        tellIfBlind()
        if job.identity != nil {
            // By now a new directory of checkpoints has been made, too, for its lock; the store
            // from before goes there by its name.
            store = try makeStore(store.paths, place, allThere: true)
        }
        try wait.explaining { () throws(StoreError) in try store.prepare() }
        // Somebody else may have been quicker than we in making a directory.
        _ = try place.perform(store.paths)
        try wait.explaining { () throws(StoreError) in
            try payload?.claim(store, sharedThrough: sharedThrough(old, origin, payload))
            try store.openToOwner(through: missing)
            if request.capture != nil { try store.derived.prepareOutput() }
        }
        let inherited = environmentVariables()
        let beginning = beginning(inherited)
        let environment = environment(of: beginning, inherited)
        let session =
            Session(
                request: request, job: job, store: store, lock: lock, payloadLock: payload?.lock,
                group: group,
                found: try look(
                    store, old, beginsAnew: beginsAnew, runToken: runToken,
                    hasLeftovers: try hasLeftovers(old, origin),
                    lastBegun: try lastBegun(lock, paths, of: beginsAnew ? nil : old),
                    sharedThrough: sharedThrough(old, origin, payload), socket: socket,
                    manager: ServicePlace.find(in: environment)?.manager, isSwept: isSwept,
                    beginning),
                isSwept: isSwept,
                environment: environment, signals: signals, socket: socket,
                secondSocket: second,
                seed: UInt64(try randomDigits(), radix: 16) ?? 0, console: console,
                inherited: self.inherited,
                watchLocks: claimWatched(paths), helpers: helpers)
        isInSession = true
        return .session(session)
    }

    /// So many are needed at once, at most, before the loop is there.
    private static let descriptors = 8

    /// As the guard of the supervisor before us has noted it. Takes the note away: it tells nothing of
    /// our own attempts, and after a power failure it may be there again.
    private func lastBegun(
        _ lock: FileLock, _ paths: RunPaths, of old: RunRecord?
    ) throws(StartError) -> Int? {
        guard let note = lock.formerNote else { return nil }
        try wait.describing(.noteLock) { () throws(SystemError) in
            try lock.note(nil, paths.lock)
        }
        guard let old, !old.bootID.isEmpty, old.bootID == (try bootID()),
            note.hasPrefix("attempt ")
        else { return nil }
        return Int(note.dropFirst("attempt ".count))
    }

    private func claimWatched(_ paths: RunPaths) -> [FileLock] {
        guard !request.settings.watch.isEmpty else { return [] }
        let claimed = WatchClaims(paths: paths).take(
            request.settings.watch, in: request.directory)
        for line in claimed.lines { say(line) }
        return claimed.locks
    }

    /// What is needed later is looked for now, before anything is changed.
    private func lookForPrograms() throws(StartError) -> HelperPrograms {
        var helpers = HelperPrograms(onHang: HelperPrograms.find(request.settings.onHang))
        if let program = request.settings.onHang?.templates.first, helpers.onHang == nil {
            console.say(
                "the program \(HumanText.printable(program)) of \(OptionName.onHang) is not in PATH; should "
                    + "the job hang, it is killed without it", .normal)
        }
        helpers.preempt = try lookForAsker()
        guard let name = request.settings.compression?.rawValue, pathOfProgram(name) == nil else {
            return helpers
        }
        throw StartError.noProgram(name, option: "\(OptionName.compress) \(name)")
    }

    /// Whoever is to ask whether the machine is taken away.
    ///
    /// - Returns: the user's own program; nil for `curl`, and where nobody is asked.
    private func lookForAsker() throws(StartError) -> String? {
        let program: String
        switch request.settings.preempt {
        case nil: return nil
        case .program(let words):
            if let found = HelperPrograms.find(words) { return found }
            program = words.templates[0]
        case .aws, .gcp, .azure: program = CurlCall.program
        }
        guard pathOfProgram(program) == nil else { return nil }
        throw StartError.noProgram(program, option: "\(OptionName.preempt)")
    }

    /// What cannot be read as a record goes to the archive where a fresh run is asked for.
    private func load(_ store: RunStore) throws(StoreError) -> RunRecord? {
        do throws(StoreError) {
            return try store.record.loadToRun()
        } catch {
            if case .garbage = error, request.fresh { return nil }
            throw error
        }
    }

    /// Whoever names a checkpoint wants to go on from it, even in a run that has completed.
    private var namesCheckpoint: Bool {
        if case .checkpoint = request.settings.resumeFrom { true } else { false }
    }

    /// nil where it cannot be made, as on a file system that takes no sockets: all else works without it.
    private func secondSocket(_ paths: RunPaths, _ first: String) -> String? {
        do throws(SystemError) {
            return try SocketBeside.prepare(of: paths.run, first: first)
        } catch {
            console.say(
                "there is no socket beside the state (\(error)); only processes that can reach "
                    + "\(first) can ask this supervisor", .verbose)
            return nil
        }
    }

    private func say(_ line: String?) {
        if let line { console.say(line, .normal) }
    }

    /// A run that begins anew keeps its token, by which what the old one left is found. One that was
    /// moved or copied gets another: else it and the original would end each other's jobs.
    private func token(of old: RunRecord?, _ origin: StateOrigin?) throws(StartError) -> String {
        if let old, origin?.verdict == .here { return old.runToken }
        return try randomDigits()
    }

    private func tellIfBlind() {
        if let sentence = StartText.line(RefusedCall.all()) { console.say(sentence, .quiet) }
        guard !ProcessTree.isVisible else { return }
        console.say(
            "/proc does not show our processes, so what the job leaves behind cannot be found; "
                + "mount it (unshare --mount-proc, in a PID namespace)", .quiet)
    }

    /// Where the run has put its checkpoints stays their place, unless another one is asked for.
    func pathsOfRecord(_ record: RunRecord, _ paths: RunPaths) -> RunPaths {
        request.checkpointDirectory == nil ? paths.following(record) : paths
    }

    private func makeStore(
        _ paths: RunPaths, _ place: PlaceCheck, allThere: Bool = false
    ) throws(StartError) -> RunStore {
        _ = try place.perform(paths)
        let files = try place.files(for: paths, allThere: allThere)
        return RunStore(paths, owner: place.identity, files: files)
    }

    private func takeLock(_ paths: RunPaths) throws(StartError) -> FileLock {
        try LockWaiter(
            paths: paths, console: console, isResume: request.isResume,
            placeOption: request.placeOption
        ).take()
    }

    /// What the core starts from. The disk is looked at for a new run too: where its record was
    /// lost, its checkpoints are not.
    private func look(
        _ store: RunStore, _ old: RunRecord?, beginsAnew: Bool, runToken: String,
        hasLeftovers: Bool, lastBegun: Int?, sharedThrough: Int64?, socket: String,
        manager: ServiceManager?,
        isSwept: Bool, _ beginning: RunRequest.Beginning
    ) throws(StartError) -> Supervisor.Found {
        let scan = try wait.explaining { () throws(StoreError) in try store.checkpoints.scan() }
        // Derived: without it the next start takes longer.
        try? store.checkpoints.mendIndex(scan)
        let pins = pins(of: store)
        var record = newRecord(store, runToken: runToken, bootID: try bootID())
        record.program = beginning.program
        record.environment = beginning.environment
        record.home = try wait.explaining { () throws(StoreError) in try store.home() }
        if let old, !beginsAnew {
            record.takeOver(old)
            record.sharedThrough = sharedThrough
        }
        var found = Supervisor.Found(
            record: record, checkpoints: scan.checkpoints, sources: scan.sources,
            damaged: scan.damaged, pins: pins,
            highestSequence: scan.highestSequence,
            mayHaveLeftovers: hasLeftovers, mayHaveArchives: isSwept, socket: socket,
            manager: manager)
        found.lastBegun = lastBegun
        found.place = .here(bootID: record.bootID)
        return found
    }

    /// nil where it cannot be told: the job is kept alive all the same.
    private func pins(of store: RunStore) -> Set<CheckpointID>? {
        do throws(StoreError) {
            return try store.pins.load()
        } catch {
            console.say(store.pins.advice(on: error), .quiet)
            return nil
        }
    }

    private func newRecord(_ store: RunStore, runToken: String, bootID: String) -> RunRecord {
        RunRecord(
            name: store.paths.name.description, command: request.command,
            directory: request.directory, options: request.options,
            checkpointDirectory: store.paths.isSplit ? store.paths.payload : nil, created: now(),
            host: hostName(),
            bootID: bootID, supervisorPID: Int(processId()),
            runToken: runToken)
    }

    /// Empty where /proc is not mounted: then nothing is known to be of this boot.
    ///
    /// - Throws: what the machine is short of, as what is left of the run would then be overlooked.
    func bootID() throws(StartError) -> String {
        do throws(SystemError) {
            return try wait.perform(bootId)
        } catch {
            if error.isShortage { throw StartError.shortage(error) }
            return ""
        }
    }

    private func randomDigits() throws(StartError) -> String {
        try wait.describing(.randomNumbers) {
            () throws(SystemError) in try randomHex(bytes: 8)
        }
    }

    private func now() -> Timestamp {
        Timestamp(milliseconds: wallClockNow() / 1_000_000)
    }
}

extension RunRecord {
    /// Goes on with what another supervisor had recorded of the run.
    fileprivate mutating func takeOver(_ old: RunRecord) {
        created = old.created
        attempt = old.attempt
        attemptsReserved = old.attemptsReserved
        current = old.current
        sequence = old.sequence
        commits = old.commits
        branches = old.branches
        bestStep = old.bestStep
        progress = old.progress
        namedSteps = old.namedSteps
        failures = old.failures
        totals = old.totals
        experience = old.experience
        outcome = old.outcome
    }
}

func explaining<Result>(_ body: () throws(StoreError) -> Result) throws(StartError) -> Result {
    do throws(StoreError) {
        return try body()
    } catch {
        throw StartError.store(error)
    }
}

func describing<Result>(
    _ step: StartError.Step, _ body: () throws(SystemError) -> Result
) throws(StartError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw StartError.step(step, error)
    }
}
