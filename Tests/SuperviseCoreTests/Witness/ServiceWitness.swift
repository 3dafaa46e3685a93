import SuperviseCore
import SuperviseFormats

/// A service manager that believes what it is told, and ends whoever is late.
struct ServiceWitness {
    private var isReady = false
    private var isStopping = false
    /// Until when the end may take.
    private var mayEndUntil: Int64?
    private var lastSign: Int64 = 0

    mutating func judge(_ step: Step) throws(Violation) {
        let manager = step.supervisor.manager
        for case .notify(let notice) in step.actions {
            guard manager != nil else {
                throw Violation("service", "\(notice) is said to nobody")
            }
            try hear(notice, step.now)
        }
        guard manager != nil, step.exit == nil, step.supervisor.phase != .idle,
            isReady || !step.supervisor.isClosing
        else { return }
        if !isReady { throw Violation("service", "at work, and the manager waits to hear it") }
        let stop = step.supervisor.stop
        if stop?.restarts == false, !isStopping {
            throw Violation("service", "on the way to the end, and the manager does not know it")
        }
    }

    private mutating func hear(_ notice: ServiceNotice, _ now: Int64) throws(Violation) {
        switch notice {
        case .ready:
            if isReady { throw Violation("service", "ready twice") }
            isReady = true
            lastSign = now
        case .alive: lastSign = now
        case .stopping:
            if isStopping { throw Violation("service", "stopping twice") }
            isStopping = true
        case .extend(let time):
            guard isStopping else { throw Violation("service", "more time, and nobody stops") }
            mayEndUntil = max(mayEndUntil ?? 0, now + time.wholeNanoseconds)
        }
    }

    func look(_ now: Int64, _ supervisor: Supervisor?) throws(Violation) {
        guard let manager = supervisor?.manager else { return }
        // What is to be written takes a second of it.
        if let mayEndUntil, now > mayEndUntil - 1_000_000_000 {
            throw Violation("service", "the manager would have ended us at \(mayEndUntil)")
        }
        if let limit = manager.watchdog, isReady, now > lastSign + limit.wholeNanoseconds {
            throw Violation("service", "no sign of life since \(lastSign)")
        }
    }

    mutating func stoodStill(for time: Int64) {
        lastSign += time
        mayEndUntil = mayEndUntil.map { $0 + time }
    }
}
