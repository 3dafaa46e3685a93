import SuperviseCore
import SuperviseFormats

/// The rules for one branch, by definitions that look at all the others for each checkpoint.
struct NaiveRules {
    let rules: RetentionRules

    /// - Parameter branch: it and all that it is counted with, in order.
    func keep(_ one: CheckpointSummary, of branch: [CheckpointSummary]) -> Bool {
        newer(than: one, branch).count < rules.keepLast
            || isAmongTheBest(one, branch) || isFirstOfItsStretch(one, branch)
            || isNewestOf(one, branch, rules.keepHourly, hours: 1, offset: 0)
            || isNewestOf(one, branch, rules.keepDaily, hours: 24, offset: 0)
            || isNewestOf(one, branch, rules.keepWeekly, hours: 168, offset: 72)
    }

    private func newer(
        than one: CheckpointSummary, _ branch: [CheckpointSummary]
    ) -> [CheckpointSummary] {
        branch.filter { $0.id > one.id }
    }

    func isAmongTheBest(
        _ one: CheckpointSummary, _ branch: [CheckpointSummary]
    ) -> Bool {
        guard let best = rules.keepBest, let own = one.metrics[best.metric] else { return false }
        let better = branch.filter { other in
            guard let value = other.metrics[best.metric] else { return false }
            if value == own { return other.id > one.id }
            return best.goal == .min ? value < own : value > own
        }
        return better.count < best.count
    }

    private func isFirstOfItsStretch(
        _ one: CheckpointSummary, _ branch: [CheckpointSummary]
    ) -> Bool {
        guard let every = rules.keepEvery, let own = one.id.step else { return false }
        func stretch(_ step: Int64) -> Double { (Double(step) / Double(every)).rounded(.down) }
        let rivals = branch.filter { $0.id.step.map(stretch) == stretch(own) }
        return rivals.allSatisfy { rival in
            let step = rival.id.step ?? 0
            return step > own || (step == own && rival.id <= one.id)
        }
    }

    private func isNewestOf(
        _ one: CheckpointSummary, _ branch: [CheckpointSummary], _ count: Int?, hours: Int64,
        offset: Int64
    ) -> Bool {
        guard let count else { return false }
        func period(_ summary: CheckpointSummary) -> Double {
            let length = Double(hours * 3_600_000)
            let time = Double(summary.created.milliseconds + offset * 3_600_000)
            return (time / length).rounded(.down)
        }
        let later = Set(newer(than: one, branch).map(period))
        return !later.contains(period(one)) && later.count < count
    }
}
