import SuperviseCore
import SuperviseFormats

/// Promise 2: never resume from garbage, and never silently from the beginning.
struct ResumeWitness {
    /// Found good since the last attempt ended.
    private var verified: Set<CheckpointID> = []
    private var knownBad: Set<CheckpointID> = []
    private var hasResumed = false
    private var wasUnreadable = false
    private var recordFailed = false
    private var damaged: Set<CheckpointID> = []
    private var ownCommits: Set<CheckpointID> = []

    var hidden: Set<CheckpointID> { knownBad.union(damaged) }

    mutating func supervisorStarts(_ world: World) {
        verified = []
        knownBad = []
        hasResumed = false
        wasUnreadable = false
        recordFailed = false
        ownCommits = []
        damaged = Set(world.disk.payloads.filter(\.value.hasNoManifest).keys)
    }

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        switch step.event {
        case .verified(let id, .good): verified.insert(id)
        case .verified(let id, .bad):
            verified.remove(id)
            knownBad.insert(id)
        case .verified(_, .unreadable): wasUnreadable = true
        case .jobExited, .spawnFailed: verified = []
        case .recordFailed: recordFailed = true
        case .committed(let summary, _): ownCommits.insert(summary.id)
        default: break
        }
        if let order = step.spawn { try judge(order, step, world) }
        for case .verify(let id, trusting: true) in step.actions {
            // A roll-back is to one that is older than another that the options allow.
            let newest = world.disk.visible.last {
                guard !damaged.contains($0) else { return false }
                return switch step.settings.resumeFrom {
                case .newest: true
                case .beginning: ownCommits.contains($0)
                case .checkpoint(let chosen): $0 <= chosen || ownCommits.contains($0)
                }
            }
            if !hasResumed || id != newest {
                throw Violation("2", "\(id) is not read again before this resume")
            }
        }
        for case .setAside(let id, _) in step.actions
        where !knownBad.contains(id) && !damaged.contains(id) {
            throw Violation("2", "\(id) is set aside, and nobody found it bad")
        }
        if case .verified(_, .unreadable) = step.event {
            try judgeUntouched(step, "something could not be read")
        }
        if case .refused(let why)? = step.exit { try judgeRefusal(why, step, world) }
    }

    private mutating func judge(_ order: Action.SpawnOrder, _ step: Step, _ world: World)
        throws(Violation)
    {
        guard let resume = order.resume?.id else {
            if !world.disk.everCommitted.isEmpty, step.settings.resumeFrom != .beginning {
                throw Violation("2", "silently from the beginning")
            }
            return
        }
        hasResumed = true
        guard world.disk.payloads[resume] != nil || world.disk.setAside.contains(resume) else {
            throw Violation("2", "\(resume) was never committed, or is removed")
        }
        if knownBad.contains(resume) || damaged.contains(resume) {
            throw Violation("2", "resumed from \(resume), which is bad")
        }
        if !verified.contains(resume) {
            throw Violation("2", "resumed from \(resume), which was not verified before")
        }
    }

    /// 125 touches nothing that was saved.
    private func judgeUntouched(_ step: Step, _ why: String) throws(Violation) {
        guard case .refused? = step.exit else {
            throw Violation("2", "\(why), and it goes on")
        }
        for action in step.actions {
            switch action {
            case .setAside, .remove: throw Violation("2", "\(why), and it does \(action)")
            default: break
            }
        }
    }

    private func judgeRefusal(_ why: String, _ step: Step, _ world: World) throws(Violation) {
        try judgeUntouched(step, why)
        if wasUnreadable || recordFailed { return }
        // Until when, its own witness knows.
        switch step.event {
        case .spawnFailed(.shortage), .spawnFailed(.unwatched), .verified(_, .shortage),
            .recordRefused:
            return
        default: break
        }
        let usable = world.disk.visible.filter { !knownBad.contains($0) && !damaged.contains($0) }
        switch step.settings.resumeFrom {
        case .newest:
            if usable.isEmpty, !world.disk.everCommitted.isEmpty { return }
        case .checkpoint(let chosen):
            if !usable.contains(where: { $0 <= chosen }) { return }
            if !world.disk.visible.contains(chosen) { return }
        case .beginning: break
        }
        throw Violation("2", "refused without need: \(why)")
    }
}
