import SuperviseCore
import SuperviseFormats

/// A random set of checkpoints and rules, and which of them stay: said once more, by definitions
/// that look at all the others for each one, however slow.
struct NaiveRetention {
    var checkpoints: [CheckpointSummary] = []
    var rules = RetentionRules()
    var protection = Protection()
    var lineage = Lineage()
    /// The current chain, those that a person went back from, and what is left of all others.
    private var branches: [[CheckpointSummary]] = []

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
            pinned: some(0.1), resumed: some(0.05), suspects: some(0.2))
        if chance.happens(0.03) { protection.pinned = nil }
        branches = makeBranches(&chance)
    }

    /// Goes back from some of them to an older one, by a tree of its own.
    private mutating func makeBranches(_ chance: inout Chance) -> [[CheckpointSummary]] {
        var chains: [(members: [CheckpointSummary], asked: Bool)] = []
        var forks: [Lineage.Fork] = []
        var current: [CheckpointSummary] = []
        let often = chance.happens(0.4) ? 0 : 0.3
        for (index, one) in checkpoints.enumerated() {
            if index > 1, chance.happens(often) {
                let asked = chance.happens(0.5)
                // From the one before it is no going back.
                let parent = chance.number(-1...(index - 2))
                forks.append(
                    .init(
                        first: one.id.sequence,
                        parent: parent < 0 ? nil : checkpoints[parent].id.sequence, asked: asked))
                chains.append((current, asked))
                current = parent < 0 ? [] : chain(upTo: parent, in: forks.dropLast())
            }
            current.append(one)
        }
        lineage = Lineage(forks, checkpoints)
        // One that another continues is no branch of its own.
        let all = chains.map(\.members) + [current]
        let tips = chains.filter(\.asked).map(\.members).filter { chain in
            !all.contains { $0.count > chain.count && $0.starts(with: chain) }
        }
        let covered = Set((tips + [current]).flatMap { $0 }.map(\.id))
        return [current] + tips + [checkpoints.filter { !covered.contains($0.id) }]
    }

    private func chain(
        upTo index: Int, in forks: some Collection<Lineage.Fork>
    ) -> [CheckpointSummary] {
        var found: [CheckpointSummary] = []
        var next: Int? = index
        while let index = next {
            found.append(checkpoints[index])
            let fork = forks.first { $0.first == checkpoints[index].id.sequence }
            if let fork {
                next = checkpoints.firstIndex { $0.id.sequence == fork.parent }
            } else {
                next = index > 0 ? index - 1 : nil
            }
        }
        return found.reversed()
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
        branches.contains { branch in
            branch.contains { $0.id == one.id } && NaiveRules(rules: rules).keep(one, of: branch)
        }
    }
}
