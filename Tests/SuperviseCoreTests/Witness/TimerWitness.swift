import SuperviseCore
import SuperviseFormats

/// Nothing wakes a supervisor in vain: which timers are armed follows from what is waited for.
struct TimerWitness {
    func judge(_ step: Step, _ after: Ledger) throws(Violation) {
        let supervisor = step.supervisor
        var allowed: Set<TimerID> = [.publish, .again]
        if after.inquiries.count < supervisor.sources.count {
            allowed.insert(.sources)
        }
        if step.supervisor.manager?.watchdog != nil { allowed.insert(.watchdog) }
        switch supervisor.phase {
        case .idle, .choosing, .recording: break
        case .clearing: allowed.insert(.abandon)
        case .gathering: if supervisor.stop != nil { allowed.insert(.stopDeadline) }
        case .running:
            if supervisor.attempt?.pid == nil { allowed.insert(.records) }
            if supervisor.stop == nil, after.notice != nil { allowed.insert(.preemption) }
            if let attempt = supervisor.attempt, supervisor.startWaiters.wait(for: attempt.number) {
                allowed.insert(.lived)
            }
            if supervisor.stop != nil {
                allowed.formUnion([.stopDeadline, .terminate, .kill, .abandon])
            }
            let limits = [step.settings.heartbeatTimeout, step.settings.progressTimeout]
            if supervisor.stop == nil, limits.contains(where: { $0 != nil }) {
                switch supervisor.attempt?.hang.stage {
                case nil: allowed.insert(.hang)
                case .examining, .asking: allowed.insert(.diagnosis)
                case .killing: allowed.insert(.abandon)
                case .abandoned: break
                }
            }
            if supervisor.openRequest?.final == false {
                allowed.insert(.request)
            } else if supervisor.stop == nil, step.settings.checkpointEvery != .off {
                allowed.insert(.interval)
            }
        case .ending:
            allowed.formUnion([.kill, .abandon, .lastOutput])
            if supervisor.stop == nil, after.notice != nil { allowed.insert(.preemption) }
            if supervisor.stop != nil { allowed.insert(.stopDeadline) }
        case .waiting: allowed.insert(.backoff)
        case .closing:
            allowed = allowed.intersection([.watchdog, .again]).union([.close])
            if supervisor.closing?.stage == .recording { allowed.formUnion([.rewrite, .reminder]) }
        case .finished: return
        }
        // With a long notice the run goes on, also while no job runs.
        if supervisor.stop == nil, after.notice != nil, !supervisor.isClosing {
            allowed.insert(.preemption)
        }
        if after.pausedAt != nil { allowed.subtract([.interval, .request, .backoff]) }
        if after.holdsRecords, after.armed[.records] == nil {
            throw Violation("liveness", "records are held, and nothing releases them")
        }
        for (timer, _) in after.armed where !allowed.contains(timer) {
            throw Violation("timers", "\(timer) is armed while \(supervisor.phase)")
        }
        if supervisor.phase == .waiting, after.armed[.backoff] == nil, after.pausedAt == nil {
            throw Violation("liveness", "waiting, and nothing wakes it")
        }
    }

    func look(_ now: Int64, _ ledger: Ledger) throws(Violation) {
        // That of the watchdog goes on while all stand still.
        for (timer, at) in ledger.armed where timer != .watchdog && now > at + 1_000_000_000 {
            throw Violation("world", "\(timer) was due at \(at)")
        }
    }
}
