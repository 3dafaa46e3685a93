import SuperviseCore
import SuperviseFormats

/// Promise 5: a stop is bounded, in the order of the ladder, and nobody is signalled too early. A
/// restart goes the same way, and is followed by another attempt.
struct StopWitness {
    private struct Asked {
        var at: Int64
        var signal: Int32
        /// A final checkpoint may take until then.
        var deadline: Int64
        var restarts = false
        let leaderRan: Bool
        var count = 1
        var lastCountedAt: Int64
        /// A final checkpoint is waited for.
        var isAwaiting: Bool
        /// It failed, perhaps for lack of space.
        var waitsForRoom = false
        var finalRequest: Int?
        var finalMadeAt: Int64?
        /// The step in which the wait for a final checkpoint ended, or there was none.
        var toldAt: Int64?
        var sigtermIsOut = false
        var sigkillIsOut = false
        /// A notice had come first, or had the last word.
        var preempts = false
        /// The machine is gone, and so is everything.
        var notice: Ledger.Notice?
        /// When all had stood still, nobody could do anything before.
        var notBefore: Int64 = 0

        /// SIGKILL is out so long after the job was told, at the latest.
        func killTime(_ settings: Settings, from told: Int64) -> Int64 {
            let time = settings.stopTimeout.wholeNanoseconds
            return notice.map { min(time, max(0, $0.killBy - told)) } ?? time
        }
    }

    /// Somebody has asked for an end, and no notice had come.
    var isAskedByPeople: Bool { asked.map { !$0.preempts && !$0.restarts } ?? false }
    /// The final checkpoint was made.
    var hasSaved: Bool { asked?.finalMadeAt != nil }

    private var asked: Asked?
    /// The end is decided.
    private var isOver = false
    private static let grace: Int64 = 2_000_000_000

    func look(_ now: Int64, _ settings: Settings) throws(Violation) {
        guard let asked else { return }
        let wait = max(asked.at + settings.checkpointTimeout.wholeNanoseconds, asked.deadline)
        let bound = max(wait + settings.stopTimeout.wholeNanoseconds, asked.notBefore)
        if !asked.restarts, now - Self.grace > bound {
            throw Violation("5", "asked to stop at \(asked.at), and still there")
        }
        if let told = asked.toldAt, !isOver, asked.leaderRan, !asked.sigkillIsOut,
            now > max(told + asked.killTime(settings, from: told), asked.notBefore) + 100_000_000
        {
            throw Violation("5", "the time of --stop-timeout is over, and no SIGKILL is out")
        }
    }

    mutating func judge(_ step: Step, _ before: Ledger, _ after: Ledger) throws(Violation) {
        if Self.isRestart(step), asked == nil {
            if before.leaderRuns { try begin(15, restarts: true, step, before, after) }
        } else if let signal = Self.request(step.event) {
            if asked == nil {
                try begin(signal, restarts: false, step, before, after)
            } else if asked?.restarts == true {
                endInstead(signal, step)
            } else {
                try count(step, before)
            }
        } else {
            endWait(step, before, after)
        }
        try heed(after, step)
        if try hasRestarted(step) { return }
        isOver = step.exit != nil
        guard let asked else {
            switch step.exit {
            case .stopped?, .preempted?: throw Violation("5", "stopped, and nobody asked")
            case .completed?, .failed?, .refused?, nil: return
            }
        }
        try judgeLadder(asked, step)
        follow(step)
        try judgeEnd(asked, step, after)
    }

    /// What the machine's end changes, and the stop that it leads to.
    private mutating func heed(_ after: Ledger, _ step: Step) throws(Violation) {
        guard let notice = after.notice else {
            // Withdrawn: what was promised stays, and what follows has its usual time.
            asked?.preempts = false
            if asked?.toldAt == nil { asked?.notice = nil }
            return
        }
        if asked == nil, step.actions.contains(where: \.beginsStop) {
            try begin(15, restarts: false, step, after, after)
        } else if asked?.restarts == true, notice.deadline - step.now <= 300_000_000_000 {
            // With more than five minutes there is time for another attempt.
            endInstead(15, step)
            asked?.preempts = true
        }
        guard let asked else { return }
        self.asked?.notice = notice
        self.asked?.deadline = min(asked.deadline, notice.saveBy)
    }

    private static func request(_ event: Event) -> Int32? {
        switch event {
        case .signal(.stop(let number, _)), .signal(.hangUp(let number, _)): number
        case .received(.control(let control), _, _) where control.command == "stop": 15
        default: nil
        }
    }

    private static func isRestart(_ step: Step) -> Bool {
        guard case .received(.control(let control), let sender, _) = step.event,
            control.command == "restart"
        else { return false }
        return step.takesOver(from: sender)
    }

    /// Somebody asks for an end while a restart goes on.
    private mutating func endInstead(_ signal: Int32, _ step: Step) {
        guard var asked else { return }
        asked.restarts = false
        asked.at = step.now
        asked.signal = signal
        asked.lastCountedAt = step.now
        if !asked.isAwaiting {
            asked.deadline = step.now + step.settings.checkpointTimeout.wholeNanoseconds
        }
        if case .received(.control(let control), _, _) = step.event, control.checkpoint == false,
            asked.isAwaiting
        {
            asked.isAwaiting = false
            asked.toldAt = step.now
        }
        self.asked = asked
    }

    /// A restart ends when the next attempt is waited for, and in no other way unless the job gave up
    /// or there never was one.
    private mutating func hasRestarted(_ step: Step) throws(Violation) -> Bool {
        let isTold = step.actions.contains {
            if case .log(.restarting(let told)) = $0 { told.reason == .asked } else { false }
        }
        guard let asked, asked.restarts else {
            if isTold { throw Violation("restart", "started again, and nobody asked") }
            return false
        }
        if case .spawnFailed = step.event {
            self.asked = nil
            return true
        }
        guard isTold else {
            switch step.exit {
            case .completed?, .stopped?, .preempted?:
                throw Violation("restart", "asked to restart, and ends as \(step.actions)")
            case .failed?, .refused?, nil: return false
            }
        }
        if step.exit != nil || step.supervisor.phase != .waiting {
            throw Violation("restart", "there is no next attempt: \(step.actions)")
        }
        self.asked = nil
        return true
    }

    mutating func stoodStill(for time: Int64) {
        guard var asked else { return }
        asked.at += time
        asked.deadline += time
        asked.finalMadeAt = asked.finalMadeAt.map { $0 + time }
        asked.toldAt = asked.toldAt.map { $0 + time }
        asked.notBefore = .max
        self.asked = asked
    }

    private mutating func begin(
        _ signal: Int32, restarts: Bool, _ step: Step, _ before: Ledger, _ after: Ledger
    ) throws(Violation) {
        var skips = false
        if case .received(.control(let control), _, _) = step.event {
            skips = control.checkpoint == false
        }
        let accepting = before.members.filter(\.value).keys
        let isSignalled = accepting.isEmpty && step.settings.requestSignal != nil
        var awaits =
            before.leaderRuns && !skips && !before.isHung
            && (!accepting.isEmpty || isSignalled && before.isSpawned)
        let isPerson = Self.request(step.event) != nil || restarts
        var deadline =
            isPerson ? step.now + step.settings.checkpointTimeout.wholeNanoseconds : Int64.max
        if let notice = after.notice { deadline = min(deadline, notice.saveBy) }
        if !isPerson, awaits { awaits = hasTime(step, deadline) }
        var asked = Asked(
            at: step.now, signal: signal, deadline: deadline, restarts: restarts,
            leaderRan: before.leaderRuns, lastCountedAt: step.now, isAwaiting: awaits)
        asked.preempts = after.notice != nil
        if awaits {
            asked.finalRequest = after.openRequest
            let wanted = Double(max(0, deadline - step.now)) / 1e9
            let reason: Manifest.Reason =
                after.notice != nil ? .preemption : restarts ? .manual : .shutdown
            let told = step.sends {
                if case .checkpointRequest(let wire) = $0 {
                    wire.final && abs((wire.deadline ?? -1) - wanted) < 1e-6
                        && wire.reason == reason
                } else {
                    false
                }
            }
            if isSignalled != after.openRequestIsBySignal || Set(told) != Set(accepting) {
                throw Violation("5", "a final request to \(told), and not to \(accepting)")
            }
        } else {
            asked.toldAt = step.now
            let isTold = Set(step.stopSends) == Set(before.members.keys)
            if before.leaderRuns, !isTold || before.isSpawned != step.sendsSigterm {
                throw Violation("5", "nothing to wait for, and no stop and SIGTERM at once")
            }
        }
        self.asked = asked
    }

    /// For a checkpoint, unless it would take less than half of what the quickest has taken.
    private func hasTime(_ step: Step, _ deadline: Int64) -> Bool {
        let quickest = step.supervisor.record.experience.recent.min() ?? 0
        return Double(deadline - step.now) / 1e9 > quickest / 2
    }

    private mutating func count(_ step: Step, _ before: Ledger) throws(Violation) {
        guard var asked else { return }
        if case .signal(.hangUp) = step.event {
            if step.signalsAnyone { throw Violation("5", "SIGHUP counts as a second") }
            return
        }
        guard step.now - asked.lastCountedAt >= 500_000_000 else {
            if step.signalsAnyone { throw Violation("5", "a duplicate counts") }
            return
        }
        asked.count += 1
        asked.lastCountedAt = step.now
        if asked.count == 2, before.leaderRuns, before.isSpawned, !asked.sigtermIsOut,
            !asked.sigkillIsOut, !step.sendsSigterm
        {
            throw Violation("5", "the second signal does not end the wait for the job")
        }
        if asked.count == 3, step.exit == nil, !step.actions.contains(.killEverything),
            before.leaderRuns || before.isEnding
        {
            throw Violation("5", "the third signal kills nobody")
        }
        if asked.isAwaiting { asked.toldAt = step.now }
        asked.isAwaiting = false
        self.asked = asked
    }

    private mutating func endWait(_ step: Step, _ before: Ledger, _ after: Ledger) {
        guard var asked, asked.isAwaiting, let final = asked.finalRequest else { return }
        switch step.event {
        case .committed(let summary, _) where after.requestOf[summary.id] == final:
            asked.finalMadeAt = step.now
        case .commitFailed(let id, let error)
        where error.code != .conflict && after.requestOf[id] == final
            && (before.open == id || before.orders.contains(id)):
            if waitsForRoom(step) { return }
        case .archives where asked.waitsForRoom, .freeSpace, .removed:
            if let second = step.madeFinalRequest {
                self.asked?.finalRequest = second
                self.asked?.waitsForRoom = false
                return
            }
            guard asked.waitsForRoom, step.supervisor.shortage == nil else { return }
        case .diskFull, .archives:
            let isGivenUp = step.withoutRoom.contains { id in
                after.requestOf[id] == final && (before.open == id || before.orders.contains(id))
            }
            guard isGivenUp else { return }
            if waitsForRoom(step) { return }
        case .received(.failed(let failed), let sender, _)
        where failed.request == final && after.members[sender] != nil:
            if waitsForRoom(step) { return }
        case .jobExited: break
        case .requestNotSent where step.supervisor.openRequest?.number != final: break
        default:
            guard step.now >= asked.deadline, step.event == .timer(.stopDeadline) else { return }
        }
        asked.isAwaiting = false
        asked.toldAt = step.now
        self.asked = asked
    }

    /// Room may be made, and then a final checkpoint is asked for once more.
    private mutating func waitsForRoom(_ step: Step) -> Bool {
        guard step.supervisor.shortage != nil, step.supervisor.stop?.stage == .asking else {
            return false
        }
        asked?.waitsForRoom = true
        return true
    }

    private func judgeLadder(_ asked: Asked, _ step: Step) throws(Violation) {
        if asked.isAwaiting, step.signalsAnyone || !step.stopSends.isEmpty {
            throw Violation("5", "a final checkpoint is awaited, and there is \(step.actions)")
        }
        let isAsked = asked.isAwaiting && step.actions.contains(where: \.beginsStop)
        if case .spawned = step.event, !step.signalsAnyone, !isAsked {
            throw Violation("5", "a leader that has just been started is not told to end")
        }
        if step.spawn != nil { throw Violation("5", "a spawn after a stop was asked for") }
        if step.sendsSigterm, let made = asked.finalMadeAt, asked.count < 2,
            step.now < made + asked.killTime(step.settings, from: made) / 2
        {
            throw Violation("5", "SIGTERM less than half of --stop-timeout after the checkpoint")
        }
        let told = asked.toldAt ?? step.now
        if step.actions.contains(.killEverything), asked.count < 3,
            step.now < told + asked.killTime(step.settings, from: told)
        {
            throw Violation("5", "SIGKILL before --stop-timeout is over")
        }
        // What was begun in this step came before.
        guard asked.toldAt != nil, !step.actions.contains(where: \.beginsStop) else { return }
        for action in step.actions {
            if case .makeStaging = action {
                throw Violation("5", "a checkpoint is begun after `stop`")
            }
        }
    }

    private mutating func follow(_ step: Step) {
        if case .stoodStill = step.event { asked?.notBefore = step.now }
        if step.sendsSigterm { asked?.sigtermIsOut = true }
        if step.actions.contains(.killEverything) { asked?.sigkillIsOut = true }
    }

    private func judgeEnd(_ asked: Asked, _ step: Step, _ after: Ledger) throws(Violation) {
        guard let exit = step.exit, !asked.restarts else { return }
        if exit != (asked.preempts ? .preempted : .stopped(signal: asked.signal)) {
            throw Violation("5", "asked to stop by \(asked.signal), and ends as \(exit)")
        }
        if asked.count < 3, step.now < asked.deadline, !after.orders.isEmpty {
            throw Violation("5", "\(after.orders) was received, and is not finished")
        }
    }
}

extension Step {
    /// The number of a final request that was made in this step.
    var madeFinalRequest: Int? {
        for case .log(.checkpointRequested(let wire)) in actions where wire.final {
            return wire.request
        }
        return nil
    }

    /// SIGTERM as part of a stop, not one that is passed on.
    var sendsSigterm: Bool {
        actions.contains(.signalLeader(15))
    }

    var signalsAnyone: Bool {
        actions.contains {
            switch $0 {
            case .signalLeader(15), .killEverything, .endDescendants: true
            default: false
            }
        }
    }
}

extension Action {
    /// Somebody is the first to ask for an end, or has the last word.
    var beginsStop: Bool {
        if case .log(.stopRequested(let told)) = self { told.count == 1 } else { false }
    }
}

extension Duration {
    var wholeNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
