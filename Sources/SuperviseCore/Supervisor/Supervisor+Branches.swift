import SuperviseFormats

/// The branches of the run, as the attempts go on from one checkpoint or another.
extension Supervisor {
    /// Those on their way out count: they may be held, and stay.
    private var kept: [Int64] {
        let there = checkpoints.map(\.id.sequence)
        return leaving.isEmpty ? there : (there + leaving.map(\.id.sequence)).sorted()
    }

    /// An attempt begins from there; nil for the beginning.
    mutating func branch(from parent: CheckpointID?) {
        // The options do not allow the newest one, so somebody has chosen.
        let asked = candidates.last != checkpoints.last?.id
        lineage.goOn(
            from: parent?.sequence, next: record.sequence + 1, asked: asked, kept: kept)
        lineage.tidy(kept: kept)
        record.branches = lineage.forks
    }

    /// Some are gone.
    mutating func tidyBranches() {
        guard !lineage.forks.isEmpty else { return }
        lineage.tidy(kept: kept)
        record.branches = lineage.forks
    }

    /// What a checkpoint continues from that a job has made whose supervisor died.
    var gatheredParent: CheckpointID? {
        let tip = lineage.currentTip(of: checkpoints.map(\.id.sequence))
        return checkpoints.last { $0.id.sequence == tip }?.id
    }

    /// What the rules say is removed.
    mutating func removeByRules() -> [CheckpointID] {
        let plan = retentionPlan
        for (cause, id) in plan.limited { limited[id] = cause }
        remove(plan.removals)
        return plan.removals
    }

    /// Says what is gone, and by itself what a limit took of a branch that was said to stay.
    mutating func tellRemoved(_ gone: [CheckpointID]) {
        let others = gone.filter { limited[$0] == nil }
        if !others.isEmpty { orders.log(.removed(.init(ids: others))) }
        for (cause, limit) in [
            (RetentionPlan.Cause.maxAge, RunEvent.Removed.Limit.maxAge), (.maxBytes, .maxBytes),
        ] {
            let ids = gone.filter { limited[$0] == cause }
            if !ids.isEmpty { orders.log(.removed(.init(ids: ids, limit: limit))) }
        }
    }
}
