import SuperviseSystem

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
