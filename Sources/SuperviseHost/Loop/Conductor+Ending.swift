import SuperviseCore
import SuperviseSystem

/// Our end, which waits for what is to be recorded and passed on.
extension Conductor {
    /// What is to be recorded goes out first, as far as the disk allows in a second.
    func exit(_ ending: Action.Ending) {
        decided = ending
        // The core may need all of its time for a stop, and after that there is a second left.
        timers?.set(.flush, at: Self.now().instant + .milliseconds(750))
        disk?.flush()
        let isStop =
            switch ending {
            case .stopped, .preempted: true
            case .completed, .failed, .refused: false
            }
        guard let output else { return outputFlushed() }
        output.flush(attempt: 0, isPatient: !isStop) { [unowned self] in outputFlushed() }
    }

    /// What is not written or told by now is left.
    func flushTimeIsOver() {
        acknowledgement = nil
        diskFlushed()
    }

    func diskFlushed() {
        if let acknowledgement, let inquiries {
            self.acknowledgement = nil
            inquiries.acknowledge(acknowledgement) { [unowned self] in diskFlushed() }
            return
        }
        isDiskFlushed = true
        endIfFlushed()
    }

    func outputFlushed() {
        isOutputFlushed = true
        endIfFlushed()
    }

    func endIfFlushed() {
        guard isDiskFlushed, isOutputFlushed else { return }
        ending = decided
        // What is said from now on has nobody else to say it.
        console.write = writeStandardError
        loop.stop()
    }
}
