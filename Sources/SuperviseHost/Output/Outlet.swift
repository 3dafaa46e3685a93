import SuperviseStore
import SuperviseSystem
import Synchronization

/// One of our standard streams, to which the job's output and our own lines are passed on, by a
/// thread that may wait for its reader as long as it likes: nobody waits for it.
final class Outlet: Sendable {
    /// What there is to tell of it.
    enum Note: Sendable {
        /// Its reader is so slow that something had to be skipped.
        case lags
        /// It does not take something.
        case failed(SystemError)
        /// Nobody will ever read it again.
        case deserted(SystemError)
    }

    private struct State: Sendable {
        var backlog = Backlog()
        var screen: StatusScreen
        /// The line is to be drawn, drawn anew or taken away.
        var isScreenStale = false
        var isWorking = false
        var isDeserted = false
        var fails = false
        var hasLagged = false
        /// Bytes that it took.
        var taken: Int64 = 0
    }

    let descriptor: Int32
    private let state: Mutex<State>
    private let lane: WorkerLane
    private let note: @Sendable (Note) -> Void

    /// - Parameter showsStatus: it is a terminal, to which nothing of the job's goes past us.
    init(_ descriptor: Int32, showsStatus: Bool, _ note: @escaping @Sendable (Note) -> Void) {
        self.descriptor = descriptor
        self.note = note
        state = Mutex(State(screen: StatusScreen(isOff: !showsStatus)))
        lane = WorkerLane(name: "output \(descriptor)", threads: 1)
    }

    /// Bytes that it took so far, and those that it never will.
    var counts: (taken: Int64, skipped: Int64) {
        state.withLock { ($0.taken, $0.backlog.skipped) }
    }

    /// Its reader is so slow that what comes now is better read from a file later.
    var isBehind: Bool { state.withLock { $0.backlog.isSpilling } }

    /// What the job wrote.
    ///
    /// - Parameter place: where it stands in a file.
    func pass(_ bytes: ArraySlice<UInt8>, at place: OutputLog.Place?) {
        let hasLagged = change { state in
            guard !state.isDeserted else { return false }
            state.backlog.add(bytes, at: place)
            guard state.backlog.skipped > 0, !state.hasLagged else { return false }
            state.hasLagged = true
            return true
        }
        if hasLagged { note(.lags) }
    }

    /// A line of ours.
    func say(_ text: String) {
        _ = change { state in
            if !state.isDeserted { state.backlog.add(own: Array(text.utf8)) }
            return false
        }
    }

    /// What the line at the bottom is to show; nil for none.
    func show(_ line: String?) {
        _ = change { state in
            guard state.screen.line != line, !state.isDeserted else { return false }
            state.screen.line = line
            state.isScreenStale = true
            return false
        }
    }

    /// The terminal has another size, or was written to by others.
    func drawAnew() {
        _ = change { state in
            state.isScreenStale = !state.isDeserted
            return false
        }
    }

    /// Another attempt writes from now on.
    func beginAttempt() {
        state.withLock { $0.screen.begin() }
    }

    /// Files that are gone are needed no longer.
    func dropGone() {
        state.withLock { $0.backlog.dropGone() }
    }

    /// Calls `done`, on a thread of its own, when all that was given so far is passed on.
    func flush(_ done: @escaping @Sendable () -> Void) {
        lane.submit(done)
    }

    /// Changes the state, and sets the thread to work where there is something to do.
    private func change(_ body: (inout State) -> Bool) -> Bool {
        let (result, isIdle) = state.withLock { state in
            let result = body(&state)
            let hasWork = !state.backlog.isEmpty || state.isScreenStale
            defer { state.isWorking = state.isWorking || hasWork }
            return (result, hasWork && !state.isWorking)
        }
        if isIdle { lane.submit { [self] in work() } }
        return result
    }

    private func work() {
        while let bytes = next() { write(bytes) }
    }

    /// What is to be written now; nil where there is nothing left to do.
    private func next() -> [UInt8]? {
        let columns = TerminalSize(of: descriptor)?.columns ?? TerminalSize.usual.columns
        let part = state.withLock { $0.backlog.next() }
        var fromFile: [UInt8] = []
        if case .file(let file, let offset, let count) = part {
            // A file that cannot be read has lost what was in it, and the job goes on.
            fromFile = (try? file.read(at: offset, limit: Int(count))) ?? []
        }
        return state.withLock { state in
            var bytes: [UInt8] =
                switch part {
                case .bytes(let bytes): state.screen.pass(bytes)
                case .file: state.screen.pass(fromFile)
                case .own(let bytes): state.screen.say(bytes)
                case nil: []
                }
            if state.backlog.isEmpty, part != nil || state.isScreenStale {
                if part == nil { bytes += state.screen.erase() }
                bytes += state.screen.draw(columns: columns)
                state.isScreenStale = false
            }
            guard part == nil, bytes.isEmpty else { return bytes }
            state.isWorking = false
            return nil
        }
    }

    /// Waits for the reader.
    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(SystemError) {
                let count = try writeWaiting(rest.prefix(1 << 14), to: descriptor)
                rest = rest.dropFirst(count)
                state.withLock { state in
                    state.taken += Int64(count)
                    state.fails = false
                }
            } catch {
                return failed(error)
            }
        }
    }

    private func failed(_ error: SystemError) {
        let isNew = state.withLock { state in
            defer { state.fails = true }
            guard error.isNobodyThere else { return !state.fails }
            defer { state.isDeserted = true }
            state.backlog.removeAll()
            state.screen.line = nil
            return !state.isDeserted
        }
        if isNew { note(error.isNobodyThere ? .deserted(error) : .failed(error)) }
    }
}
