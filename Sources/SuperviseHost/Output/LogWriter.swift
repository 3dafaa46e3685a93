import SuperviseCore
import SuperviseStore
import SuperviseSystem
import Synchronization

/// Writes what the job writes to its log, on a thread of its own that may wait for the disk as long
/// as it likes.
///
/// Who gives it something waits for a slow disk; ``LogPatience`` decides for how long, and what is lost.
final class LogWriter: Sendable {
    private struct Item: Sendable {
        /// An attempt begins, of which the bytes are.
        var attempt: Int?
        /// So many bytes before these are not kept.
        var gap: Int64 = 0
        var bytes: [UInt8] = []
        /// No output, but an order to remove some.
        var removal: Removal?

        /// Bytes that follow may be written with these.
        var isOutput: Bool { attempt == nil && removal == nil }
    }

    private struct Removal: Sendable {
        /// In bytes; nil is all.
        let needed: Int64?
        let done: @Sendable (RemovedFiles) -> Void
    }

    private struct State: Sendable {
        var items: [Item] = []
        var patience = LogPatience()
        var isWorking = false
        var isAwaited = false
        /// Where the bytes stand that were written last; nil where they are not kept.
        var place: OutputLog.Place?

        mutating func addGap() { items.append(Item(gap: patience.takeGap())) }

        mutating func add(_ bytes: ArraySlice<UInt8>, behind gap: Int64) {
            if gap == 0, let last = items.last, last.isOutput,
                last.bytes.count + bytes.count <= Backlog.piece
            {
                items[items.count - 1].bytes += bytes
            } else {
                items.append(Item(gap: gap, bytes: Array(bytes)))
            }
        }
    }

    private let state = Mutex(State())
    private let lane = WorkerLane(name: "log", threads: 1)
    private let bell: Bell
    private let directory: String
    /// The lane's thread's alone.
    private nonisolated(unsafe) let log: OutputLog
    private let rotated: @Sendable () -> Void
    private let warn: @Sendable (String) -> Void

    /// - Parameters:
    ///   - log: nobody else's from now on.
    ///   - rotated: called on the lane's thread when files may have been removed.
    /// - Throws: EMFILE.
    init(
        _ log: sending OutputLog, rotated: @escaping @Sendable () -> Void,
        warn: @escaping @Sendable (String) -> Void
    ) throws(SystemError) {
        directory = log.directory
        self.log = log
        self.rotated = rotated
        self.warn = warn
        bell = try Bell()
    }

    /// From now on what comes is this attempt's.
    func begin(attempt: Int) {
        submit { state in
            state.addGap()
            state.items.append(Item(attempt: attempt))
        }
    }

    /// Takes what is to be written; waits for room, unless the disk is hung.
    func add(_ bytes: ArraySlice<UInt8>) {
        let hasRoom = wait { $0.patience.hasRoom(for: bytes.count) }
        let isLoss = submit { state in
            switch state.patience.offer(bytes.count, hasRoom: hasRoom) {
            case .lost(let isReported): return isReported
            case .taken(let gap):
                state.add(bytes, behind: gap)
                return false
            }
        }
        if isLoss { tellLoss("the disk with \(directory) does not answer") }
    }

    /// The same, and waits until it is written.
    ///
    /// - Returns: where it stands; nil where it is not kept, or the disk is hung.
    func keep(_ bytes: ArraySlice<UInt8>) -> OutputLog.Place? {
        guard drain() else {
            add(bytes)
            return nil
        }
        add(bytes)
        return drain() ? state.withLock { $0.place } : nil
    }

    /// Removes old files, the oldest first, until so many bytes are gone; nil removes all but the newest.
    /// Waits for nobody.
    ///
    /// - Parameter done: called on the lane's thread.
    func removeOld(_ needed: Int64?, _ done: @escaping @Sendable (RemovedFiles) -> Void) {
        submit { $0.items.append(Item(removal: Removal(needed: needed, done: done))) }
    }

    private func remove(_ removal: Removal) {
        let removed = (try? log.removeOld(removal.needed)) ?? RemovedFiles()
        if removed.count > 0 { rotated() }
        removal.done(removed)
    }

    /// Writes what is left, and where something is missing at the end.
    func finish() {
        submit { $0.addGap() }
        drain()
    }

    /// Waits until all is written that was given, unless the disk is hung.
    ///
    /// - Returns: whether it is.
    @discardableResult
    func drain() -> Bool {
        wait { !$0.isWorking }
    }

    /// - Returns: what `change` does.
    @discardableResult
    private func submit<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
        let (result, isIdle) = state.withLock { state in
            let result = change(&state)
            let isIdle = !state.isWorking && !state.items.isEmpty
            state.isWorking = state.isWorking || isIdle
            return (result, isIdle)
        }
        if isIdle { lane.submit { [self] in work() } }
        return result
    }

    /// Waits as long as the disk takes something now and then.
    ///
    /// - Returns: whether it came to that.
    private func wait(until isReached: (State) -> Bool) -> Bool {
        var hasTimedOut = false
        while true {
            let wait = state.withLock { state in
                let wait = state.patience.wait(
                    isReached: isReached(state), hasTimedOut: hasTimedOut)
                state.isAwaited = wait == .goOn
                return wait
            }
            if wait != .goOn { return wait == .over }
            hasTimedOut = !bell.wait(atMost: ShellBounds.logDisk)
        }
    }

    private func work() {
        while let item = next() {
            if let attempt = item.attempt {
                log.begin(attempt: attempt)
            } else if let removal = item.removal {
                remove(removal)
            } else {
                let place = write(item)
                state.withLock { state in
                    state.patience.wrote(item.bytes.count, isKept: place != nil)
                    state.place = place
                }
            }
        }
    }

    /// Called when the one before is done.
    private func next() -> Item? {
        let (item, isAwaited) = state.withLock { state in
            let item = state.items.first
            if item != nil { state.items.removeFirst() }
            state.isWorking = item != nil
            return (item, state.isAwaited)
        }
        if isAwaited { bell.ring() }
        return item
    }

    private func write(_ item: Item) -> OutputLog.Place? {
        do throws(SystemError) {
            let before = log.rotations
            let place = try log.append(item.bytes[...], after: item.gap)
            if log.rotations != before { rotated() }
            return place
        } catch {
            if state.withLock({ $0.patience.reportsLoss() }) { tellLoss("\(error)") }
            return nil
        }
    }

    private func tellLoss(_ reason: String) {
        warn("output is being lost, as it cannot be kept: \(reason)")
    }
}
