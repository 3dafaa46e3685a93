import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The job's output where it passes through us: what `--capture` and `--tty` ask for.
///
/// This is the side of the thread that decides; ``OutputPump`` reads, ``Outlet`` writes, each on a
/// thread of its own, so that nothing here ever waits for a reader or a disk.
final class JobOutput {
    private enum Note: Sendable {
        case pump(OutputPump.Note)
        case warning(String)
        case flushed
    }

    private let request: RunRequest
    private let timers: TimerTable
    private let deliver: (Event) -> Void
    private let orders: Mailbox<OutputPump.Order>
    private let outlets: StandardOutlets
    private let keys: TerminalKeys?
    private var notes: Mailbox<Note>?
    /// Of our terminal, as we found it.
    private let settings = TerminalSettings.ofOurs()
    /// Of the job's terminal.
    private var master: SharedDescriptor?
    /// The job's ends, until it has them.
    private var given: [SharedDescriptor] = []
    private var line: String?
    private var ending: (attempt: Int, done: ([String]) -> Void)?
    private var flushing: Flushing?

    /// Our own end: what is left is passed on.
    private struct Flushing {
        let done: () -> Void
        var left: Int
    }

    /// - Throws: EMFILE.
    init(
        _ request: RunRequest, directory: String, tools: Tools, on loop: EventLoop,
        timers: TimerTable, _ deliver: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.request = request
        self.timers = timers
        self.deliver = deliver
        var receive: ([Note]) -> Void = { _ in }
        let notes = try Mailbox<Note>(on: loop) { receive($0) }
        outlets = StandardOutlets(request) { notes.post(.warning($0)) }
        keys = request.tty && isTerminal(0) ? TerminalKeys(of: 0, tools) : nil
        let log = try Self.log(request, directory, outlets.all) { notes.post(.warning($0)) }
        orders = try Self.startPump(log, outlets.all) { notes.post(.pump($0)) }
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

    private static func startPump(
        _ log: LogWriter?, _ outlets: [Outlet],
        _ note: @escaping @Sendable (OutputPump.Note) -> Void
    ) throws(SystemError) -> Mailbox<OutputPump.Order> {
        let loop = try EventLoop()
        let pump = OutputPump(on: loop, log: log, outlets: outlets, note)
        let orders = try Mailbox<OutputPump.Order>(on: loop) {
            for order in $0 { pump.obey(order) }
        }
        // Made here, and from now on its thread's alone.
        nonisolated(unsafe) let owned = loop
        WorkerLane(name: "pump", threads: 1).submit {
            do throws(SystemError) {
                try owned.run()
            } catch {
                note(.warning("the job's output is no longer read: \(error)"))
            }
        }
        return orders
    }

    /// Gives an attempt that is about to be started something to write to.
    ///
    /// - Throws: EMFILE, ENOSPC where there are too many terminals, …
    func prepare(_ spawn: inout SpawnRequest, attempt: Int) throws(SystemError) {
        let sources = request.tty ? [try makeTerminal(&spawn)] : try makePipes(&spawn)
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

    /// One where both lead to the same place, so that the order stays.
    private func makePipes(_ spawn: inout SpawnRequest) throws(SystemError) -> [OutputPump.Source] {
        var sources: [OutputPump.Source] = []
        for outlet in outlets.all {
            let pipe = try FileDescriptor.pipe(nonblocking: .read)
            pipe.read.widen()
            let end = SharedDescriptor(FileDescriptor(adopting: pipe.write.release()))
            given.append(end)
            spawn.set(.descriptor(end.rawValue), for: outlet.descriptor)
            if outlets.all.count == 1 { spawn.set(.descriptor(end.rawValue), for: 2) }
            sources.append(
                .init(descriptor: SharedDescriptor(pipe.read), outlet: outlet, takesKeys: false))
        }
        return sources
    }

    /// A line of ours, for standard error.
    func say(_ text: String) { outlets.errors.say(text) }

    /// Whether what the job wrote last does not stand on our standard error anyway.
    var isElsewhere: Bool { outlets.output !== outlets.errors }

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
        bell.wait(atMost: .milliseconds(200))
    }

    func goOn() {
        if keys?.take() == true { orders.post(.readKeys(true)) }
        outlets.status?.show(line)
        _ = resize()
    }

    /// Nothing of the attempt lives any more: reads what it wrote last.
    ///
    /// - Parameter done: gets the last lines.
    func end(attempt: Int, _ done: @escaping ([String]) -> Void) {
        master = nil
        ending = (attempt, done)
        orders.post(.end(attempt: attempt))
        timers.set(.output, at: Self.now() + .seconds(1))
    }

    /// Passes on what there is, before we end; without an end, where nobody takes it.
    func flush(attempt: Int, _ done: @escaping () -> Void) {
        outlets.status?.show(nil)
        flushing = Flushing(done: done, left: outlets.all.count + 1)
        end(attempt: attempt) { [unowned self] _ in
            let notes = notes
            orders.post(.finish)
            for outlet in outlets.all { outlet.flush { notes?.post(.flushed) } }
        }
    }

    /// In bytes, what readers have taken so far.
    var taken: Int64 { outlets.all.reduce(0) { $0 + $1.counts.taken } }

    func ring() {
        if ending != nil { ended([]) }
    }

    /// Whoever reads what is left is waited for no longer.
    func stopFlushing() {
        timers.cancel(.output)
        guard let flushing else { return }
        self.flushing = nil
        keys?.restore()
        flushing.done()
    }

    private func ended(_ tail: [String]) {
        timers.cancel(.output)
        let done = ending?.done
        ending = nil
        done?(tail)
    }

    private func take(_ note: Note) {
        switch note {
        case .pump(.ended(let attempt, let tail)):
            if ending?.attempt == attempt { ended(tail) }
        case .pump(.warning(let text)), .warning(let text): deliver(.warned(text))
        case .pump(.finished), .flushed:
            flushing?.left -= 1
            if flushing?.left == 0 { stopFlushing() }
        }
    }

    private static func now() -> Instant {
        Instant(nanoseconds: MonotonicTime.now().nanoseconds)
    }
}
