import SuperviseCore
import SuperviseFormats
import Testing

@Suite("The plan for a machine that is taken away")
struct PreemptionPlanTests {
    private func plan(
        _ left: Double, costs: [Double] = [], step: Double? = 0.01, canAsk: Bool = true,
        stopTimeout: Double = 10, reserve: Double = 5,
        first: PreemptionPlan.FirstCheckpoint = .over
    ) -> PreemptionPlan.Step {
        PreemptionPlan(
            left: .seconds(left), costs: costs, step: step, canAsk: canAsk,
            stopTimeout: .seconds(stopTimeout), reserve: .seconds(reserve),
            first: first
        ).next
    }

    private func expectsWait(
        _ seconds: Double, _ step: PreemptionPlan.Step,
        _ location: SourceLocation = #_sourceLocation
    ) {
        guard case .goOn(let wait) = step else {
            Issue.record("\(step)", sourceLocation: location)
            return
        }
        #expect(abs(wait.seconds - seconds) < 1e-6, "\(step)", sourceLocation: location)
    }

    @Test("a tenth of the notice is kept free, at least 1 s and at most 5 s")
    func reserve() {
        func reserve(_ left: Double) -> Duration {
            PreemptionPlan.reserve(ofNotice: .seconds(left))
        }
        #expect(reserve(2) == .seconds(1) && reserve(10) == .seconds(1))
        #expect(reserve(30) == .seconds(3))
        #expect(reserve(50) == .seconds(5) && reserve(120) == .seconds(5))
    }

    @Test("a save is taken to need twice its slowest, three times of a few, and 2 s more")
    func cost() {
        expectsWait(120 - 5 - (3 * 4 + 2), plan(120, costs: [4]))
        expectsWait(120 - 5 - (3 * 4 + 2), plan(120, costs: [4, 1, 1, 1]))
        expectsWait(120 - 5 - (2 * 4 + 2), plan(120, costs: [1, 4, 1, 1, 1]))
    }

    @Test("of 20 saves the slowest is passed over, and the next one counts")
    func percentile() {
        let costs = (1...19).map { _ in 1.0 } + [30]
        expectsWait(120 - 5 - (2 * 1 + 2), plan(120, costs: costs))
        expectsWait(120 - 5 - (2 * 30 + 2), plan(120, costs: costs.suffix(19)))
    }

    @Test("a step that may be under way comes before the save, where it takes longer than that")
    func step() {
        expectsWait(120 - 5 - (3 * 4 + 7), plan(120, costs: [4], step: 7))
        expectsWait(120 - 5 - (3 * 4 + 2), plan(120, costs: [4], step: 1))
        expectsWait(120 - 5 - (3 * 4 + 5), plan(120, costs: [4], step: nil))
        #expect(plan(120, costs: [4], step: .infinity) == .save)
    }

    @Test("without time for another step it saves at once")
    func noStep() {
        // 12 s for the save, 3 s for a step that is under way, and 5 s kept free.
        #expect(plan(20 + 2.9, costs: [4], step: 3) == .save)
        expectsWait(3.1, plan(20 + 3.1, costs: [4], step: 3))
        #expect(plan(19, costs: [4]) == .save)
        #expect(plan(19.0001, costs: [4], step: 0) == .save, "no timer is that exact")
        expectsWait(0.1, plan(19.1, costs: [4]))
    }

    @Test("where nothing is known of saves, it saves at once")
    func nothingKnown() {
        #expect(plan(120) == .save)
        #expect(plan(5.1) == .save)
        #expect(plan(5) == .stop)
        #expect(plan(-3) == .stop)
    }

    @Test("a save that takes longer than is left is tried, where half of the quickest would fit")
    func noTime() {
        #expect(plan(5 + 5.1, costs: [10, 20]) == .save)
        #expect(plan(5 + 4.9, costs: [10, 20]) == .stop)
    }

    @Test("a job that cannot be asked goes on until --stop-timeout is left, and half of a second")
    func cannotBeAsked() {
        expectsWait(30 - 10.5, plan(30, costs: [4], canAsk: false))
        #expect(plan(10.5, canAsk: false) == .stop)
        #expect(plan(3, canAsk: false) == .stop)
        #expect(plan(30, step: 25, canAsk: false) == .stop, "there is no time for a step")
    }

    @Test("costs that nobody can have measured are passed over")
    func nonsense() {
        expectsWait(120 - 5 - (3 * 4 + 2), plan(120, costs: [4, -1, .nan, .infinity, 1e300]))
        #expect(plan(120, costs: [.nan]) == .save)
    }

    @Test("with a minute or less and no cost known it saves at once; with more it measures first")
    func measures() {
        #expect(plan(60, first: .notAsked) == .save)
        #expect(plan(61, first: .notAsked) == .ask)
        #expect(plan(61, first: .over) == .save, "once is enough")
        #expect(plan(120, canAsk: false, first: .notAsked) != .ask)
    }

    @Test("a first checkpoint is waited for while three times its time so far would still fit")
    func firstUnderWay() {
        // 115 s and 2 s for a step: after a quarter of the rest it becomes the final one.
        expectsWait(113.0 / 4, plan(120, first: .underWay(.zero)))
        expectsWait((113.0 - 4 * 10) / 4, plan(110, first: .underWay(.seconds(10))))
        #expect(plan(91, first: .underWay(.seconds(29))) == .save)
    }

    @Test("with more than five minutes there is a checkpoint at once, and the final one late")
    func two() {
        #expect(plan(3600, costs: [4], first: .notAsked) == .ask)
        expectsWait(3600 - 5 - 14, plan(3600, costs: [4], first: .underWay(.zero)))
        expectsWait(3600 - 5 - 14, plan(3600, costs: [4], first: .over))
        expectsWait(300 - 5 - 14, plan(300, costs: [4], first: .notAsked))
    }
}
