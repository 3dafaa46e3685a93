import SuperviseCore
import SuperviseFormats

/// A random set of checkpoints and rules, and which of them stay: said once more, by definitions
/// that look at all the others for each one, however slow.
struct NaiveRetention {
    var checkpoints: [CheckpointSummary] = []
    var rules = RetentionRules()
    var protection = Protection()

    init(seed: UInt64) {
        var chance = Chance(seed: seed)
        let count = Int64(chance.number(0...24))
        var step: Int64 = Int64(chance.number(-5...30))
        var time: Int64 = Int64(chance.number(0...1_000_000)) * 1_000_000
        var sequence: Int64 = 0
        while sequence < count {
            sequence += Int64(chance.number(1...2))
            step += Int64(chance.number(0...12))
            if chance.happens(0.08) { step -= Int64(chance.number(0...60)) }
            time += Int64(chance.number(0...1) == 0 ? chance.number(0...7_000_000) : 0)
            if chance.happens(0.1) { time += Int64(chance.number(0...20)) * 86_400_000 / 2 }
            if chance.happens(0.05) { time -= Int64(chance.number(0...90_000_000)) }
            var summary = Desk.summary(
                checkpoint(sequence, step: chance.happens(0.9) ? step : nil))
            summary.created = Timestamp(milliseconds: time)
            summary.bytes = Int64(chance.number(0...100))
            if chance.happens(0.8) { summary.metrics["loss"] = Double(chance.number(0...6)) }
            checkpoints.append(summary)
        }
        func sometimes(_ range: ClosedRange<Int>) -> Int? {
            chance.happens(0.4) ? chance.number(range) : nil
        }
        rules.keepLast = chance.number(1...6)
        rules.keepEvery = sometimes(1...20)
        rules.keepHourly = sometimes(1...6)
        rules.keepDaily = sometimes(1...6)
        rules.keepWeekly = sometimes(1...4)
        if let count = sometimes(1...5) {
            rules.keepBest = .init(
                count: count, metric: "loss", goal: chance.happens(0.5) ? .min : .max)
        }
        rules.maxAge = sometimes(0...200).map { .seconds($0 * 3600) }
        rules.maxBytes = sometimes(0...900).map { Int64($0) }
        func some(_ share: Double) -> Set<CheckpointID> {
            Set(checkpoints.map(\.id).filter { _ in chance.happens(share) })
        }
        protection = Protection(
            pinned: some(0.1), resumed: some(0.05), suspects: some(0.2),
            apart: chance.happens(0.3) ? some(0.3) : [])
        if chance.happens(0.03) { protection.pinned = nil }
    }

    func staying() -> Set<CheckpointID> {
        guard let pinned = protection.pinned else { return Set(checkpoints.map(\.id)) }
        var left = checkpoints.filter { isProtected($0, pinned) || isKeptByARule($0) }
        if let age = rules.maxAge, let newest = checkpoints.last {
            left = left.filter {
                isProtected($0, pinned)
                    || newest.created.seconds(since: $0.created) <= age.seconds
            }
        }
        while let most = rules.maxBytes, left.map(\.bytes).reduce(0, +) > most,
            let oldest = left.firstIndex(where: { !isProtected($0, pinned) })
        {
            left.remove(at: oldest)
        }
        return Set(left.map(\.id))
    }

    private func isProtected(_ one: CheckpointSummary, _ pinned: Set<CheckpointID>) -> Bool {
        let good = checkpoints.filter { !protection.suspects.contains($0.id) }
        return one.id == checkpoints.last?.id || one.id == (good.last ?? checkpoints.first)?.id
            || pinned.contains(one.id) || protection.resumed.contains(one.id)
    }

    private func isKeptByARule(_ one: CheckpointSummary) -> Bool {
        newer(than: one).count { isApart($0) == isApart(one) } < rules.keepLast
            || isAmongTheBest(one) || isFirstOfItsStretch(one)
            || isNewestOf(one, rules.keepHourly, hours: 1, offset: 0)
            || isNewestOf(one, rules.keepDaily, hours: 24, offset: 0)
            || isNewestOf(one, rules.keepWeekly, hours: 168, offset: 72)
    }

    private func isApart(_ one: CheckpointSummary) -> Bool {
        protection.apart.contains(one.id)
    }

    private func newer(than one: CheckpointSummary) -> [CheckpointSummary] {
        checkpoints.filter { $0.id > one.id }
    }

    private func isAmongTheBest(_ one: CheckpointSummary) -> Bool {
        guard let best = rules.keepBest, let own = one.metrics[best.metric] else { return false }
        let better = checkpoints.filter { other in
            guard let value = other.metrics[best.metric] else { return false }
            if value == own { return other.id > one.id }
            return best.goal == .min ? value < own : value > own
        }
        return better.count < best.count
    }

    /// Whether all that came later have higher steps.
    private func isCurrent(_ one: CheckpointSummary) -> Bool {
        newer(than: one).allSatisfy { other in
            guard let step = other.id.step, let own = one.id.step else { return true }
            return step > own
        }
    }

    private func isFirstOfItsStretch(_ one: CheckpointSummary) -> Bool {
        guard let every = rules.keepEvery, let own = one.id.step else { return false }
        func stretch(_ step: Int64) -> Double { (Double(step) / Double(every)).rounded(.down) }
        let rivals = checkpoints.filter {
            $0.id != one.id && $0.id.step.map(stretch) == stretch(own)
        }
        let current = rivals.filter(isCurrent)
        if isCurrent(one) { return current.allSatisfy { $0.id > one.id } }
        return current.isEmpty
            && rivals.allSatisfy { rival in
                let step = rival.id.step ?? 0
                return step > own || (step == own && rival.id < one.id)
            }
    }

    private func isNewestOf(
        _ one: CheckpointSummary, _ count: Int?, hours: Int64, offset: Int64
    ) -> Bool {
        guard let count else { return false }
        func period(_ summary: CheckpointSummary) -> Double {
            let length = Double(hours * 3_600_000)
            let time = Double(summary.created.milliseconds + offset * 3_600_000)
            return (time / length).rounded(.down)
        }
        let later = Set(newer(than: one).map(period))
        return !later.contains(period(one)) && later.count < count
    }
}
