import SuperviseFormats

/// What the rules count: each branch by itself.
extension Lineage {
    /// A chain of checkpoints, or all that automatic roll-backs have left behind.
    package struct Branch: Equatable, Sendable {
        package enum Kind: Equatable, Sendable {
            /// The one that the run goes on with.
            case current
            /// One that a person has gone back from.
            case earlier
            /// What automatic roll-backs have left behind, of all of them together.
            case rolledBack
        }

        package var kind: Kind
        /// Where its checkpoints are among those that are kept, in order.
        package var members: [Int]
    }

    /// The branches: the current one, earlier ones from the newest to the oldest, and what roll-backs
    /// left behind. Each checkpoint is in one of them or in several.
    ///
    /// - Parameter kept: the sequence numbers of all checkpoints that are there, in order.
    package func branches(of kept: [Int64]) -> [Branch] {
        if forks.isEmpty { return [Branch(kind: .current, members: Array(kept.indices))] }
        let ends = ends(in: kept)
        var branches = [
            Branch(kind: .current, members: chain(upTo: currentEnd(ends, kept), in: kept))
        ]
        var isCovered = Array(repeating: false, count: kept.count)
        for index in branches[0].members { isCovered[index] = true }
        for stretch in tips(ends, kept).reversed() where forks[stretch].asked {
            // Gone on with, or left by an attempt that went on from the beginning of another one.
            guard let end = ends[stretch], !isCovered[end] else { continue }
            let branch = Branch(kind: .earlier, members: chain(upTo: end, in: kept))
            for index in branch.members { isCovered[index] = true }
            branches.append(branch)
        }
        let others = kept.indices.filter { !isCovered[$0] }
        if !others.isEmpty { branches.append(Branch(kind: .rolledBack, members: others)) }
        return branches
    }

    /// The newest checkpoint of the current branch: what the next one continues from.
    package func currentTip(of kept: [Int64]) -> Int64? {
        if forks.isEmpty { return kept.last }
        return currentEnd(ends(in: kept), kept).map { kept[$0] }
    }

    /// The newest of each stretch; nil for one of which nothing is left.
    private func ends(in kept: [Int64]) -> [Int?] {
        var ends: [Int?] = Array(repeating: nil, count: forks.count + 1)
        for (index, sequence) in kept.enumerated() { ends[stretch(of: sequence)] = index }
        return ends
    }

    private func currentEnd(_ ends: [Int?], _ kept: [Int64]) -> Int? {
        ends[forks.count] ?? parent(of: forks.count).flatMap { index(atOrBelow: $0, in: kept) }
    }

    /// The stretches, but for the last, whose newest checkpoint has none that continues from it.
    private func tips(_ ends: [Int?], _ kept: [Int64]) -> [Int] {
        var isContinued = Array(repeating: false, count: kept.count)
        for stretch in 1...forks.count where ends[stretch] != nil {
            let parent = parent(of: stretch).flatMap { index(atOrBelow: $0, in: kept) }
            if let parent { isContinued[parent] = true }
        }
        return (0..<forks.count).filter { stretch in
            ends[stretch].map { !isContinued[$0] } ?? false
        }
    }
}
