import SuperviseCore
import SuperviseStore
import SuperviseSystem
import Synchronization

/// One of our standard streams, to which the job's output and our own lines are passed on, by a
/// thread that may wait for its reader as long as it likes: nobody waits for it.
///
/// A reader that ``holds`` up the job loses nothing: once ``isFull``, the job's output is no longer read
/// until ``Note/hasRoom`` comes.
final class Outlet: Sendable {
    /// What there is to tell of it.
    enum Note: Sendable {
        /// Its reader is so slow that something had to be skipped.
        case lags
        /// It does not take something.
        case failed(SystemError)
        /// Nobody will ever read it again.
        case deserted(SystemError)
        /// It was full, and takes more now.
        case hasRoom
        /// More of the job's output is lost than when that was last asked for.
        case discards
    }

    private struct State: Sendable {
        var backlog: Backlog
        var screen: StatusScreen
        /// The line is to be drawn, drawn anew or taken away.
        var isScreenStale = false
        var isWorking = false
        var reader = OutputReader()

        var discarded: Int64 { reader.discarded(backlog.room) }

        mutating func reportsRoom() -> Bool { reader.reportsRoom(backlog.room) }
    }

    /// The bytes to write.
    private struct Piece {
        var bytes: [UInt8]
        /// Bytes of the job's among them.
        var ofJob = 0
    }

    let descriptor: Int32
    /// A pipe: while its reader lives, it holds up the job, as if we were not between them.
    let holds: Bool
    private let showsStatus: Bool
    private let state: Mutex<State>
    private let lane: WorkerLane
    private let note: @Sendable (Note) -> Void

    /// - Parameter showsStatus: it is a terminal, to which nothing of the job's goes past us.
    init(
        _ descriptor: Int32, holds: Bool = false, showsStatus: Bool,
        _ note: @escaping @Sendable (Note) -> Void
    ) {
        self.descriptor = descriptor
        self.holds = holds
        self.showsStatus = showsStatus
        self.note = note
        state = Mutex(
            State(backlog: Backlog(holds: holds), screen: StatusScreen(isOff: !showsStatus)))
        lane = WorkerLane(name: "output \(descriptor)", threads: 1)
    }

    /// Bytes that it took so far, and those of the job's that nobody gets from it.
    var counts: (taken: Int64, discarded: Int64) {
        state.withLock { ($0.reader.taken, $0.discarded) }
    }

    /// Its reader is so slow that what comes now is better read from a file later.
    var isBehind: Bool { state.withLock { $0.backlog.room.isSpilling } }

    /// Nothing of the job's is to be passed before ``Note/hasRoom``, which then comes.
    var isFull: Bool {
        state.withLock { $0.reader.awaitsRoom($0.backlog.room) }
    }

    /// Nothing waits in here, and what comes may go past it, to a pipe whose reader lives.
    var isIdle: Bool {
        holds && !showsStatus
            && state.withLock { !$0.isWorking && !$0.reader.isDeserted && $0.backlog.isEmpty }
    }

    /// So many bytes of the job's went past it.
    func wasPassed(_ count: Int) {
        state.withLock { $0.reader.wasPassed(count) }
    }

    /// It has no room for what an attempt wrote last either, of which the last lines are wanted.
    var isOverfull: Bool { state.withLock { $0.backlog.room.isOverfull } }

    /// What the job wrote.
    ///
    /// - Parameter place: where it stands in a file.
    func pass(_ bytes: ArraySlice<UInt8>, at place: OutputLog.Place?) {
        let lags = change { state in
            guard state.reader.accepts(bytes.count) else { return false }
            state.backlog.add(bytes, at: place)
            return state.reader.lags(state.backlog.room)
        }
        if lags { note(.lags) }
    }

    /// A line of ours.
    func say(_ text: String) {
        change { state in
            if !state.reader.isDeserted { state.backlog.add(own: Array(text.utf8)) }
        }
    }

    /// The next bytes that are lost are reported by ``Note/discards``.
    func tellDiscards() {
        state.withLock { $0.reader.reportNextDiscards() }
    }

    /// Lets the pipe hold as much as the system allows, so that less waits in here.
    func widen() {
        if holds { widenPipe(descriptor) }
    }

    /// What the line at the bottom is to show; nil for none.
    func show(_ line: String?) {
        change { state in
            guard state.screen.line != line, !state.reader.isDeserted else { return }
            state.screen.line = line
            state.isScreenStale = true
        }
    }

    /// The terminal has another size, or was written to by others.
    func drawAnew() {
        change { $0.isScreenStale = !$0.reader.isDeserted }
    }

    /// Another attempt writes from now on.
    func beginAttempt() {
        state.withLock { $0.screen.begin() }
    }

    /// Files that are gone are needed no longer.
    func dropGone() {
        update { $0.backlog.dropGone() }
    }

    /// Calls `done`, on a thread of its own, when all that was given so far is passed on.
    func flush(_ done: @escaping @Sendable () -> Void) {
        lane.submit(done)
    }

    /// Changes the state, and sets the thread to work where there is something to do.
    @discardableResult
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, isIdle) = update { state in
            let result = body(&state)
            let hasWork = !state.backlog.isEmpty || state.isScreenStale
            defer { state.isWorking = state.isWorking || hasWork }
            return (result, hasWork && !state.isWorking)
        }
        if isIdle { lane.submit { [self] in work() } }
        return result
    }

    /// Changes the state, and tells if bytes of the job's are lost by that.
    private func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, tells) = state.withLock { state in
            let before = state.discarded
            let result = body(&state)
            return (result, state.reader.reportsDiscards(state.backlog.room, since: before))
        }
        if tells { note(.discards) }
        return result
    }
}

/// The thread.
extension Outlet {
    private func work() {
        while let piece = next() {
            if state.withLock({ $0.reportsRoom() }) { note(.hasRoom) }
            write(piece)
        }
    }

    /// What is to be written now; nil where there is nothing left to do.
    private func next() -> Piece? {
        let size = showsStatus ? TerminalSize(of: descriptor) : nil
        let columns = size?.columns ?? TerminalSize.usual.columns
        let part = update { $0.backlog.next() }
        var fromFile: [UInt8] = []
        if case .file(let file, let offset, let count) = part {
            // A file that cannot be read has lost what was in it, and the job goes on.
            fromFile = (try? file.read(at: offset, limit: Int(count))) ?? []
        }
        return state.withLock { state in
            var piece =
                switch part {
                case .bytes(let bytes):
                    Piece(bytes: state.screen.pass(bytes), ofJob: bytes.count)
                case .file: Piece(bytes: state.screen.pass(fromFile), ofJob: fromFile.count)
                case .own(let bytes): Piece(bytes: state.screen.say(bytes))
                case nil: Piece(bytes: [])
                }
            if state.backlog.isEmpty, part != nil || state.isScreenStale {
                if part == nil { piece.bytes += state.screen.erase() }
                piece.bytes += state.screen.draw(columns: columns)
                state.isScreenStale = false
            }
            // Bytes that were added since `next()` are written too: `change` relies on this thread for them.
            guard part == nil, piece.bytes.isEmpty, state.backlog.isEmpty else { return piece }
            state.isWorking = false
            return nil
        }
    }

    /// Waits for the reader.
    private func write(_ piece: Piece) {
        // A pipe takes all of it or waits; of any other it is known sooner that it takes something.
        let limit = holds ? Backlog.piece : 1 << 14
        var rest = piece.bytes[...]
        while !rest.isEmpty {
            do throws(SystemError) {
                let count = try writeWaiting(rest.prefix(limit), to: descriptor)
                rest = rest.dropFirst(count)
                state.withLock { $0.reader.took(count) }
            } catch {
                return failed(error, lost: min(rest.count, piece.ofJob))
            }
        }
    }

    /// - Parameter lost: bytes of the job's.
    private func failed(_ error: SystemError, lost: Int) {
        let isNew = update { state in
            if error.isNobodyThere {
                state.backlog.skipAll()
                state.screen.line = nil
            }
            return state.reader.failed(lost: lost, isNobodyThere: error.isNobodyThere)
        }
        if isNew { note(error.isNobodyThere ? .deserted(error) : .failed(error)) }
        if state.withLock({ $0.reportsRoom() }) { note(.hasRoom) }
    }
}
