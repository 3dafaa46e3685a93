import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Synchronization

/// Run record, events and status on their way to the disk, on one thread.
///
/// However slow the disk is, no more waits here than one record, one status and a bounded number of
/// events: of records and statuses only the newest counts, and events are written together. What is
/// given waits for ``write()``.
final class RecordsLane: Sendable {
    /// So many events wait at most; those that come while as many do are only counted.
    static let mostEvents = 1000

    private struct Waiting: Sendable {
        var record: RunRecord?
        /// It, or a newer one, is to be confirmed.
        var isToConfirm = false
        var status: Status?
        var events: [LoggedEvent] = []
        var left = 0
        /// A job that takes all of this has been submitted and has not begun.
        var isAwaited = false
    }

    /// How far the record that is being written has come, for ``giveUp()``.
    private enum Publication {
        /// The one on the disk is the old one.
        case open
        /// The new one has its name, or is getting it; it is not known to be durable.
        case visible
        /// One that says how the run has ended is durable.
        case final
        /// None is published any more.
        case closed
    }

    private struct Told {
        /// The last record could not be written.
        var hasFailed = false
        /// The highest number of an attempt that a record reserves.
        var reserved = 0
    }

    private let store: RunStore
    private let lane = WorkerLane(name: "records", threads: 1)
    private let waiting = Mutex(Waiting())
    /// A record was taken to be written: from now on only the lane writes them.
    private let writesRecords = CancelFlag()
    private let publication = Mutex(Publication.open)
    private let post: @Sendable (Event) -> Void
    /// What is only derived may fail: told once, until it works again.
    private let statusFails = CancelFlag()
    private let eventsFail = CancelFlag()
    /// The answers about durable records that were posted.
    private let told = Mutex(Told())

    /// - Parameter post: takes events from any thread.
    init(_ store: RunStore, post: @escaping @Sendable (Event) -> Void) {
        self.store = store
        self.post = post
    }

    func save(_ record: RunRecord) {
        add { $0.record = record }
    }

    func publish(_ status: Status) {
        add { $0.status = status }
    }

    func append(_ event: LoggedEvent) {
        add { waiting in
            if waiting.events.count < Self.mostEvents {
                waiting.events.append(event)
            } else {
                waiting.left += 1
            }
        }
    }

    /// Makes a record durable, and tells: at once, on the thread that calls, where no other was
    /// ever written; else behind that one, which may still be under way.
    ///
    /// - Returns: what came of it; nil where that is told later.
    func saveAndTell(_ record: RunRecord) -> Event? {
        let isFirst = waiting.withLock { waiting in
            let isFirst = writesRecords.raise()
            waiting.record = isFirst ? nil : record
            waiting.isToConfirm = !isFirst
            return isFirst
        }
        if isFirst { return saveFirst(record) }
        write()
        return nil
    }

    private func saveFirst(_ record: RunRecord) -> Event {
        let result = saveNow(record)
        _ = isNew(result, record)
        return result
    }

    /// Whether something is to be told of it, beside the result itself.
    private func isNew(_ result: Event, _ record: RunRecord) -> Bool {
        told.withLock { told in
            switch result {
            case .recorded, .lastRecorded:
                let reserved = max(told.reserved, record.attemptsReserved ?? 0)
                defer { told = Told(reserved: reserved) }
                return told.hasFailed || reserved > told.reserved
            default:
                told.hasFailed = true
                return false
            }
        }
    }

    private func saveNow(_ record: RunRecord) -> Event {
        do throws(StoreError) {
            try store.record.save(record) {
                publication.withLock { publication in
                    if publication != .closed { publication = .visible }
                    return publication == .visible
                }
            }
            publication.withLock {
                if $0 == .visible { $0 = record.outcome == nil ? .open : .final }
            }
            return record.outcome == nil ? .recorded : .lastRecorded
        } catch {
            return error.isShortage ? .recordRefused("\(error)") : .recordFailed("\(error)")
        }
    }

    /// From now on no record is published, also one that is being written.
    ///
    /// - Returns: what came of the last one.
    func giveUp() -> Event {
        publication.withLock { publication in
            if publication == .final { return .lastRecorded }
            defer { publication = .closed }
            return .recordGivenUp(isVisible: publication == .visible)
        }
    }

    /// Begins to write what was given so far.
    func write() {
        let isFirst = waiting.withLock { waiting in
            guard waiting.record != nil || waiting.status != nil || !waiting.events.isEmpty else {
                return false
            }
            defer { waiting.isAwaited = true }
            return !waiting.isAwaited
        }
        if isFirst { lane.submit { [self] in writeAll() } }
    }

    /// Calls `done`, on the lane's thread, when all that was given so far is written or has failed.
    func flush(_ done: @escaping @Sendable () -> Void) {
        write()
        lane.submit(done)
    }

    /// Behind all that is being written.
    func submit(_ work: @escaping @Sendable () -> Void) {
        lane.submit(work)
    }

    private func add(_ change: (inout Waiting) -> Void) {
        waiting.withLock { change(&$0) }
    }

    private func writeAll() {
        let taken = waiting.withLock { waiting in
            let taken = waiting
            waiting = Waiting()
            if taken.record != nil { writesRecords.raise() }
            return taken
        }
        if let record = taken.record { write(record, confirm: taken.isToConfirm) }
        if !taken.events.isEmpty { write(taken.events, left: taken.left) }
        if let status = taken.status { write(status) }
    }

    private func write(_ record: RunRecord, confirm: Bool) {
        let result = saveNow(record)
        if isNew(result, record) { post(.recordWritten(reserved: record.attemptsReserved ?? 0)) }
        switch result {
        case .recorded, .lastRecorded: if confirm { post(result) }
        default: post(result)
        }
    }

    private func write(_ events: [LoggedEvent], left: Int) {
        derived(eventsFail) { () throws(StoreError) in
            try store.derived.append(events)
            guard left > 0, let last = events.last else { return }
            let message = "\(left) events are not written here: the disk did not answer for long"
            let warning = RunEvent.warning(.init(message: message))
            try store.derived.append([LoggedEvent(at: last.at, event: warning)])
        }
    }

    private func write(_ status: Status) {
        derived(statusFails) { () throws(StoreError) in try store.derived.publish(status) }
    }

    private func derived(_ fails: CancelFlag, _ work: () throws(StoreError) -> Void) {
        do throws(StoreError) {
            try work()
            fails.lower()
        } catch {
            if fails.raise() { post(.warned("\(error); the job goes on")) }
        }
    }
}

/// Work that may never end, as a disk hangs or a process is stuck in the kernel, done before a loop runs or
/// after it.
enum BoundedWork {
    /// Does it on a thread of its own.
    ///
    /// - Parameters:
    ///   - name: of the thread.
    ///   - limit: when to go on without its result; the thread is left to itself then.
    /// - Returns: nil where it has not ended in time.
    /// - Throws: EAGAIN where there is no thread for it, and then it is not done.
    static func perform<Result: Sendable>(
        _ name: String, within limit: Duration, _ work: @escaping @Sendable () -> Result
    ) throws(SystemError) -> Result? {
        let loop = try EventLoop()
        var result: Result?
        let mailbox = try Mailbox<Result>(on: loop) { results in
            result = results.first
            loop.stop()
        }
        let timer = try TimerSource(on: loop) { loop.stop() }
        timer.set(MonotonicTime.now() + limit)
        let isGivenUp = CancelFlag()
        WorkerLane(name: name, threads: 1).submit {
            if !isGivenUp.isRaised { mailbox.post(work()) }
        }
        if let refusal = WorkerLane.takeRefusal() {
            isGivenUp.raise()
            throw refusal
        }
        try loop.run()
        return result
    }
}

/// Raised by one thread, seen by others.
final class CancelFlag: Sendable {
    private let value = Atomic(false)

    var isRaised: Bool { value.load(ordering: .relaxed) }

    /// - Returns: whether it was not raised before.
    @discardableResult
    func raise() -> Bool {
        !value.exchange(true, ordering: .relaxed)
    }

    func lower() {
        value.store(false, ordering: .relaxed)
    }
}
