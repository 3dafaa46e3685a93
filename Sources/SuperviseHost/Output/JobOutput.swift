import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The job's output where it passes through us: see ``OutputPlan``.
///
/// This is the side of the thread that decides; ``OutputPump`` reads, ``Outlet`` writes, each on a
/// thread of its own, so that nothing here ever waits for a reader or a disk.
final class JobOutput {
    enum Note: Sendable {
        case pump(OutputPump.Note)
        case outlet(Outlet.Note, descriptor: Int32)
        case warning(String)
        case flushed(isHeld: Bool)
    }

    private let request: RunRequest
    private let plan: OutputPlan
    let deliver: (Event) -> Void
    let orders: Mailbox<OutputPump.Order>
    let outlets: StandardOutlets
    /// nil where the output is not kept.
    let log: LogWriter?
    private var pump: Pump
    let keys: TerminalKeys?
    var notes: Mailbox<Note>?
    /// Of our terminal, as we found it.
    private let settings = TerminalSettings.ofOurs()
    /// Of the job's terminal.
    var master: SharedDescriptor?
    /// The job's end of its terminal, until it has it.
    private var given: [SharedDescriptor] = []
    /// What all attempts write to, and the ends that each is given.
    private var pipes: [(source: OutputPump.Source, end: SharedDescriptor)] = []
    private var line: String?
    private var hasRun = false
    /// The attempt whose last output is being read.
    var ending: Int?
    var flushing: Flushing?
    var isPumpGone = false

    /// The thread that reads; it is started for the first attempt.
    private struct Pump {
        let loop: EventLoop
        let note: @Sendable (OutputPump.Note) -> Void
        var isStarted = false
    }

    /// - Throws: EMFILE.
    init(
        _ request: RunRequest, _ plan: OutputPlan, directory: String, tools: Tools,
        on loop: EventLoop, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.request = request
        self.plan = plan
        self.deliver = deliver
        var receive: ([Note]) -> Void = { _ in }
        let notes = try Mailbox<Note>(on: loop) { receive($0) }
        let pump = Pump(loop: try EventLoop()) { notes.post(.pump($0)) }
        var obey: (OutputPump.Order) -> Void = { _ in }
        let orders = try Mailbox<OutputPump.Order>(on: pump.loop) { $0.forEach { obey($0) } }
        outlets = StandardOutlets(request, plan) { note, descriptor in
            if case .hasRoom = note {
                orders.post(.goOn)
            } else {
                notes.post(.outlet(note, descriptor: descriptor))
            }
        }
        keys = request.tty && isTerminal(0) ? TerminalKeys(of: 0, tools) : nil
        let log = try Self.log(request, directory, outlets.all) { notes.post(.warning($0)) }
        self.log = log
        let reader = OutputPump(
            on: pump.loop, log: log, outlets: outlets.all,
            keepsTail: log != nil || request.tty, pump.note)
        obey = { reader.obey($0) }
        self.pump = pump
        self.orders = orders
        self.notes = notes
        receive = { [unowned self] in for note in $0 { take(note) } }
        if keys?.take() == true { orders.post(.readKeys(true)) }
    }

    private static func log(
        _ request: RunRequest, _ directory: String, _ outlets: [Outlet],
        warn: @escaping @Sendable (String) -> Void
    ) throws(SystemError) -> LogWriter? {
        guard let limit = request.capture else { return nil }
        return try LogWriter(
            OutputLog(directory: directory, limit: limit),
            rotated: { for outlet in outlets { outlet.dropGone() } }, warn: warn)
    }

    func startPump() {
        guard !pump.isStarted else { return }
        pump.isStarted = true
        // Made by us, and from now on its thread's alone.
        nonisolated(unsafe) let owned = pump.loop
        let note = pump.note
        WorkerLane(name: "pump", threads: 1).submit {
            do throws(SystemError) {
                try owned.run()
            } catch {
                note(.warning("the job's output is no longer read: \(error)"))
                note(.gone)
            }
        }
    }

    /// Gives an attempt that is about to be started something to write to.
    ///
    /// - Throws: EMFILE, ENOSPC where there are too many terminals, …
    func prepare(_ spawn: inout SpawnRequest, attempt: Int) throws(SystemError) {
        let sources = request.tty ? [try makeTerminal(&spawn)] : try givePipes(&spawn)
        startPump()
        orders.post(.begin(attempt: attempt, sources))
    }

    /// To be called when the attempt has been started, or could not be.
    func isGiven() { given = [] }

    private func makeTerminal(_ spawn: inout SpawnRequest) throws(SystemError) -> OutputPump.Source
    {
        let terminal = try Pseudoterminal(size: TerminalSize.ofOurs() ?? .usual, like: settings)
        let slave = terminal.slave.rawValue
        if let owner = spawn.settings.identity?.user { terminal.give(to: owner) }
        master = terminal.master
        spawn.terminal = slave
        if isTerminal(0) { spawn.standardInput = .descriptor(slave) }
        spawn.standardOutput = .descriptor(slave)
        spawn.standardError = .descriptor(slave)
        let source = OutputPump.Source(
            descriptor: terminal.master, outlet: outlets.output, takesKeys: true)
        given = [SharedDescriptor(terminal.giveSlave())]
        return source
    }

    /// One where both lead to the same place, so that the order stays. All attempts have the same, as
    /// they would have ours: what one has left in it is passed on before what the next one writes.
    private func givePipes(_ spawn: inout SpawnRequest) throws(SystemError) -> [OutputPump.Source] {
        if pipes.isEmpty { pipes = try outlets.all.map(makePipe) }
        for (source, end) in pipes {
            let number = source.outlet?.descriptor ?? 1
            spawn.set(.descriptor(end.rawValue), for: number)
            if plan.isOne { spawn.set(.descriptor(end.rawValue), for: 2) }
        }
        return pipes.map(\.source)
    }

    private func makePipe(
        for outlet: Outlet
    ) throws(SystemError) -> (source: OutputPump.Source, end: SharedDescriptor) {
        let pipe = try FileDescriptor.pipe(nonblocking: .read)
        // Little waits where it is lost when we are killed.
        if request.capture != nil { pipe.read.widen() }
        let end = SharedDescriptor(FileDescriptor(adopting: pipe.write.release()))
        return (
            .init(descriptor: SharedDescriptor(pipe.read), outlet: outlet, takesKeys: false), end
        )
    }

    /// The job runs, so that our lines and its output have to come in order from now on.
    func jobRuns() { hasRun = true }

    /// A line of ours, for standard error. Before the job runs no thread is needed for it, as there may
    /// be none to be had, which is what the line tells.
    func say(_ text: String) {
        if let errors = outlets.errors, hasRun || outlets.status != nil {
            errors.say(text)
        } else {
            writeStandardError(text)
        }
    }

    /// Whether what the job wrote last does not stand on our standard error anyway.
    var isElsewhere: Bool { outlets.output !== outlets.errors }

    /// Lets the pipes of our readers hold as much as the system allows: what waits for a reader is
    /// then no longer in here, and the job has some room for its last words.
    func widen() { for outlet in outlets.all { outlet.widen() } }

    /// Delivers how much of the job's output is lost, once it is more than this.
    func tellDiscards(beyond known: Int64) {
        for outlet in outlets.all { outlet.tellDiscards() }
        if discarded > known { deliver(.outputDiscarded(discarded)) }
    }

    var discarded: Int64 { outlets.all.reduce(0) { $0 + $1.counts.discarded } }

    func show(_ status: Status, at now: Timestamp) {
        line = StatusLine.text(status, at: now)
        outlets.status?.show(line)
    }

    /// SIGWINCH: the job's terminal is as large as ours.
    ///
    /// - Returns: whether the job is told by that.
    func resize() -> Bool {
        outlets.status?.drawAnew()
        guard request.tty, let master, let size = TerminalSize.ofOurs() else { return request.tty }
        master.setTerminalSize(size)
        return true
    }

    /// We are about to be stopped: the terminal is left as we found it.
    func pause() {
        if keys != nil { orders.post(.readKeys(false)) }
        keys?.restore()
        guard let status = outlets.status, let bell = try? Bell() else { return }
        status.show(nil)
        status.flush { bell.ring() }
        bell.wait(atMost: ShellBounds.statusLine)
    }

    func goOn() {
        if keys?.take() == true { orders.post(.readKeys(true)) }
        outlets.status?.show(line)
        _ = resize()
    }

    private func take(_ note: Note) {
        switch note {
        case .pump(.ended(let attempt, let tail)): pumpEnded(attempt: attempt, tail)
        case .pump(.warning(let text)), .warning(let text): deliver(.warned(text))
        case .outlet(.discards, _): deliver(.outputDiscarded(discarded))
        case .outlet(let note, let descriptor):
            let sentence = StandardOutlets.sentence(for: note, of: descriptor, request)
            if let sentence { deliver(.warned(sentence)) }
        case .pump(.finished): pumpFinished()
        case .pump(.gone): pumpIsGone()
        case .flushed(let isHeld): flushed(isHeld: isHeld)
        }
    }
}
