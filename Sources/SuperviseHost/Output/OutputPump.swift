import SuperviseStore
import SuperviseSystem

/// Reads what the job writes, keeps it and passes it on, on a thread of its own.
///
/// It waits for nobody but a disk that is slow. From a job whose reader holds it up it reads nothing
/// while that ``Outlet`` is full. Not Sendable: it belongs to its thread, to which ``Order``s come.
final class OutputPump {
    /// What the pump is to do.
    enum Order: Sendable {
        /// An attempt is about to be started that writes to these.
        case begin(attempt: Int, [Source])
        /// It is over: read what is there and tell. What its reader has no room for stays in the pipe,
        /// which the next attempt has as well; after the last one all of it is read.
        case end(attempt: Int, isLast: Bool)
        /// Nothing will come any more: what is kept goes to the disk, as far as that answers.
        case finish
        /// An outlet that was full takes more.
        case goOn
        /// Read our own terminal from now on, or no longer.
        case readKeys(Bool)
    }

    /// What the pump tells.
    enum Note: Sendable {
        /// The last lines of an attempt that is over.
        case ended(attempt: Int, tail: [String])
        case finished
        case warning(String)
        /// Its thread has failed: it answers no order any more.
        case gone
    }

    /// Something that the job writes to.
    struct Source: Sendable {
        let descriptor: SharedDescriptor
        let outlet: Outlet?
        /// It is a terminal's master, at which we type what is typed at ours, and one attempt's alone.
        let takesKeys: Bool
    }

    /// When an attempt is over, so much is read of what is left in each source, as much as the
    /// largest pipe holds: somebody who got away may be writing for ever.
    private static let mostAtEnd = 2 << 20

    /// In bytes. Each move takes a page of the reader's pipe, however little is in it.
    private static let leastToMove = 4096

    /// Something to read from; without a watch while its outlet is full.
    private struct Tap {
        let source: Source
        var watch: EventLoop.Registration?

        func reads(_ other: Source) -> Bool {
            source.descriptor.rawValue == other.descriptor.rawValue
        }
    }

    private let loop: EventLoop
    private let log: LogWriter?
    private let outlets: [Outlet]
    private let keepsTail: Bool
    private var movesPast: Bool
    private let note: (Note) -> Void
    private var taps: [Tap] = []
    private var tail = OutputTail()
    private var buffer: [UInt8] = []
    private var keys: TerminalInput?

    init(
        on loop: EventLoop, log: LogWriter?, outlets: [Outlet], keepsTail: Bool,
        _ note: @escaping (Note) -> Void
    ) {
        self.loop = loop
        self.log = log
        self.outlets = outlets
        self.keepsTail = keepsTail
        movesPast = log == nil && !keepsTail
        self.note = note
        buffer.reserveCapacity(Backlog.piece)
    }

    func obey(_ order: Order) {
        switch order {
        case .begin(let attempt, let sources): begin(attempt, sources)
        case .end(let attempt, let isLast): end(attempt, isLast: isLast)
        case .goOn: goOn()
        case .finish:
            log?.finish()
            note(.finished)
        case .readKeys(let wanted):
            if wanted, keys == nil { keys = TerminalInput(on: loop) }
            keys?.read(wanted)
        }
    }

    private func begin(_ attempt: Int, _ sources: [Source]) {
        closeTerminal()
        tail = OutputTail()
        log?.begin(attempt: attempt)
        for outlet in outlets { outlet.beginAttempt() }
        for source in sources where !taps.contains(where: { $0.reads(source) }) {
            if source.takesKeys { keys?.master = source.descriptor }
            taps.append(Tap(source: source))
        }
        goOn()
    }

    /// Reads on wherever there is room.
    private func goOn() {
        for index in taps.indices where taps[index].watch == nil {
            let source = taps[index].source
            guard source.outlet?.isFull != true else { continue }
            do throws(SystemError) {
                taps[index].watch = try loop.watch(source.descriptor.rawValue, for: .read) {
                    [unowned self] _ in readSome(source)
                }
            } catch {
                note(.warning("the job's output cannot be read: \(error)"))
            }
        }
    }

    private func readSome(_ source: Source) {
        if movePast(source) { return }
        if !read(source) {
            close(source.descriptor.rawValue)
        } else if source.outlet?.isFull == true {
            stopReading(source.descriptor.rawValue)
        }
    }

    /// Moves what waits to the reader's pipe without reading it, where nothing of it is kept and nothing
    /// waits before it.
    ///
    /// - Returns: false where it is to be read.
    private func movePast(_ source: Source) -> Bool {
        let pipe = source.descriptor.rawValue
        guard movesPast, let outlet = source.outlet, outlet.isIdle,
            let waiting = bytesWaiting(pipe), waiting >= Self.leastToMove
        else { return false }
        do throws(SystemError) {
            outlet.wasPassed(try moveNow(waiting, from: pipe, to: outlet.descriptor))
            return true
        } catch {
            // Where a sandbox refuses it, it is not tried again.
            if !error.isNotNow, !error.isNobodyThere { movesPast = false }
            return false
        }
    }

    private func end(_ attempt: Int, isLast: Bool) {
        for tap in taps { drain(tap.source, isLast: isLast) }
        if isLast { for tap in taps { close(tap.source.descriptor.rawValue) } }
        closeTerminal()
        note(.ended(attempt: attempt, tail: keepsTail ? tail.lines : []))
    }

    /// Reads what is there now: later bytes are those of somebody who got away.
    private func drain(_ source: Source, isLast: Bool) {
        var left = bytesWaiting(source.descriptor.rawValue) ?? 0
        // A terminal does not tell all that is on its way.
        if source.takesKeys { left = Self.mostAtEnd }
        left = min(left, Self.mostAtEnd)
        while left > 0, isLast || source.takesKeys || hasRoomAtEnd(source.outlet) {
            guard read(source, atMost: left), !buffer.isEmpty else { return }
            left -= buffer.count
        }
    }

    /// For last words that are wanted there is more room.
    private func hasRoomAtEnd(_ outlet: Outlet?) -> Bool {
        guard let outlet else { return true }
        return keepsTail ? !outlet.isOverfull : !outlet.isFull
    }

    /// - Returns: false where nothing will come any more.
    private func read(_ source: Source, atMost most: Int = Backlog.piece) -> Bool {
        buffer.removeAll(keepingCapacity: true)
        do throws(SystemError) {
            let number = source.descriptor.rawValue
            let limit = min(most, Backlog.piece)
            let result = try readAvailable(number, into: &buffer, limit: limit)
            if case .end = result { return false }
        } catch {
            // A terminal that nobody has open any more says EIO.
            return false
        }
        guard !buffer.isEmpty else { return true }
        pass(buffer[...], to: source.outlet)
        if keepsTail { tail.add(buffer[...]) }
        return true
    }

    /// At once, unless it has to be read from the log later.
    private func pass(_ bytes: ArraySlice<UInt8>, to outlet: Outlet?) {
        guard let outlet else {
            log?.add(bytes)
            return
        }
        if let log, outlet.isBehind {
            outlet.pass(bytes, at: log.keep(bytes))
        } else {
            outlet.pass(bytes, at: nil)
            log?.add(bytes)
        }
    }

    private func close(_ number: Int32) {
        guard let index = stopReading(number) else { return }
        if taps[index].source.takesKeys { keys?.master = nil }
        taps.remove(at: index)
    }

    private func closeTerminal() {
        for tap in taps where tap.source.takesKeys { close(tap.source.descriptor.rawValue) }
    }

    /// - Returns: where it is among the taps.
    @discardableResult
    private func stopReading(_ number: Int32) -> Int? {
        let index = taps.firstIndex { $0.source.descriptor.rawValue == number }
        guard let index else { return nil }
        if let watch = taps[index].watch { loop.cancel(watch) }
        taps[index].watch = nil
        return index
    }
}
