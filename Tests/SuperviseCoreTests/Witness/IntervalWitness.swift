import SuperviseCore
import SuperviseFormats

/// The next request is made when the options say, and with `auto` when a naive model says.
struct IntervalWitness {
    private var wasAsked = false
    private var lastWait = 0.0

    mutating func judge(_ step: Step) throws(Violation) {
        if step.spawn != nil { wasAsked = false }
        for case .log(.checkpointRequested) in step.actions { wasAsked = true }
        for case .setTimer(.interval, let at) in step.actions {
            let wait = Double(at.nanoseconds - step.now) / 1e9
            // It was set before all was asked for that is left to ask.
            if step.actions.contains(where: \.beginsStop) { continue }
            let expected = expected(step)
            // The rest of one that was held.
            if step.letsGo, wait <= lastWait { continue }
            lastWait = wait
            guard abs(wait - expected) <= 0.002 else {
                throw Violation("interval", "\(wait) s until the next request, not \(expected) s")
            }
        }
    }

    private func expected(_ step: Step) -> Double {
        switch step.settings.checkpointEvery {
        case .off: return .nan
        case .every(let duration): return duration.seconds
        case .auto: break
        }
        let seen = step.supervisor.record.experience
        guard let cost = seen.cost else { return wasAsked ? 300 : 30 }
        let mean = (28_800 + seen.ran) * 3 / (1 + 3 * Double(seen.failures))
        if cost >= 2 * mean { return min(max(mean, 30), 21_600) }
        let part = cost / (2 * mean)
        let tau =
            (2 * cost * mean).squareRoot() * (1 + part.squareRoot() / 3 + part / 9) - cost
        return min(max(tau, 30), 21_600)
    }
}

extension Step {
    /// Timers that were held, or would be early, are set once more.
    var letsGo: Bool {
        switch event {
        case .stoodStill, .signal(.stop), .signal(.hangUp): true
        case .received(.control(let control), _, _):
            ["unpause", "stop", "restart"].contains(control.command)
        default: false
        }
    }
}
