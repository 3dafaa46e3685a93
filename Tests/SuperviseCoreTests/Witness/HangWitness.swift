import SuperviseCore
import SuperviseFormats

/// A job hangs when, and only when, it gave no sign for as long as the options say, of the time that
/// counts; it is looked at first, for a bounded time, and then killed and counted as such.
struct HangWitness {
    /// Time without each kind of sign, in nanoseconds, added up from step to step.
    private var silent: Int64 = 0
    private var stuck: Int64 = 0
    private var ungrown: Int64 = 0
    private var lastAt: Int64 = 0
    private var highestStep: Int64?
    private var grownTo = Event.StagingSize(bytes: 0, files: 0)
    private var open: CheckpointID?
    /// Those that the job has written by itself, and does not wait for.
    private var watched: Set<CheckpointID> = []
    private var counts = Counts.nothing
    /// Since when time counts; what was found while it did not is looked at again.
    private var countsSince: Int64 = 0
    private var examinedAt: Int64?
    private var wasKilled = false

    private enum Counts { case nothing, signs, growth }

    private static let slack: Int64 = 1_000_000_000

    mutating func judge(_ step: Step, _ before: Ledger, _ after: Ledger) throws(Violation) {
        pass(to: step.now, step)
        follow(step, before)
        try judgeLook(step, before)
        try judgeKill(step, before)
        try judgeFailure(step)
        try judgeTimer(step, before)
        if case .jobExited = step.event { examinedAt = nil }
        if step.spawn != nil { self = HangWitness(lastAt: step.now) }
        change(step, after)
    }

    init(lastAt: Int64 = 0) {
        self.lastAt = lastAt
    }

    /// Somebody must look in time, also where no event comes.
    func look(_ now: Int64, _ settings: Settings, _ ledger: Ledger) throws(Violation) {
        let more = now - lastAt - Self.slack
        switch counts {
        case .nothing: break
        case .signs:
            if over(silent + more, settings.heartbeatTimeout)
                || over(stuck + more, settings.progressTimeout)
            {
                throw Violation("hang", "no sign for \(silent + more) ns, and nobody looks")
            }
        case .growth:
            let isMeasured = open.map(ledger.measured.contains) ?? false
            if !isMeasured, now > countsSince + Self.slack,
                over(ungrown + more, settings.checkpointTimeout)
            {
                throw Violation("hang", "no growth for \(ungrown + more) ns, and nobody looks")
            }
        }
        if let examinedAt, !wasKilled,
            now > examinedAt + 5_000_000_000 + settings.onHangTimeout.wholeNanoseconds + Self.slack
        {
            throw Violation("hang", "the look at a job that hangs has no end")
        }
    }

    private func over(_ time: Int64, _ limit: Duration?) -> Bool {
        limit.map { time >= $0.wholeNanoseconds } ?? false
    }

    private mutating func pass(to now: Int64, _ step: Step) {
        var time = now - lastAt
        if case .stoodStill(let stood) = step.event {
            time -= stood.wholeNanoseconds
            examinedAt = examinedAt.map { $0 + stood.wholeNanoseconds }
        }
        lastAt = now
        switch counts {
        case .nothing: break
        case .signs:
            silent += time
            stuck += time
        case .growth: ungrown += time
        }
    }

    private mutating func follow(_ step: Step, _ before: Ledger) {
        switch step.event {
        case .received(.control, _, _): break
        case .received(.hello, let sender, _):
            let isWelcome = step.actions.contains {
                if case .send(.welcome, sender, _) = $0 { true } else { false }
            }
            if isWelcome { sign(step) }
        case .received(let message, let sender, _):
            guard before.leaderRuns, before.members[sender] != nil else { return }
            sign(step)
            if case .progress(let report) = message, let new = report.step { stepped(to: new) }
        case .watched(let files) where before.leaderRuns && !files.isEmpty: sign(step)
        case .committed(let summary, _) where before.orders.contains(summary.id):
            stepped(to: summary.id.step)
        case .stagingMeasured(let id, let size) where id == open:
            if size.bytes > grownTo.bytes || size.files > grownTo.files {
                grownTo = size
                ungrown = 0
            }
        default: break
        }
        for commit in step.supervisor.committing where commit.watched != nil {
            watched.insert(commit.id)
        }
    }

    private mutating func sign(_ step: Step) {
        silent = 0
        if step.settings.progressTimeout == nil { ungrown = 0 }
    }

    private mutating func stepped(to step: Int64?) {
        if let step {
            if let highestStep, step <= highestStep { return }
            highestStep = step
        }
        stuck = 0
    }

    /// What counts from now on.
    private mutating func change(_ step: Step, _ after: Ledger) {
        let counted = counts
        defer { if counted == .nothing, counts != .nothing { countsSince = step.now } }
        if after.open != open {
            open = after.open
            ungrown = 0
            grownTo = .init(bytes: 0, files: 0)
        }
        let isWatched = [step.settings.heartbeatTimeout, step.settings.progressTimeout]
            .contains { $0 != nil }
        if !isWatched || !after.leaderRuns || !after.isSpawned || after.isHung || step.exit != nil
            || step.supervisor.stop != nil || step.supervisor.clock.pausedAt != nil
        {
            counts = .nothing
        } else if open != nil {
            counts = .growth
        } else {
            counts = after.orders.contains { !watched.contains($0) } ? .nothing : .signs
        }
    }

    private mutating func judgeLook(_ step: Step, _ before: Ledger) throws(Violation) {
        guard step.actions.contains(.examine) else { return }
        let isDue =
            switch counts {
            case .nothing: false
            case .signs:
                over(silent, step.settings.heartbeatTimeout)
                    || over(stuck, step.settings.progressTimeout)
            case .growth: over(ungrown, step.settings.checkpointTimeout)
            }
        if !isDue || examinedAt != nil || before.isHung {
            throw Violation("hang", "\(silent), \(stuck), \(ungrown) ns, and that is a hang")
        }
        examinedAt = step.now
    }

    private mutating func judgeKill(_ step: Step, _ before: Ledger) throws(Violation) {
        let hung = step.actions.filter { if case .log(.hung) = $0 { true } else { false } }.count
        let isKilled =
            step.actions.contains(.killEverything) && step.supervisor.stop == nil
            && before.leaderRuns
        if hung != (isKilled ? 1 : 0) || isKilled && (examinedAt == nil || wasKilled) {
            throw Violation("hang", "\(hung) hangs are told, killed: \(isKilled)")
        }
        if isKilled {
            wasKilled = true
            switch step.event {
            case .examined where step.settings.onHang == nil: break
            case .onHangEnded where step.settings.onHang != nil: break
            default: throw Violation("hang", "killed because of \(step.event)")
            }
        }
        if examinedAt != nil, !wasKilled, step.supervisor.stop != nil {
            if !step.actions.contains(.endDiagnosis) {
                throw Violation("hang", "a stop waits for the look at a job that hangs")
            }
            examinedAt = nil
        }
    }

    private func judgeFailure(_ step: Step) throws(Violation) {
        for case .log(.failed(let failed)) in step.actions {
            guard failed.failure.kind != .machine, failed.failure.kind != .spawn else { continue }
            if (failed.failure.kind == .hang) != wasKilled {
                throw Violation("hang", "killed: \(wasKilled), and told as \(failed.failure.kind)")
            }
        }
    }

    /// Signs cost nothing: the timer is not set again for each.
    private func judgeTimer(_ step: Step, _ before: Ledger) throws(Violation) {
        switch step.event {
        case .received(.heartbeat, _, _), .received(.progress, _, _):
            guard before.armed[.hang] != nil else { return }
            for case .setTimer(.hang, _) in step.actions {
                throw Violation("hang", "the timer is set again for each sign")
            }
        default: break
        }
    }
}
