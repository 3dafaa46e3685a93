import SuperviseCore
import SuperviseFormats

/// The checkpoint of a watched file has the number in its name as its step, until the numbers have
/// shown that they are none; that is told once, and holds for the run.
struct NamesWitness {
    /// As the record said when the supervisor started, and then as the numbers say.
    private var hasEnded = false
    private var hasRisen = false
    private var repeats = 0
    /// The highest of the attempt, or what it resumed from.
    private var highest: Int64?
    private var highestAt: Instant?
    private var wasEnded = false
    private var token = ""
    private var judged: Set<CheckpointID> = []

    mutating func supervisorStarts(_ world: World) {
        self = NamesWitness()
        hasEnded = world.disk.record?.namedSteps == .ended
        wasEnded = hasEnded
        hasRisen = world.disk.record?.namedSteps == .rising
    }

    mutating func judge(_ step: Step, _ world: World) throws(Violation) {
        var warnings = 0
        for action in step.actions {
            switch action {
            case .gatherWatched:
                let kept = step.supervisor.checkpoints
                let tip = step.supervisor.lineage.currentTip(of: kept.map(\.id.sequence))
                begin(from: kept.last { $0.id.sequence == tip }, kept)
            case .record(let record, _):
                if let attempt = record.current, step.supervisor.attempt?.token == attempt.token,
                    attempt.token != token
                {
                    token = attempt.token
                    let kept = step.supervisor.checkpoints
                    begin(from: kept.first { $0.id == attempt.resumedFrom }, kept)
                }
            case .log(.warning(let warning))
            where warning.message.contains("no longer used as steps"):
                warnings += 1
            default: break
            }
        }
        for commit in step.supervisor.committing {
            guard let file = commit.watched, judged.insert(commit.id).inserted else { continue }
            if file.path != commit.added?.path {
                throw Violation("names", "\(commit.id) is of \(file.path)")
            }
            try judge(commit.order, file, step)
            let last = step.supervisor.committing.first?.id
            if file.isRepeat, last != commit.id {
                throw Violation("names", "\(commit.id) is older than \(last as Any)")
            }
        }
        if warnings != (hasEnded && !wasEnded ? 1 : 0) {
            throw Violation("names", "told \(warnings) times, ended \(hasEnded)")
        }
        wasEnded = hasEnded
    }

    private mutating func begin(from checkpoint: CheckpointSummary?, _ kept: [CheckpointSummary]) {
        var base = checkpoint
        while let one = base, one.id.step == nil {
            guard case .checkpoint(let parent) = one.origin else {
                base = nil
                break
            }
            base = kept.first { $0.id.sequence == parent }
        }
        highest = base?.id.step
        highestAt = nil
    }

    private mutating func judge(
        _ order: CommitOrder, _ file: WatchedFile, _ step: Step
    ) throws(Violation) {
        let expected = file.isRepeat ? nil : file.step.flatMap { number in stepOf(number, file) }
        if order.id.step != expected {
            throw Violation("names", "\(order.id) has a step, and not \(expected ?? -1)")
        }
        if step.supervisor.record.namedSteps == .ended, !hasEnded {
            throw Violation("names", "they count no more after \(file)")
        }
    }

    private mutating func stepOf(_ number: Int64, _ file: WatchedFile) -> Int64? {
        if hasEnded { return nil }
        if let highest, number < highest {
            // It was only told late.
            if let highestAt, file.completedAt < highestAt { return number }
            hasEnded = true
            return nil
        }
        if highest == number, !hasRisen { repeats += 1 }
        if let highest, number > highest { hasRisen = true }
        if repeats > 3, !hasRisen { hasEnded = true }
        highest = number
        highestAt = file.completedAt
        return hasEnded ? nil : number
    }
}
