import CLinux
import Glibc
import Synchronization

/// Threads that do what may take long, so that the loop never waits. With one thread the jobs run in
/// the order they were submitted.
///
/// The threads start when there is work for them and sleep when there is none. They are never joined:
/// one may be stuck in a disk that does not answer, and must not hold up our end.
package final class WorkerLane: @unchecked Sendable {
    package typealias Job = @Sendable () -> Void

    /// Everything below is read and written only with `mutex` locked.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let somethingToDo: UnsafeMutablePointer<pthread_cond_t>
    private var jobs = Queue()
    private var idle = 0
    private var started = 0
    private let name: String
    /// How many threads at most.
    let limit: Int
    private let niceness: Int32
    private let stepsBack: Bool
    private let releasesMemory: Bool

    /// - Parameters:
    ///   - name: what tools show as the threads' name, of which the kernel keeps 15 bytes.
    ///   - threads: how many at most.
    ///   - niceness: added to that of the process, so that others come first where processors are
    ///     few.
    ///   - stepsBack: they get processors and disks only when nobody else wants them, and so do the
    ///     children that they start.
    ///   - releasesMemory: a thread that has nothing more to do gives freed memory back to the system
    ///     (see ``releaseMemory()``), as what it did may have needed a great deal.
    package init(
        name: String, threads: Int, niceness: Int32 = 0, stepsBack: Bool = false,
        releasesMemory: Bool = false
    ) {
        precondition(threads > 0, "a lane needs a thread")
        self.name = name
        self.limit = threads
        self.niceness = niceness
        self.stepsBack = stepsBack
        self.releasesMemory = releasesMemory
        mutex = .allocate(capacity: 1)
        somethingToDo = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        somethingToDo.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(somethingToDo, nil)
    }

    /// Adds a job behind all others, or before all that have not begun. Never waits.
    package func submit(first: Bool = false, _ job: @escaping Job) {
        pthread_mutex_lock(mutex)
        if first { jobs.prepend(job) } else { jobs.append(job) }
        startThreadIfNeeded()
        pthread_cond_signal(somethingToDo)
        pthread_mutex_unlock(mutex)
    }

    /// How many jobs have not begun.
    package var waiting: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return jobs.count
    }

    /// With `mutex` locked. If no thread can be started, jobs wait for ``startThreads()``; running them
    /// here could deadlock on the caller.
    private func startThreadIfNeeded() {
        guard idle < jobs.count, started < limit else { return }
        let code = startThread()
        if code != 0, started == 0 { Self.starved.withLock { $0.add(self, code) } }
    }

    private func startAgain() {
        pthread_mutex_lock(mutex)
        startThreadIfNeeded()
        pthread_mutex_unlock(mutex)
    }

    /// With `mutex` locked.
    ///
    /// - Returns: an errno, or 0.
    private func startThread() -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // As much as the main thread has: what a job may nest in a message, a thread must decode.
        // Only what is touched costs memory.
        pthread_attr_setstacksize(&attributes, 8 << 20)
        // Signals belong to the loop; the thread is born with this mask.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        // Balanced by nobody: the thread works for this lane as long as the process lives.
        let lane = Unmanaged.passRetained(self)
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<WorkerLane>.fromOpaque(argument).takeUnretainedValue().work()
            }, lane.toOpaque())
        if result != 0 {
            lane.release()
            return result
        }
        started += 1
        return 0
    }

    private func work() -> Never {
        _ = cl_name_thread(name)
        cl_be_nicer(niceness)
        if stepsBack { cl_step_back() }
        pthread_mutex_lock(mutex)
        while true {
            if jobs.count == 0, releasesMemory {
                pthread_mutex_unlock(mutex)
                releaseMemory()
                pthread_mutex_lock(mutex)
            }
            while jobs.count == 0 {
                idle += 1
                pthread_cond_wait(somethingToDo, mutex)
                idle -= 1
            }
            let job = jobs.removeFirst()
            pthread_mutex_unlock(mutex)
            job()
            pthread_mutex_lock(mutex)
        }
    }
}

extension WorkerLane {
    /// The lanes that have jobs and could not start a thread, in order.
    private struct Starved {
        var lanes: [WorkerLane] = []
        /// The latest error, until it is reported.
        var refusal: SystemError?

        mutating func add(_ lane: WorkerLane, _ code: Int32) {
            if !lanes.contains(where: { $0 === lane }) { lanes.append(lane) }
            refusal = SystemError(call: "pthread_create", code: code, subject: lane.name)
        }
    }

    private static let starved = Mutex(Starved())

    /// Why a lane has got no thread, told once each time that one could not be started.
    package static func takeRefusal() -> SystemError? {
        starved.withLock { starved in
            defer { starved.refusal = nil }
            return starved.refusal
        }
    }

    /// Starts the threads of lanes that have jobs and none; to be called again as long as
    /// ``takeRefusal()`` tells of one.
    package static func startThreads() {
        let lanes = starved.withLock { starved in
            defer { starved.lanes = [] }
            return starved.lanes
        }
        for lane in lanes { lane.startAgain() }
    }
}

extension WorkerLane {
    /// Jobs in order, without moving all of them when one is taken.
    private struct Queue {
        private var jobs: [Job?] = []
        private var next = 0

        var count: Int { jobs.count - next }

        mutating func append(_ job: @escaping Job) {
            jobs.append(job)
        }

        mutating func prepend(_ job: @escaping Job) {
            if next == 0 { return jobs.insert(job, at: 0) }
            next -= 1
            jobs[next] = job
        }

        /// There is one.
        mutating func removeFirst() -> Job {
            guard let job = jobs[next] else { preconditionFailure("a job was taken twice") }
            jobs[next] = nil
            next += 1
            if next == jobs.count {
                jobs = []
                next = 0
            }
            return job
        }
    }
}

extension WorkerLane {
    /// Calls `body` once for each number below `count`, on this thread and beside it on those of a
    /// lane that are free now, before what waits there. Returns when all calls have.
    ///
    /// This thread takes whatever nobody else does, so it never waits for one that is busy.
    ///
    /// - Parameter lane: nil does all of it here, in order.
    package static func spread(
        _ count: Int, beside lane: WorkerLane?, _ body: @escaping @Sendable (Int) -> Void
    ) {
        let helpers = min(count, lane?.limit ?? 1) - 1
        guard let lane, helpers > 0 else { return (0..<count).forEach(body) }
        let work = SharedWork(count: count, body)
        for _ in 0..<helpers { lane.submit(first: true) { work.help() } }
        work.help()
        work.waitForOthers()
    }
}

/// Numbers that several threads take, one after the other.
private final class SharedWork: @unchecked Sendable {
    /// Everything below is read and written only with `mutex` locked.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let done: UnsafeMutablePointer<pthread_cond_t>
    private var next = 0
    private var underWay = 0
    private let count: Int
    private let body: @Sendable (Int) -> Void

    init(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        self.count = count
        self.body = body
        mutex = .allocate(capacity: 1)
        done = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        done.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(done, nil)
    }

    deinit {
        pthread_cond_destroy(done)
        pthread_mutex_destroy(mutex)
        done.deallocate()
        mutex.deallocate()
    }

    /// Takes numbers until none is left.
    func help() {
        pthread_mutex_lock(mutex)
        while next < count {
            let mine = next
            next += 1
            underWay += 1
            pthread_mutex_unlock(mutex)
            body(mine)
            pthread_mutex_lock(mutex)
            underWay -= 1
        }
        if underWay == 0 { pthread_cond_signal(done) }
        pthread_mutex_unlock(mutex)
    }

    /// Until what others have taken is done.
    func waitForOthers() {
        pthread_mutex_lock(mutex)
        while underWay > 0 { pthread_cond_wait(done, mutex) }
        pthread_mutex_unlock(mutex)
    }
}
