import SuperviseCore
import SuperviseSystem

/// The end of an attempt, and our own: what is left is passed on.
extension JobOutput {
    /// Our own end: what is left is read first, and then passed on.
    struct Flushing {
        let done: () -> Void
        let attempt: Int
        /// All that the job wrote has been given to the outlets.
        var isRead = false
        /// The kept part of it is on the disk, if the disk answers.
        var isKept = false
        /// Outlets that hold up the job and still have something.
        var held: Int
        /// All others, and the log.
        var others: Int
    }

    /// Nothing of the attempt lives any more: reads what it wrote last, and delivers its last lines.
    func end(attempt: Int) {
        master = nil
        ending = attempt
        if isPumpGone { return ended([]) }
        orders.post(.end(attempt: attempt, isLast: false))
    }

    /// Passes on what there is, before we end; without an end, where nobody takes it. How long that may
    /// take is the core's affair: see ``leave()``.
    ///
    /// - Parameter done: called when all is passed on; before, ``Event/readersServed`` was delivered.
    func flush(attempt: Int, _ done: @escaping () -> Void) {
        startPump()
        master = nil
        outlets.status?.show(nil)
        let held = outlets.all.filter(\.holds).count
        flushing = Flushing(
            done: done, attempt: attempt, held: held, others: outlets.all.count - held + 1)
        if isPumpGone { return pumpIsGone() }
        orders.post(.end(attempt: attempt, isLast: true))
        orders.post(.finish)
    }

    /// The outlets have all that the job wrote. Flushed sooner, they would be done before its last bytes
    /// came, which a disk that is slow may hold up.
    private func flushOutlets() {
        guard flushing?.isRead == false else { return }
        flushing?.isRead = true
        if flushing?.held == 0 { deliver(.readersServed) }
        let notes = notes
        for outlet in outlets.all {
            let isHeld = outlet.holds
            outlet.flush { notes?.post(.flushed(isHeld: isHeld)) }
        }
    }

    func pumpEnded(attempt: Int, _ tail: [String]) {
        if ending == attempt { ended(tail) }
        if flushing?.attempt == attempt { flushOutlets() }
    }

    /// The thread that reads has failed: it answers nothing any more.
    func pumpIsGone() {
        isPumpGone = true
        ended([])
        if flushing == nil { return }
        flushOutlets()
        pumpFinished()
    }

    /// The kept output is on the disk, or the disk does not answer.
    func pumpFinished() {
        guard flushing?.isKept == false else { return }
        flushing?.isKept = true
        flushed(isHeld: false)
    }

    /// In bytes, what readers have taken so far.
    var taken: Int64 { outlets.all.reduce(0) { $0 + $1.counts.taken } }

    /// The end no longer waits for the readers of the rest.
    func leave() {
        if let flushing, flushing.held > 0 {
            writeStandardError(
                "supervise: the last bytes of the job's output were not read in time, and are lost\n",
                waits: false)
        }
        stopFlushing()
    }

    private func stopFlushing() {
        guard let flushing else { return }
        self.flushing = nil
        keys?.restore()
        flushing.done()
    }

    private func ended(_ tail: [String]) {
        guard let attempt = ending else { return }
        ending = nil
        deliver(.outputTail(tail, attempt: attempt))
    }

    func flushed(isHeld: Bool) {
        if isHeld {
            flushing?.held -= 1
            if flushing?.held == 0 { deliver(.readersServed) }
        } else {
            flushing?.others -= 1
        }
        guard flushing?.held == 0, flushing?.others == 0 else { return }
        deliver(.outputDiscarded(discarded))
        stopFlushing()
    }
}
