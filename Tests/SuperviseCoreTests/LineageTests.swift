import Glibc
import SuperviseCore
import SuperviseFormats
import Testing

/// The branches of a run, beside a naive model that knows every true parent.
///
/// `LINEAGE_SEED` plays one history again.
@Suite("Branches")
struct LineageTests {
    /// The members of each branch by number, in a run with these forks.
    private func branches(_ kept: [Int64], _ forks: [Lineage.Fork]) -> [String] {
        let checkpoints = kept.map { Desk.summary(checkpoint($0)) }
        return Lineage(forks, checkpoints).branches(of: kept).map { branch in
            "\(branch.kind) \(branch.members.map { kept[$0] })"
        }
    }

    private func fork(_ first: Int64, _ parent: Int64?, asked: Bool = true) -> Lineage.Fork {
        Lineage.Fork(first: first, parent: parent, asked: asked)
    }

    @Test("a linear history is one branch, also where most of it is gone")
    func linear() {
        #expect(branches([1, 2, 3], []) == ["current [1, 2, 3]"])
        #expect(branches([4, 9, 700], []) == ["current [4, 9, 700]"])
        #expect(branches([], []) == ["current []"])
    }

    @Test("a run that went back has two branches, which share what was before")
    func back() {
        #expect(
            branches([1, 2, 3, 4, 5, 6], [fork(5, 2)]) == [
                "current [1, 2, 5, 6]", "earlier [1, 2, 3, 4]",
            ])
    }

    @Test("a fork's parent may be gone, and its branch goes on from what is left before it")
    func goneParent() {
        #expect(
            branches([1, 4, 6], [fork(5, 2)]) == ["current [1, 6]", "earlier [1, 4]"])
        #expect(branches([4, 6], [fork(5, 2)]) == ["current [6]", "earlier [4]"])
    }

    @Test("a run that went back twice to one checkpoint has three branches")
    func twice() {
        #expect(
            branches([1, 2, 3, 4, 5, 6, 7], [fork(4, 1), fork(6, 1)]) == [
                "current [1, 6, 7]", "earlier [1, 4, 5]", "earlier [1, 2, 3]",
            ])
    }

    @Test("a fork from a fork continues from both")
    func nested() {
        #expect(
            branches([1, 2, 3, 4, 5, 6, 7], [fork(4, 2), fork(6, 4)]) == [
                "current [1, 2, 4, 6, 7]", "earlier [1, 2, 4, 5]", "earlier [1, 2, 3]",
            ])
    }

    @Test("going back to the end of an older branch continues that branch")
    func oldTip() {
        #expect(
            branches([1, 2, 3, 4, 5, 6], [fork(4, 1), fork(6, 3)]) == [
                "current [1, 2, 3, 6]", "earlier [1, 4, 5]",
            ])
    }

    @Test("a run that began from the beginning again shares nothing with what was before")
    func beginning() {
        #expect(
            branches([1, 2, 3, 4], [fork(3, nil)]) == ["current [3, 4]", "earlier [1, 2]"])
    }

    @Test("what automatic roll-backs left behind is one branch, however often they happened")
    func rolledBack() {
        let forks = [fork(3, 1, asked: false), fork(5, 3, asked: false), fork(7, 5, asked: false)]
        #expect(
            branches([1, 2, 3, 4, 5, 6, 7], forks) == [
                "current [1, 3, 5, 7]", "rolledBack [2, 4, 6]",
            ])
    }

    @Test("an attempt that has committed nothing yet has left the newer ones all the same")
    func pending() {
        #expect(
            branches([1, 2, 3, 4], [fork(5, 2)]) == ["current [1, 2]", "earlier [1, 2, 3, 4]"])
        #expect(branches([1, 2], [fork(3, nil)]) == ["current []", "earlier [1, 2]"])
    }

    @Test("without a record the forks come from the parents that are there")
    func derived() {
        func derive(_ parents: [(Int64, CheckpointSummary.Origin)]) -> [Lineage.Fork] {
            let checkpoints = parents.map { sequence, origin in
                var summary = Desk.summary(checkpoint(sequence))
                summary.origin = origin
                return summary
            }
            return Lineage([], checkpoints).forks
        }
        let straight: [(Int64, CheckpointSummary.Origin)] = [
            (1, .beginning), (2, .checkpoint(1)), (4, .checkpoint(2)),
        ]
        #expect(derive(straight) == [])
        #expect(derive(straight + [(5, .checkpoint(4)), (9, .checkpoint(7))]) == [], "thinned")
        #expect(derive(straight + [(5, .checkpoint(2)), (6, .checkpoint(5))]) == [fork(5, 2)])
        #expect(derive(straight + [(5, .unknown), (6, .checkpoint(5))]) == [])
        #expect(derive(straight + [(5, .beginning), (6, .checkpoint(5))]) == [fork(5, nil)])
        #expect(
            derive(straight + [(5, .checkpoint(1)), (6, .checkpoint(4)), (7, .checkpoint(5))])
                == [fork(5, 1), fork(6, 4), fork(7, 5)])
        #expect(derive(straight + [(5, .checkpoint(9))]) == [], "no parent is newer")
    }

    @Test("a record with forks out of order, or from newer ones, is taken as far as it makes sense")
    func nonsense() {
        let odd = [fork(5, 2), fork(3, 1), fork(8, 9), fork(7, nil)]
        #expect(branches([1, 2, 3, 6, 8], odd).count == 3)
    }

    @Test("in 5,000 random histories the branches are those of the true parents")
    func randomHistories() {
        let given = getenv("LINEAGE_SEED").flatMap { UInt64(String(cString: $0)) }
        var system = SystemRandomNumberGenerator()
        let base = given ?? (system.next() >> 16)
        print("random histories from LINEAGE_SEED \(base)")
        for seed in base..<(base + (given == nil ? 5_000 : 1)) {
            var history = NaiveHistory(seed: seed)
            for step in 1...40 {
                history.goOn()
                guard let wrong = fault(history) else { continue }
                Issue.record(
                    """
                    LINEAGE_SEED=\(seed), step \(step): \(wrong)
                    kept \(history.kept) \(history.lineage.forks)
                    parents \(history.parents) expected \(history.expected())
                    """)
                return
            }
        }
    }

    private func fault(_ history: NaiveHistory) -> String? {
        let kept = history.kept
        let forks = history.lineage.forks
        let expected = history.expected()
        let found = history.lineage.branches(of: kept)
        func members(_ branch: Lineage.Branch) -> [Int64] { branch.members.map { kept[$0] } }
        guard found.first?.kind == .current, found.first.map(members) == expected.current else {
            return "another current branch"
        }
        if history.lineage.currentTip(of: kept) != expected.current.last { return "another tip" }
        let earlier = Set(found.filter { $0.kind == .earlier }.map(members))
        if !expected.asked.isSubset(of: earlier) { return "a branch is missing" }
        if !earlier.isSubset(of: expected.asked.union(expected.either)) { return "a branch more" }
        let covered = Set(expected.current + earlier.flatMap { $0 })
        let others = found.filter { $0.kind == .rolledBack }.flatMap(members)
        if others != kept.filter({ !covered.contains($0) }) { return "others are left" }
        var tidied = history.lineage
        tidied.tidy(kept: kept)
        if tidied.branches(of: kept) != found { return "another when it is tidied" }
        if tidied.forks.count > kept.count + 1 { return "\(tidied.forks.count) forks" }
        return history.isWhole ? derivationFault(history, forks, found) : nil
    }

    /// Where nothing is gone, the parents alone tell it; only not who has asked.
    private func derivationFault(
        _ history: NaiveHistory, _ forks: [Lineage.Fork], _ found: [Lineage.Branch]
    ) -> String? {
        let checkpoints = history.kept.map { sequence in
            var summary = Desk.summary(checkpoint(sequence))
            let parent = history.parents[sequence] ?? nil
            summary.origin = parent.map { .checkpoint($0) } ?? .beginning
            return summary
        }
        let isPending = forks.last.map { $0.first > history.kept.last ?? 0 } ?? false
        if !isPending {
            let derived = Lineage([], checkpoints)
            let chains = found.filter { $0.kind != .rolledBack }.map(\.members)
            let told = derived.branches(of: history.kept).map(\.members)
            if !Set(chains).isSubset(of: Set(told)) { return "the parents tell of others" }
        }
        // A recorded fork is never contradicted.
        let both = Lineage(forks, checkpoints)
        return both.branches(of: history.kept) == found ? nil : "the parents contradict the record"
    }
}
