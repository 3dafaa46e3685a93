import Glibc

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
