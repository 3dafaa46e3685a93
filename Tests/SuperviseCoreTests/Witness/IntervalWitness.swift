import SuperviseCore
import SuperviseFormats

/// The next request is made when the options say, and with `auto` when a naive model says: by what
/// checkpoints cost the job and the disk, and so much earlier as the job takes to look.
struct IntervalWitness {
    private struct Save {
        var requestedAt: Int64?
        let beganAt: Int64
        /// The job could not work for so long, in seconds; nil until it is known.
        var held: Double?
        var wait: Double?
        var soFar = 0.0
    }

    private var wasAsked = false
    private var lastWait = 0.0
    private var requestedAt: [Int: Int64] = [:]
    private var saves: [CheckpointID: Save] = [:]
    private var startedAt: Int64 = 0
    private var attempt = 0
    /// The request that was open after the last step.
    private var open: Int?
    /// Those that were being committed after the last step.
    private var known: Set<CheckpointID> = []
    private var seen: Experience?

    mutating func judge(_ step: Step, _ before: Ledger, _ after: Ledger) throws(Violation) {
        try judgeExperience(step, before, after)
        if step.spawn != nil { wasAsked = false }
        for case .log(.checkpointRequested) in step.actions { wasAsked = true }
        for case .setTimer(.interval, let at) in step.actions {
            let wait = Double(at.nanoseconds - step.now) / 1e9
            // It was set before all was asked for that is left to ask.
            if step.actions.contains(where: \.beginsStop) { continue }
            // An operator who waited for this hello is served in the same step.
            if after.armed[.interval] == nil { continue }
            let expected = expected(step)
            // The rest of one that was held.
            if step.letsGo, wait <= lastWait { continue }
            lastWait = wait
            guard abs(wait - expected) <= 0.002 else {
                throw Violation("interval", "\(wait) s until the next request, not \(expected) s")
            }
        }
    }

    /// What a checkpoint has shown is what the job and the disk did.
    private mutating func judgeExperience(
        _ step: Step, _ before: Ledger, _ after: Ledger
    ) throws(Violation) {
        let counted = after.counted(step.now)
        follow(step, counted, before, after)
        let now = step.supervisor.record.experience
        defer { seen = now }
        guard case .committed(let summary, let seconds) = step.event,
            before.orders.contains(summary.id), let old = seen
        else { return }
        let save = saves.removeValue(forKey: summary.id)
        let cost = save?.held.map { $0 + max(0, seconds - (save?.soFar ?? 0)) } ?? seconds
        let weight = 1 / Double(min(old.measured + 1, 5))
        let mean = (old.cost ?? cost) + (cost - (old.cost ?? cost)) * weight
        if abs(mean - (now.cost ?? -1)) > 1e-3 || now.recent.last != seconds {
            throw Violation("interval", "the cost is \(now), and not \(mean) s after \(cost) s")
        }
        let wait = save?.held == nil ? nil : save?.wait
        let waited = wait.map { (old.wait ?? $0) + ($0 - (old.wait ?? $0)) * weight } ?? old.wait
        if (waited == nil) != (now.wait == nil) || abs((waited ?? 0) - (now.wait ?? 0)) > 1e-3 {
            throw Violation(
                "interval", "the wait is \(now.wait as Any), and not \(waited as Any)")
        }
    }

    /// One that had its time may still be answered; one that was answered names nothing any more.
    private mutating func close(_ request: Int?) {
        if let request, request == open { requestedAt[request] = nil }
    }

    private mutating func follow(
        _ step: Step, _ counted: Int64, _ before: Ledger, _ after: Ledger
    ) {
        let committing = step.supervisor.committing.map(\.id)
        defer {
            open = step.supervisor.openRequest?.number
            known = Set(committing)
        }
        for action in step.actions {
            switch action {
            case .log(.checkpointRequested(let wire)): requestedAt[wire.request] = counted
            case .log(.requestEnded(let ended))
            where ended.result != .unanswered:
                requestedAt[ended.request] = nil
            case .log(.checkpointCommitted(let made)): close(made.request)
            case .log(.checkpointFailed(let failed)): close(failed.request)
            case .makeStaging(let id) where saves[id] == nil:
                saves[id] = Save(
                    requestedAt: after.requestOf[id].flatMap { requestedAt[$0] },
                    beganAt: before.beganAt(step))
            case .commit(let order): saves[order.id]?.soFar = order.secondsSoFar
            case .add(let order, _): saves[order.id]?.soFar = order.secondsSoFar
            case .record(let record, _) where record.current != nil && record.attempt > attempt:
                attempt = record.attempt
                startedAt = counted
                requestedAt = [:]
            default: break
            }
        }
        // One that has not begun gives its number to the next one.
        attempt = min(attempt, step.supervisor.record.attempt)
        // What the job completed by itself may follow it at once.
        guard let taken = committing.first(where: { !known.contains($0) }) else { return }
        switch step.event {
        case .received(.commit(let commit), _, _) where commit.id == taken:
            let written = Double(counted - (saves[taken]?.beganAt ?? 0)) / 1e9
            finish(taken, held: max(blocked(commit.blocked, counted), written), written)
        case .received(.add(let add), _, _) where saves[taken] == nil:
            saves[taken] = Save(
                requestedAt: after.requestOf[taken].flatMap { requestedAt[$0] }, beganAt: counted)
            finish(taken, held: blocked(add.blocked, counted), 0)
            for case .add(let order, _) in step.actions where order.id == taken {
                saves[taken]?.soFar = order.secondsSoFar
            }
        default: break
        }
        // One that waits for room tells when it is ordered.
        if saves[taken]?.soFar == 0, let at = saves[taken] {
            saves[taken]?.soFar = Double(counted - (at.requestedAt ?? at.beganAt)) / 1e9
        }
    }

    private mutating func finish(_ id: CheckpointID, held: Double, _ written: Double) {
        saves[id]?.held = held
        guard let save = saves[id], let requestedAt = save.requestedAt else { return }
        saves[id]?.wait = max(0, Double(save.beganAt - requestedAt) / 1e9 - (held - written))
    }

    private func blocked(_ seconds: Double?, _ counted: Int64) -> Double {
        guard let seconds, seconds.isFinite else { return 0 }
        return min(max(0, seconds), Double(counted - startedAt) / 1e9)
    }

    private func expected(_ step: Step) -> Double {
        switch step.settings.checkpointEvery {
        case .off: return .nan
        case .every(let duration): return duration.seconds
        case .auto: break
        }
        let seen = step.supervisor.record.experience
        guard let cost = seen.cost else { return wasAsked ? 300 : 30 }
        let interval = Self.interval(cost: cost, seen)
        return max(interval - (seen.wait ?? 0), min(interval, max(1, interval / 10)))
    }

    static func interval(cost: Double, _ seen: Experience) -> Double {
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
