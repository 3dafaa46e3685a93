import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A watched path that is taken again")
struct TakenPathsTests {
    private let torn = checkpoint(1, step: 500)
    private let whole = checkpoint(2, step: 500)
    private let next = checkpoint(3, step: 600)

    private func plan(
        _ ids: [CheckpointID], _ paths: TakenPaths, _ protection: Protection = Protection(),
        lineage: Lineage = Lineage(), _ rules: (inout RetentionRules) -> Void = { _ in }
    ) -> RetentionPlan {
        var all = RetentionRules()
        rules(&all)
        return RetentionPlan(
            ids.map(Desk.summary), rules: all, protection: protection, lineage: lineage,
            retaken: paths.repeated)
    }

    private var paths: TakenPaths {
        TakenPaths([torn: "/out/500", whole: "/out/500", next: "/out/600"])
    }

    @Test("the older take goes as soon as the newer is there, and the newer has the step")
    func goes() {
        let plan = plan([torn, whole, next], paths) {
            $0.keepLast = 2
            $0.keepEvery = 500
        }
        #expect(plan.removals == [torn])
        #expect(plan.entries[0].cause == .retaken)
        #expect(plan.entries[1].reasons.contains(.every))
    }

    @Test("the older take stays if it is pinned or was resumed from, and counts for no rule")
    func stays() {
        for protection in [Protection(pinned: [torn]), Protection(resumed: [torn])] {
            let plan = plan([torn, whole, next], paths, protection) {
                $0.keepLast = 2
                $0.keepEvery = 500
            }
            #expect(plan.removals.isEmpty)
            #expect(plan.entries[0].reasons.isDisjoint(with: [.last, .every]))
            #expect(plan.entries[1].reasons.isSuperset(of: [.last, .every]))
        }
    }

    @Test("takes on two branches are both kept, as each was gone on from")
    func branches() {
        let lineage = Lineage(
            [.init(first: 3, parent: 1, asked: true)],
            [1, 2, 3].map { Desk.summary(checkpoint($0)) })
        let first = checkpoint(1, step: 400)
        let again = checkpoint(3, step: 500)
        let paths = TakenPaths([whole: "/out/500", again: "/out/500"])
        #expect(plan([first, whole, again], paths, lineage: lineage).removals.isEmpty)
        #expect(plan([first, whole, again], paths).removals == [whole])
    }

    @Test(
        "another path, another step and no step replace nothing, nor does one that is gone")
    func others() {
        let other = TakenPaths([torn: "/out/500", whole: "/out/5\u{301}00", next: "/out/500"])
        #expect(other.repeated.isEmpty)
        let plain = TakenPaths([checkpoint(1): "/out/last", checkpoint(2): "/out/last"])
        #expect(plain.repeated.isEmpty)
        var paths = paths
        #expect(plan([torn, next], paths).removals.isEmpty)
        paths.forget([whole])
        #expect(paths.repeated.isEmpty)
    }

    @Test("only the newest are remembered")
    func bounded() {
        var paths = TakenPaths()
        paths.note(checkpoint(1, step: 1), from: "/out/1")
        for number in 2...1001 {
            paths.note(checkpoint(Int64(number), step: 2), from: "/\(number)")
        }
        paths.note(checkpoint(2000, step: 1), from: "/out/1")
        #expect(paths.repeated.isEmpty)
        paths.note(checkpoint(2001, step: 1), from: "/out/1")
        #expect(paths.repeated == [[checkpoint(2000, step: 1), checkpoint(2001, step: 1)]])
    }
}
