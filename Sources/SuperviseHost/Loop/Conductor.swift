import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Carries out what the core decides: takes events from the loop, and does the actions in order.
///
/// Everything here runs on one thread and decides nothing.
final class Conductor {
    let session: Session
    let loop: EventLoop
    private(set) var core: Supervisor
    let console: Console
    let environment: JobEnvironment
    let input = StandardInput()
    private var queue: [Event] = []
    private var isServing = false
    var timers: TimerTable?
    var job: JobProcess?
    var switchboard: Switchboard?
    var disk: DiskWork?
    var watch: FileWatch?
    var output: JobOutput?
    var diagnosis: Diagnosis?
    var manager: ServiceLink?
    var inquiries: Inquiries?
    private var signals: SignalSource?
    var lastStatus: Status?
    var ending: Action.Ending?

    /// - Throws: what the machine refuses: descriptors, the socket.
    init(_ session: Session, loop: EventLoop) throws(SystemError) {
        self.session = session
        self.loop = loop
        console = session.console
        environment = JobEnvironment(
            inherited: session.environment, identity: session.job.identity,
            given: session.request.job.environment, name: session.found.record.name,
            socket: session.socket,
            stateDirectory: session.job.identity == nil ? session.request.stateDirectory : nil,
            notices: .init(
                socket: SocketPath.notices(beside: session.socket),
                watchdog: session.request.settings.heartbeatTimeout),
            sockets: session.inherited.sockets)
        core = Supervisor(
            settings: session.request.settings, found: session.found, seed: session.seed,
            at: Self.now())
        let deliver: (Event) -> Void = { [unowned self] in take($0) }
        // Before the timers are set: it sets one.
        loop.beforeWaiting { [weak self] in
            self?.tellOfThreads()
            // Most work of the disk wakes the loop when it is done.
            self?.switchboard?.goOnUnlessFlooded()
        }
        let timers = try TimerTable(on: loop) { [unowned self] in ring($0) }
        self.timers = timers
        let switchboard = try Switchboard(
            path: session.socket, beside: session.secondSocket, job: session.job.identity,
            on: loop, timers: timers, deliver)
        self.switchboard = switchboard
        switchboard.orderOfLastReading = { [unowned self] in core.orderOfLastReading($0) }
        let disk = try DiskWork(session.store, session.request.settings, on: loop) {
            [unowned self] in
            if case .leftoversEnded = $0 { self.job?.leftoversAreGone() }
            take($0)
        }
        self.disk = disk
        loop.slice = SocketBounds.slice
        switchboard.isFlooded = { [unowned self] in
            disk.isFlooded(received: core.commits.unfinished.count)
        }
        let tools = session.store.tools
        tools.leaveReapingToLoop()
        output = try passOutput(tools, deliver)
        // A stop from here on is the loop's: the guard would write the end of a supervisor that died.
        let hold = SignalHold(session.signals.taken)
        do throws(SystemError) {
            try startWorking(tools, deliver)
        } catch {
            hold.end()
            throw error
        }
    }

    private func startWorking(
        _ tools: Tools, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        // As late as it may be, before there are threads: each page that we wrote to before and write to
        // again is copied from now on.
        let guardian = try Guard.start(
            of: GuardedAttempt(), holding: session.locks, group: session.group,
            settling: HeldSettlement.call(of: session.store.paths))
        let job = JobProcess(
            on: loop, guardian: guardian, group: session.group, tools: tools,
            locks: session.locks, beforeEnd: { [unowned self] in switchboard?.drain() }
        ) { [unowned self] in takeAfterOutput($0) }
        self.job = job
        do throws(SystemError) {
            watch = try watchFiles(job, deliver)
            diagnosis = Diagnosis(on: loop, tools: tools, deliver)
            manager = linkToManager()
            inquiries = try session.inquiries(on: loop, deliver)
            signals = try takeSignals(job)
        } catch {
            // Else it would take us for dead, and write the run's end beside our next try.
            guardian.release()
            throw error
        }
    }

    private func takeSignals(_ job: JobProcess) throws(SystemError) -> SignalSource {
        try SignalSource(session.signals.taken, on: loop) {
            [unowned self] number, sender in
            switch number {
            case SignalPlan.childEnded: job.reap()
            case SignalPlan.terminalStop: stopWithUs(isTyped: sender == 0)
            case SignalPlan.goOn where goOnWithUs(): break
            case SignalPlan.windowChanged where output?.resize() == true: break
            default: take(.signal(session.signals.meaning(of: number)))
            }
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
            inquiries?.endAll()
            job?.release()
            return ending
        }
    }

    static func now() -> Moment {
        Moment(
            instant: .now(),
            wall: Timestamp(milliseconds: wallClockNow() / 1_000_000))
    }

    /// Events that actions cause at once wait until the actions of this one are done.
    func take(_ event: Event) {
        queue.append(event)
        guard !isServing else { return }
        isServing = true
        while !queue.isEmpty, ending == nil {
            let now = Self.now()
            for action in core.decide(queue.removeFirst(), at: now) { perform(action) }
            for action in core.conclude(at: now) { perform(action) }
        }
        isServing = false
    }

    private func ring(_ alarm: Alarm) {
        switch alarm {
        case .core(let timer):
            // A sign that has arrived and was not read yet is one.
            if timer == .hang { switchboard?.drain() }
            take(.timer(timer))
        case .accept: switchboard?.acceptAgain()
        case .flood: switchboard?.lookAtFlood()
        case .metrics: switchboard?.parseMetrics()
        }
    }
}
