import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Carries out what the core decides: takes events from the loop, and does the actions in order.
///
/// Everything here runs on one thread and decides nothing.
final class Conductor {
    private let session: Session
    private let loop: EventLoop
    private var core: Supervisor
    private let console: Console
    private let environment: JobEnvironment
    private var queue: [Event] = []
    private var isServing = false
    private var timers: TimerTable?
    private var job: JobProcess?
    private var switchboard: Switchboard?
    private var disk: DiskWork?
    private var watch: FileWatch?
    private var output: JobOutput?
    private var diagnosis: Diagnosis?
    private var signals: SignalSource?
    private var lastStatus: Status?
    /// Decided, and carried out once what is to be recorded is written.
    private var decided: Action.Ending?
    private var ending: Action.Ending?
    /// What our end waits for.
    private var isDiskFlushed = false
    private var isOutputFlushed = false

    /// - Throws: what the machine refuses: descriptors, the socket.
    init(_ session: Session, loop: EventLoop) throws(SystemError) {
        self.session = session
        self.loop = loop
        console = session.console
        environment = JobEnvironment(
            inherited: session.environment, identity: session.job.identity,
            given: session.request.job.environment, name: session.found.record.name,
            socket: session.socket)
        core = Supervisor(
            settings: session.request.settings, found: session.found, seed: session.seed,
            at: Self.now())
        let deliver: (Event) -> Void = { [unowned self] in take($0) }
        let timers = try TimerTable(on: loop) { [unowned self] in ring($0) }
        self.timers = timers
        let switchboard = try Switchboard(
            path: session.socket, job: session.job.identity, on: loop, timers: timers, deliver)
        self.switchboard = switchboard
        disk = try DiskWork(
            session.store, session.request.settings, on: loop,
            flushed: { [unowned self] in diskFlushed() }, deliver)
        let tools = session.store.tools
        tools.leaveReapingToLoop()
        output = try passOutput(timers, tools, deliver)
        // As late as it may be, before there are threads: each page that we wrote to before and write to
        // again is copied from now on.
        let guardian = try Guard.start(holding: session.lock.rawDescriptor, group: session.group)
        let job = JobProcess(
            on: loop, guardian: guardian, group: session.group, tools: tools,
            lock: session.lock.rawDescriptor, beforeEnd: { switchboard.drain() }
        ) { [unowned self] in takeAfterOutput($0) }
        self.job = job
        watch = try watchFiles(job, deliver)
        diagnosis = Diagnosis(on: loop, tools: tools, deliver)
        signals = try SignalSource(session.signals.taken, on: loop) {
            [unowned self] number, sender in
            switch number {
            case SignalPlan.childEnded: job.reap()
            case SignalPlan.terminalStop: stopWithUs(isTyped: sender == 0)
            case SignalPlan.goOn where goOnWithUs(): break
            case SignalPlan.windowChanged where output?.resize() == true: break
            default: obey(session.signals.meaning(of: number))
            }
        }
    }

    private func watchFiles(
        _ job: JobProcess, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> FileWatch? {
        let patterns = session.request.settings.watch
        guard !patterns.isEmpty else { return nil }
        return try FileWatch(patterns, in: core.record.directory, on: loop) { event in
            // What was closed because the job died is not told before its death.
            job.reap()
            deliver(event)
        }
    }

    /// Runs until the core has decided to end.
    ///
    /// - Throws: what waiting for events can throw.
    func run() throws(SystemError) -> Action.Ending {
        if session.isSwept { disk?.sweep() }
        take(.started)
        while true {
            try loop.run()
            guard let ending else { continue }
            switchboard?.end()
            job?.release()
            return ending
        }
    }

    private static func now() -> Moment {
        Moment(
            instant: Instant(nanoseconds: MonotonicTime.now().nanoseconds),
            wall: Timestamp(milliseconds: wallClockNow() / 1_000_000))
    }

    /// Events that actions cause at once wait until the actions of this one are done.
    private func take(_ event: Event) {
        queue.append(event)
        guard !isServing else { return }
        isServing = true
        while !queue.isEmpty, ending == nil {
            let actions = core.handle(queue.removeFirst(), at: Self.now())
            for action in actions { perform(action) }
        }
        isServing = false
    }

    private func ring(_ alarm: Alarm) {
        switch alarm {
        case .core(let timer):
            // A sign that has arrived and was not read yet is one.
            if timer == .hang { switchboard?.drain() }
            take(.timer(timer))
        case .flush: diskFlushed()
        case .output: output?.ring()
        case .accept: switchboard?.acceptAgain()
        }
    }

    private func perform(_ action: Action) {
        switch action {
        case .endLeftovers: disk?.endLeftovers(runToken: core.record.runToken, group: session.group)
        case .verify(let id, let trusting): verify(id, trusting: trusting)
        case .cancelVerification: disk?.cancelVerification()
        case .compress(let id): disk?.compress(id)
        case .cancelCompression: disk?.cancelCompression()
        case .setAside(let id, let reason): disk?.setAside(id, reason: reason)
        case .record(let record, let confirm): disk?.save(record, confirm: confirm)
        case .spawn(let order): spawn(order)
        case .send(let message, let connection, let seq):
            switchboard?.send(message, to: connection, seq: seq)
        case .close(let connection): switchboard?.close(connection)
        case .signalLeader(let signal): job?.signalLeader(signal)
        case .askBySignal(let signal): job?.ask(by: signal)
        case .flushWatch: watch?.order(.flush)
        case .gatherWatched(let since): watch?.order(.gather(since: since))
        case .watchAgain(let path): watch?.order(.again(path))
        case .pauseJob: job?.pause()
        case .unpauseJob: job?.goOn()
        case .killEverything: job?.killEverything()
        case .endDescendants(let urgency): job?.endDescendants(urgency)
        case .examine: diagnosis?.examine(except: job?.helpers ?? [])
        case .runOnHang(let command): runOnHang(command)
        case .endDiagnosis: diagnosis?.end()
        case .saveReport(let hung, let text): disk?.saveReport(hung, text, at: Self.now().wall)
        case .setTimer(let timer, let deadline): timers?.set(.core(timer), at: deadline)
        case .cancelTimer(let timer): timers?.cancel(.core(timer))
        case .makeStaging(let id): disk?.makeStaging(id)
        case .dropStaging(let id): disk?.dropStaging(id)
        case .measureStaging(let id): disk?.measureStaging(id)
        case .commit(let order): disk?.commit(order)
        case .add(let order, let source): disk?.add(order, from: source)
        case .remove(let ids): disk?.remove(ids)
        case .savePins(let pins): disk?.savePins(pins)
        case .log(let event): log(event)
        case .tell(let line): console.say(line, .normal)
        case .publish(let status):
            lastStatus = status
            output?.show(status, at: Self.now().wall)
            disk?.publish(status)
        case .exit(let ending): exit(ending)
        }
    }

    private func verify(_ id: CheckpointID, trusting: Bool) {
        let bytes = core.checkpoints.first { $0.id == id }?.bytes ?? 0
        disk?.verify(id, bytes: bytes, trusting: trusting)
    }

    private func spawn(_ order: Action.SpawnOrder) {
        let more = order.resume.flatMap { session.request.resumeArguments?.words(for: $0) }
        var request = SpawnRequest(
            command: core.record.command + (more ?? []), environment: environment.entries(for: order),
            directory: core.record.directory,
            standardInput: isTerminal(0) ? .null : .inherit,
            // What our starter gave us is the job's, as if we were not between them; ours are CLOEXEC.
            closesOtherDescriptors: false)
        request.settings = session.job
        switchboard?.makeSureOfName()
        do throws(SystemError) {
            try output?.prepare(&request, attempt: order.attempt)
            try request.giveStreams()
            job?.start(request, token: order.token)
        } catch {
            take(.spawnFailed(.system("the job's output cannot be taken: \(error)")))
        }
        output?.isGiven()
    }

    private func passOutput(
        _ timers: TimerTable, _ tools: Tools, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) -> JobOutput? {
        guard session.request.capture != nil || session.request.tty else { return nil }
        let output = try JobOutput(
            session.request, directory: session.store.paths.output, tools: tools, on: loop,
            timers: timers, deliver)
        console.write = { output.say($0) }
        return output
    }

    /// The last that an attempt wrote is known before it is told that the attempt is over.
    private func takeAfterOutput(_ event: Event) {
        guard case .descendantsGone = event, let output else { return take(event) }
        output.end(attempt: core.record.attempt) { [unowned self] tail in
            take(.outputTail(tail))
            take(event)
        }
    }

    /// Whoever is told to stop at the very end no longer waits for a slow reader.
    private func obey(_ signal: Event.Signal) {
        switch signal {
        case .stop, .hangUp: if decided != nil { output?.stopFlushing() }
        case .checkpoint, .other: break
        }
        take(.signal(signal))
    }

    private func stopWithUs(isTyped: Bool) {
        output?.pause()
        if job?.stopWithUs(isTyped: isTyped) == false { output?.goOn() }
    }

    private func goOnWithUs() -> Bool {
        output?.goOn()
        return job?.goOnWithUs() ?? false
    }

    private func runOnHang(_ command: [String]) {
        let limit = HumanText.limit(session.request.settings.onHangTimeout.seconds)
        console.say(
            "the job hangs; before it is killed, \(HumanText.commandLine(command)) looks at it "
                + "(up to \(limit))", .normal)
        diagnosis?.run(
            command, environment: JobEnvironment.ofHelper(inherited: session.environment),
            directory: core.record.directory)
    }

    private func log(_ event: RunEvent) {
        let logged = LoggedEvent(at: Self.now().wall, event: event)
        let sentence = Narrator.sentence(for: event, session: session, status: lastStatus)
        console.tell(logged, sentence: sentence)
        if case .failed(let failed) = event, output?.isElsewhere == true {
            console.tell(tail: failed.failure.outputTail)
        }
        disk?.append(logged)
    }

    /// What is to be recorded goes out first, as far as the disk allows in a second.
    private func exit(_ ending: Action.Ending) {
        decided = ending
        // The core may need all of its time for a stop, and after that there is a second left.
        timers?.set(.flush, at: Self.now().instant + .milliseconds(750))
        disk?.flush()
        let isStop = if case .stopped = ending { true } else { false }
        guard let output else { return outputFlushed() }
        output.flush(attempt: 0, isPatient: !isStop) { [unowned self] in outputFlushed() }
    }

    private func diskFlushed() {
        isDiskFlushed = true
        endIfFlushed()
    }

    private func outputFlushed() {
        isOutputFlushed = true
        endIfFlushed()
    }

    private func endIfFlushed() {
        guard isDiskFlushed, isOutputFlushed else { return }
        ending = decided
        // What is said from now on has nobody else to say it.
        console.write = writeStandardError
        loop.stop()
    }
}
