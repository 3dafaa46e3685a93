import SuperviseCore
import SuperviseSystem

/// Our end: what the core orders to be passed on before it, and the exit itself.
extension Conductor {
    func flushOutput() {
        guard let output else {
            take(.readersServed)
            return take(.outputFlushed)
        }
        output.flush(attempt: 0) { [unowned self] in take(.outputFlushed) }
    }

    func acknowledge(_ inquiry: Inquiry) {
        guard let inquiries else { return take(.acknowledged) }
        inquiries.acknowledge(inquiry) { [unowned self] in take(.acknowledged) }
    }

    func exit(_ ending: Action.Ending) {
        self.ending = ending
        // What is said from now on has nobody else to say it.
        console.write = writeStandardError
        loop.stop()
    }
}
