import Glibc
import SuperviseCore
import SuperviseFormats
import Testing

/// The plan of what stays, beside a naive model that says the same in another way.
///
/// `RETENTION_SEED` plays one set again.
@Suite("Retention plan")
struct RetentionPlanTests {
    private let day: Int64 = 86_400_000

    private func checkpoints(
        _ count: Int64, _ change: (Int64, inout CheckpointSummary) -> Void = { _, _ in }
    ) -> [CheckpointSummary] {
        (1...count).map { number in
            var summary = Desk.summary(checkpoint(number, step: number * 10))
            summary.created = Timestamp(milliseconds: number * 3_600_000)
            change(number, &summary)
            return summary
        }
    }

    private func kept(
        _ checkpoints: [CheckpointSummary], _ protection: Protection = Protection(),
        lineage: Lineage = Lineage(),
        _ change: (inout RetentionRules) -> Void
    ) -> [Int64] {
        var rules = RetentionRules()
        rules.keepLast = 1
        change(&rules)
        let plan = RetentionPlan(
            checkpoints, rules: rules, protection: protection, lineage: lineage)
        return plan.entries.filter { $0.cause == nil }.map(\.id.sequence)
    }

    @Test("the newest stay, and the newest one always does")
    func last() {
        #expect(kept(checkpoints(5)) { $0.keepLast = 2 } == [4, 5])
        #expect(kept(checkpoints(5)) { $0.keepLast = 9 } == [1, 2, 3, 4, 5])
        #expect(kept(checkpoints(2)) { $0.keepLast = 0 } == [2])
    }

    @Test("the best by a metric stay, of equals the newer, and what has no such metric is none")
    func best() {
        let some = checkpoints(6) { number, summary in
            if number != 3 { summary.metrics = ["loss": Double(number % 3)] }
        }
        func best(_ count: Int, _ goal: RetentionRules.Best.Goal) -> [Int64] {
            kept(some) { $0.keepBest = .init(count: count, metric: "loss", goal: goal) }
        }
        #expect(best(1, .min) == [6] && best(3, .min) == [1, 4, 6])
        #expect(best(2, .max) == [2, 5, 6])
        #expect(kept(some) { $0.keepBest = .init(count: 9, metric: "other", goal: .max) } == [6])
    }

    @Test("the first at or after each multiple of the steps stays")
    func every() {
        #expect(kept(checkpoints(9)) { $0.keepEvery = 30 } == [1, 3, 6, 9])
        #expect(kept(checkpoints(9)) { $0.keepEvery = 25 } == [1, 3, 5, 8, 9])
        let none = checkpoints(3) { number, summary in
            summary.id = checkpoint(number)
        }
        #expect(kept(none) { $0.keepEvery = 1 } == [3])
    }

    @Test("where a run has gone back, each branch keeps the steps that it has passed")
    func everyAfterGoingBack() {
        let steps: [Int64] = [10, 20, 30, 40, 15, 22]
        let some = zip(1..., steps).map { Desk.summary(checkpoint($0, step: $1)) }
        let back = Lineage([.init(first: 5, parent: 1, asked: true)], some)
        #expect(kept(some, lineage: back) { $0.keepEvery = 10 } == [1, 2, 3, 4, 6])
        #expect(kept(some) { $0.keepEvery = 10 } == [1, 2, 3, 4, 6], "by a job that jumps")
        let same = zip(1..., [10, 20, 10, 20] as [Int64]).map {
            Desk.summary(checkpoint($0, step: $1))
        }
        #expect(kept(same) { $0.keepEvery = 10 } == [3, 4], "by a job that began anew by itself")
    }

    @Test("each rule counts each branch by itself")
    func branches() {
        // 3 and 4 were gone back from, to 2.
        let some = checkpoints(6) { number, summary in
            summary.metrics = ["loss": Double(number == 6 ? 7 : number)]
        }
        let back = Lineage([.init(first: 5, parent: 2, asked: true)], some)
        func staying(_ change: (inout RetentionRules) -> Void) -> [Int64] {
            kept(some, lineage: back, change)
        }
        #expect(staying { $0.keepLast = 1 } == [4, 6])
        #expect(staying { $0.keepLast = 2 } == [3, 4, 5, 6])
        #expect(
            staying { $0.keepBest = .init(count: 1, metric: "loss", goal: .max) } == [4, 6])
        #expect(staying { $0.keepEvery = 30 } == [1, 3, 4, 5, 6])
        #expect(staying { $0.keepHourly = 2 } == [3, 4, 5, 6])
        #expect(staying { $0.keepDaily = 9 } == [4, 6])
        #expect(staying { $0.keepWeekly = 9 } == [4, 6])
    }

    @Test("the limits count all branches together, and the plan says which of them they take")
    func limitedBranches() {
        let some = checkpoints(6)
        let back = Lineage([.init(first: 5, parent: 2, asked: true)], some)
        var rules = RetentionRules()
        (rules.keepLast, rules.maxBytes) = (9, 25)
        let plan = RetentionPlan(some, rules: rules, protection: Protection(), lineage: back)
        #expect(plan.removals.map(\.sequence) == [1, 2, 3, 4])
        #expect(plan.limited.map(\.id.sequence) == [3, 4])
        #expect(plan.limited.allSatisfy { $0.cause == .maxBytes })
        let tip = checkpoint(4, step: 40)
        #expect(plan.entries.map(\.earlierBranch) == [nil, nil, tip, tip, nil, nil])
    }

    @Test("the newest of each hour, day and week that has one stays")
    func periods() {
        let some = checkpoints(100) { number, summary in
            // Every six hours, from midnight of a Thursday, with an outage of ten days.
            let hours = number * 6 + (number > 50 ? 240 : 0)
            summary.created = Timestamp(milliseconds: hours * 3_600_000)
        }
        #expect(kept(some) { $0.keepHourly = 3 } == [98, 99, 100])
        #expect(kept(some) { $0.keepDaily = 3 } == [95, 99, 100])
        #expect(kept(some) { $0.keepWeekly = 99 }.contains(15), "the last one of a Sunday")
        #expect(kept(some) { $0.keepDaily = 15 }.contains(50), "days without one do not count")
    }

    @Test("limits remove the oldest, whatever a rule keeps, and nothing that is protected")
    func limits() {
        let some = checkpoints(10)
        #expect(kept(some) { ($0.keepLast, $0.maxAge) = (9, .seconds(3 * 3600)) } == [7, 8, 9, 10])
        #expect(kept(some) { ($0.keepLast, $0.maxBytes) = (9, 45) } == [7, 8, 9, 10])
        #expect(kept(some) { ($0.keepLast, $0.maxBytes) = (9, 1) } == [10])
        let pinned = Protection(
            pinned: [checkpoint(1, step: 10)], resumed: [checkpoint(2, step: 20)])
        #expect(kept(some, pinned) { $0.maxBytes = 1 } == [1, 2, 10])
        #expect(kept(some, pinned) { $0.maxAge = .seconds(1) } == [1, 2, 10])
        let huge = checkpoints(3) { $1.bytes = .max }
        #expect(kept(huge) { ($0.keepLast, $0.maxBytes) = (3, 5) } == [3])
    }

    @Test("age compares with the newest, so that an outage, or a clock set back, costs nothing")
    func age() {
        let old = checkpoints(3) { number, summary in
            summary.created = Timestamp(milliseconds: number)
        }
        #expect(kept(old) { ($0.keepLast, $0.maxAge) = (3, .seconds(1)) } == [1, 2, 3])
        let back = checkpoints(3) { number, summary in
            summary.created = Timestamp(milliseconds: -number * 1_000_000)
        }
        #expect(kept(back) { ($0.keepLast, $0.maxAge) = (3, .seconds(1)) } == [1, 2, 3])
    }

    @Test("the newest good one stays, where newer ones are suspect")
    func suspects() {
        let ids = checkpoints(4).map(\.id)
        let two = Protection(suspects: [ids[3], ids[2]])
        #expect(kept(checkpoints(4), two) { _ in } == [2, 4])
        #expect(kept(checkpoints(4), Protection(suspects: Set(ids))) { _ in } == [1, 4])
    }

    @Test("where the pins are not known, nothing goes")
    func unknownPins() {
        let unknown = Protection(pinned: nil)
        #expect(kept(checkpoints(4), unknown) { $0.maxBytes = 1 } == [1, 2, 3, 4])
        let plan = RetentionPlan(clearing: checkpoints(4), protection: unknown)
        #expect(plan.removals.isEmpty)
    }

    @Test("a full disk leaves what is protected")
    func fullDisk() {
        let ids = checkpoints(5).map(\.id)
        let protection = Protection(pinned: [ids[0]], resumed: [ids[2]])
        let plan = RetentionPlan(clearing: checkpoints(5), protection: protection)
        #expect(plan.removals == [ids[1], ids[3]])
        #expect(plan.entries.map(\.cause) == [nil, .fullDisk, nil, .fullDisk, nil])
    }

    @Test("10,000 random sets are planned as a naive model plans them")
    func randomSets() {
        let given = getenv("RETENTION_SEED").flatMap { UInt64(String(cString: $0)) }
        var system = SystemRandomNumberGenerator()
        let base = given ?? (system.next() >> 16)
        print("random sets from RETENTION_SEED \(base)")
        for seed in base..<(base + (given == nil ? 10_000 : 1)) {
            let set = NaiveRetention(seed: seed)
            let plan = RetentionPlan(
                set.checkpoints, rules: set.rules, protection: set.protection,
                lineage: set.lineage)
            let expected = set.staying()
            let staying = Set(plan.entries.filter { $0.cause == nil }.map(\.id))
            guard staying == expected, plan.entries.map(\.id) == set.checkpoints.map(\.id) else {
                Issue.record(
                    """
                    RETENTION_SEED=\(seed): \(set.rules) \(set.protection)
                    missing \(expected.subtracting(staying).sorted()), \
                    too many \(staying.subtracting(expected).sorted())
                    of \(set.checkpoints.map { ($0.id, $0.created, $0.bytes, $0.metrics) })
                    """)
                return
            }
        }
    }

    @Test("a plan for 100,000 is quick")
    func scale() {
        let many = checkpoints(100_000) { number, summary in
            summary.metrics = ["loss": Double(number * 7919 % 100_003), "accuracy": 0.5]
        }
        var rules = RetentionRules()
        rules.keepBest = .init(count: 10, metric: "loss", goal: .min)
        (rules.keepEvery, rules.keepHourly, rules.keepDaily, rules.keepWeekly) = (50, 24, 30, 52)
        (rules.maxAge, rules.maxBytes) = (.seconds(3600 * 50_000), 400_000)
        let clock = ContinuousClock()
        var removals = 0
        let took = clock.measure {
            let plan = RetentionPlan(
                many, rules: rules, protection: Protection(), lineage: Lineage())
            removals = plan.removals.count
        }
        #expect(removals > 89_000 && removals < 90_000)
        // A build for debugging is tens of times slower than the one that is measured.
        #expect(took < .seconds(20))
    }
}
