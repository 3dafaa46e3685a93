import SuperviseFormats

/// Which checkpoint continued from which: the branches of a run.
///
/// Forks cut the sequence numbers into stretches. A checkpoint is of the stretch with the greatest
/// `first` at or below its number; its ancestors are the lower ones of that stretch, then those of the
/// stretch of the fork's parent up to that parent, and so on to the beginning. So a history that was
/// thinned is still one branch, although most parents are gone.
package struct Lineage: Equatable, Sendable {
    package typealias Fork = RunRecord.Fork

    /// In order of `first`; each has a parent that is lower.
    package private(set) var forks: [Fork] = []

    package init() {}

    /// What a record says, and what it lacks as far as the manifests' parents tell it.
    ///
    /// - Parameter checkpoints: all that are there, in order of sequence.
    package init(_ recorded: [Fork], _ checkpoints: [CheckpointSummary]) {
        for fork in recorded where fork.first > max(fork.parent ?? 0, forks.last?.first ?? 0) {
            forks.append(fork)
        }
        addMissingForks(checkpoints)
        tidy(kept: checkpoints.map(\.id.sequence))
    }

    /// A fork that the record does not have counts as one that a person asked for. A parent that is
    /// gone tells nothing.
    private mutating func addMissingForks(_ checkpoints: [CheckpointSummary]) {
        let kept = checkpoints.map(\.id.sequence)
        for (index, checkpoint) in checkpoints.enumerated().dropFirst() {
            let parent: Int64?
            switch checkpoint.origin {
            case .unknown: continue
            case .beginning: parent = nil
            case .checkpoint(let sequence): parent = sequence
            }
            let sequence = checkpoint.id.sequence
            // As it is with nearly all of them.
            if parent == kept[index - 1], stretch(of: sequence) == stretch(of: kept[index - 1]) {
                continue
            }
            if let parent, find(parent, in: kept) == nil || parent >= sequence { continue }
            let known = predecessor(ofIndex: index, in: kept).map { kept[$0] }
            if known != parent {
                insert(Fork(first: sequence, parent: parent, asked: true))
            }
        }
    }

    private mutating func insert(_ fork: Fork) {
        let place = stretch(of: fork.first)
        if place > 0, forks[place - 1].first == fork.first {
            forks[place - 1] = fork
        } else {
            forks.insert(fork, at: place)
        }
    }
}

/// How it changes.
extension Lineage {
    /// An attempt begins. What it commits continues from where it resumed.
    ///
    /// - Parameters:
    ///   - parent: the sequence number that it resumes from; nil for the beginning.
    ///   - next: the lowest sequence number that it can commit.
    ///   - asked: a person asked for it, if it is not the newest.
    ///   - kept: the sequence numbers of all checkpoints that are there, in order.
    package mutating func goOn(from parent: Int64?, next: Int64, asked: Bool, kept: [Int64]) {
        // Of an attempt that has committed nothing.
        forget(from: (kept.last ?? 0) + 1)
        guard let newest = kept.last, parent != newest else { return }
        forks.append(Fork(first: max(next, newest + 1), parent: parent, asked: asked))
    }

    /// Forgets the forks of checkpoints from a sequence number on.
    package mutating func forget(from sequence: Int64) {
        while let last = forks.last, last.first >= sequence { forks.removeLast() }
    }

    /// Forgets the stretches of which nothing is left, but for the last, which may be about to begin.
    ///
    /// - Parameter kept: the sequence numbers of all checkpoints that are there, in order.
    package mutating func tidy(kept: [Int64]) {
        guard !forks.isEmpty else { return }
        var tidied: [Fork] = []
        var asked: Bool?
        for (position, fork) in forks.enumerated() {
            let isLast = position == forks.count - 1
            let end = isLast ? Int64.max : forks[position + 1].first
            let isEmpty = count(of: kept, below: end) == count(of: kept, below: fork.first)
            if isEmpty && !isLast {
                // What left the stretch before this one has left it still.
                asked = asked ?? fork.asked
                continue
            }
            var fork = fork
            let parent = fork.parent.flatMap { index(atOrBelow: $0, in: kept) }.map { kept[$0] }
            fork.parent = parent
            fork.asked = asked ?? fork.asked
            asked = nil
            // Nothing is left that it was forked from, or between its parent and itself.
            let before = count(of: kept, below: fork.first)
            let newest = before == 0 ? nil : kept[before - 1]
            if parent != newest { tidied.append(fork) }
        }
        forks = tidied
    }
}

/// How it is looked through. Stretch 0 is what came before the first fork, stretch n of fork n - 1.
extension Lineage {
    func stretch(of sequence: Int64) -> Int {
        var (low, high) = (0, forks.count)
        while low < high {
            let middle = (low + high) / 2
            if forks[middle].first <= sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The lowest number that a stretch can have.
    private func first(of stretch: Int) -> Int64 {
        stretch == 0 ? .min : forks[stretch - 1].first
    }

    func parent(of stretch: Int) -> Int64? {
        stretch == 0 ? nil : forks[stretch - 1].parent
    }

    /// Where the newest is of those that are left of a chain: of a checkpoint and its ancestors.
    func index(atOrBelow sequence: Int64, in kept: [Int64]) -> Int? {
        var next: Int64? = sequence
        while let sequence = next {
            let stretch = stretch(of: sequence)
            let count = count(of: kept, below: sequence + 1)
            if count > 0, kept[count - 1] >= first(of: stretch) { return count - 1 }
            next = parent(of: stretch)
        }
        return nil
    }

    private func predecessor(ofIndex index: Int, in kept: [Int64]) -> Int? {
        let stretch = stretch(of: kept[index])
        if index > 0, kept[index - 1] >= first(of: stretch) { return index - 1 }
        return parent(of: stretch).flatMap { self.index(atOrBelow: $0, in: kept) }
    }

    /// Where a checkpoint and its ancestors are, in order.
    func chain(upTo end: Int?, in kept: [Int64]) -> [Int] {
        var parts: [Range<Int>] = []
        var next = end
        while let end = next {
            let stretch = stretch(of: kept[end])
            let start = count(of: kept, below: first(of: stretch))
            parts.append(start..<end + 1)
            next = parent(of: stretch).flatMap { index(atOrBelow: $0, in: kept) }
        }
        return parts.reversed().flatMap { $0 }
    }

    private func find(_ sequence: Int64, in kept: [Int64]) -> Int? {
        let index = count(of: kept, below: sequence)
        return index < kept.count && kept[index] == sequence ? index : nil
    }

    private func count(of kept: [Int64], below sequence: Int64) -> Int {
        var (low, high) = (0, kept.count)
        while low < high {
            let middle = (low + high) / 2
            if kept[middle] < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

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
