import SuperviseCore
import SuperviseSystem

/// The end of an attempt, and our own: what is left is passed on.
extension JobOutput {
    /// Our own end: what is left is passed on.
    struct Flushing {
        let done: () -> Void
        /// Outlets that hold up the job and still have something.
        var held: Int
        /// All others, and the log.
        var others: Int
    }

    /// Nothing of the attempt lives any more: reads what it wrote last.
    ///
    /// - Parameter done: gets the last lines.
    func end(
        attempt: Int, isLast: Bool = false, _ done: @escaping ([String]) -> Void
    ) {
        master = nil
        ending = (attempt, done)
        orders.post(.end(attempt: attempt, isLast: isLast))
        timers.set(.output, at: Self.now() + .seconds(1))
    }

    /// Passes on what there is, before we end; without an end, where nobody takes it.
    ///
    /// - Parameter done: called when all is passed on; before, ``Event/readersServed`` was delivered.
    func flush(attempt: Int, _ done: @escaping () -> Void) {
        startPump()
        outlets.status?.show(nil)
        let held = outlets.all.filter(\.holds).count
        flushing = Flushing(done: done, held: held, others: outlets.all.count - held + 1)
        end(attempt: attempt, isLast: true) { [unowned self] _ in
            if held == 0 { deliver(.readersServed) }
            let notes = notes
            orders.post(.finish)
            for outlet in outlets.all {
                let isHeld = outlet.holds
                outlet.flush { notes?.post(.flushed(isHeld: isHeld)) }
            }
        }
    }

    /// In bytes, what readers have taken so far.
    var taken: Int64 { outlets.all.reduce(0) { $0 + $1.counts.taken } }

    func ring() {
        if ending != nil { ended([]) }
    }

    /// Whoever reads what is left is waited for no longer.
    func leave() {
        if let flushing, flushing.held > 0 {
            writeStandardError(
                "supervise: the last bytes of the job's output were not read in time, and are lost\n",
                waits: false)
        }
        stopFlushing()
    }

    private func stopFlushing() {
        timers.cancel(.output)
        guard let flushing else { return }
        self.flushing = nil
        keys?.restore()
        flushing.done()
    }

    func ended(_ tail: [String]) {
        timers.cancel(.output)
        let done = ending?.done
        ending = nil
        done?(tail)
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
