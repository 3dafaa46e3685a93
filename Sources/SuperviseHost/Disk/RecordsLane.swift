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
    private struct Waiting: Sendable {
        var record: RunRecord?
        /// It, or a newer one, is to be confirmed.
        var isToConfirm = false
        var status: Status?
        var events = WaitingEvents()
        /// A job that takes all of this has been submitted and has not begun.
        var isAwaited = false
    }

    private let store: RunStore
    private let lane = WorkerLane(name: "records", threads: 1)
    private let waiting = Mutex(Waiting())
    /// A record was taken to be written: from now on only the lane writes them.
    private let writesRecords = CancelFlag()
    private let publication = Mutex(RecordPublication())
    private let post: @Sendable (Event) -> Void
    /// What is only derived may fail: told once, until it works again.
    private let statusFails = CancelFlag()
    private let eventsFail = CancelFlag()
    private let news = Mutex(RecordNews())

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
        add { $0.events.append(event) }
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
        news.withLock { $0.isNews(result, of: record) }
    }

    private func saveNow(_ record: RunRecord) -> Event {
        do throws(StoreError) {
            try store.record.save(record) {
                publication.withLock { $0.publish() }
            }
            return publication.withLock { $0.isDurable(record) }
        } catch {
            return error.isShortage ? .recordRefused("\(error)") : .recordFailed("\(error)")
        }
    }

    /// From now on no record is published, also one that is being written.
    ///
    /// - Returns: what came of the last one.
    func giveUp() -> Event {
        publication.withLock { $0.giveUp() }
    }

    /// Begins to write what was given so far.
    func write() {
        let isFirst = waiting.withLock { waiting in
            guard waiting.record != nil || waiting.status != nil || !waiting.events.events.isEmpty
            else {
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
        if !taken.events.events.isEmpty { write(taken.events) }
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

    private func write(_ waiting: WaitingEvents) {
        derived(eventsFail) { () throws(StoreError) in
            try store.derived.append(waiting.events)
            guard waiting.left > 0, let last = waiting.events.last else { return }
            let message =
                "\(waiting.left) events are not written here: the disk did not answer for long"
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
