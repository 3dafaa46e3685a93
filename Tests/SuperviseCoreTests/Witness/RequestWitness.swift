import SuperviseCore
import SuperviseFormats

/// Each request is counted once, at most one is open, and none is given up before its time.
struct RequestWitness {
    private var last = Status.Requests()
    /// When the time of the open request began, or began anew.
    private var timedFrom: Int64 = 0

    mutating func judge(_ step: Step, _ before: Ledger, _ after: Ledger) throws(Violation) {
        let now = step.supervisor.requests
        let request = step.supervisor.openRequest
        let ended =
            now.committed + now.failed + now.late + now.unanswered + now.moot
            + now.lost + now.unfinished
        if now.made != ended + (request == nil ? 0 : 1) {
            throw Violation("requests", "\(now), and open: \(String(describing: request?.number))")
        }
        let logged = step.actions.filter {
            if case .log(.checkpointRequested) = $0 { true } else { false }
        }.count
        if now.made - last.made != logged || logged > 1 {
            throw Violation("requests", "\(logged) requests are told, \(now)")
        }
        if now.committed < last.committed || now.failed < last.failed || now.moot < last.moot
            || now.late < last.late || now.lost < last.lost
            || last.unanswered + last.unfinished - now.unanswered - now.unfinished
                > now.late - last.late
        {
            throw Violation("requests", "counted back from \(last) to \(now)")
        }
        for case .log(.requestEnded(let ended)) in step.actions {
            let isFinal = before.openRequestIsFinal && before.openRequest == ended.request
            // One final request may take the place of another.
            if ended.result == .moot && isFinal && logged == 0
                || ended.result == .lost && (!isFinal || before.leaderRuns && step.exit == nil)
            {
                throw Violation("requests", "a request ends as \(ended), final: \(isFinal)")
            }
        }
        try judgeTime(step, before, now)
        try judgeWaiting(step, after)
        if logged > 0 { timedFrom = after.counted(step.now) }
        if case .received(.begin(let begin), _, _) = step.event, after.open != before.open,
            begin.request == after.openRequest
        {
            timedFrom = after.counted(step.now)
        }
        if case .stagingMeasured(let id, _) = step.event, id == before.open,
            step.actions.contains(where: {
                if case .setTimer(.request, _) = $0 { true } else { false }
            })
        {
            timedFrom = after.counted(step.now)
        }
        last = now
        if logged > 0, before.pausedAt != nil, after.pausedAt != nil {
            throw Violation("pause", "a job is asked that is paused")
        }
    }

    private func judgeTime(
        _ step: Step, _ before: Ledger, _ now: Status.Requests
    ) throws(Violation) {
        guard now.unanswered > last.unanswered, !before.openRequestIsFinal else { return }
        if before.counted(step.now) < timedFrom + step.settings.checkpointTimeout.wholeNanoseconds {
            throw Violation("requests", "a request is given up before its time")
        }
    }

    /// Somebody must wake us for what we wait for.
    private func judgeWaiting(_ step: Step, _ after: Ledger) throws(Violation) {
        let supervisor = step.supervisor
        guard supervisor.phase == .running, step.exit == nil, after.pausedAt == nil else { return }
        if let request = supervisor.openRequest {
            let isAnswered = after.orders.contains { after.requestOf[$0] == request.number }
            let wakes = after.armed[request.final ? .stopDeadline : .request] != nil
            if !wakes, !isAnswered, after.measured.isEmpty, supervisor.stop == nil {
                throw Violation("liveness", "request \(request.number) is open for ever")
            }
        } else if step.settings.checkpointEvery != .off, supervisor.stop == nil,
            after.members.values.contains(true)
                || step.settings.requestSignal != nil && after.isSpawned,
            after.open == nil, after.orders.isEmpty,
            after.armed[.interval] == nil
        {
            throw Violation("liveness", "no checkpoint will ever be asked for")
        }
    }
}
