import SuperviseCore
import SuperviseFormats
import Testing

@Suite("What counts as progress")
struct ProgressRuleTests {
    private let rule = ProgressRule(healthyAfter: .seconds(600), maxFailures: 3)

    @Test("a commit with a higher step than any before, and any commit without a step")
    func commits() {
        let none = ProgressRule.History()
        let some = ProgressRule.History(commits: 2, committedStep: 10)
        #expect(rule.isProgress(.committed(step: 0), after: none))
        #expect(rule.isProgress(.committed(step: 11), after: some))
        #expect(!rule.isProgress(.committed(step: 10), after: some))
        #expect(rule.isProgress(.committed(step: nil), after: some))
    }

    @Test("a reported step that is higher than any reported before")
    func reports() {
        let some = ProgressRule.History(reportedStep: 10)
        #expect(rule.isProgress(.reported(step: 11, base: 0), after: some))
        #expect(!rule.isProgress(.reported(step: 10, base: 0), after: some))
        #expect(!rule.isProgress(.reported(step: 7, base: 5), after: some))
    }

    @Test("the first reported step counts from where the attempt began")
    func firstReport() {
        let none = ProgressRule.History(commits: 1, committedStep: 500)
        #expect(!rule.isProgress(.reported(step: 0, base: 0), after: .init()))
        #expect(rule.isProgress(.reported(step: 1, base: 0), after: .init()))
        #expect(!rule.isProgress(.reported(step: 500, base: 500), after: none))
        #expect(rule.isProgress(.reported(step: 501, base: 500), after: none))
    }

    @Test("steps of reports and of checkpoints are compared each with their own kind")
    func ownKind() {
        let history = ProgressRule.History(commits: 1, committedStep: 5000, reportedStep: 3)
        #expect(rule.isProgress(.reported(step: 4, base: 0), after: history))
        #expect(!rule.isProgress(.committed(step: 4), after: history))
    }

    @Test("a long life, only in a run that has shown neither a step nor a checkpoint")
    func lifetime() {
        let silent = ProgressRule.History()
        #expect(rule.isProgress(.lived(.seconds(600)), after: silent))
        #expect(!rule.isProgress(.lived(.milliseconds(599_999)), after: silent))
        let reporting = ProgressRule.History(reportedStep: 0)
        #expect(!rule.isProgress(.lived(.seconds(6000)), after: reporting))
        let saving = ProgressRule.History(commits: 1)
        #expect(!rule.isProgress(.lived(.seconds(6000)), after: saving))
    }

    private func ends(_ all: [(JobEnd, Double)]) -> RunRecord.SameEnds? {
        var ends: RunRecord.SameEnds?
        for (end, seconds) in all {
            ends = rule.ends(ends, then: end, lived: .milliseconds(Int64(seconds * 1000)))
        }
        return ends
    }

    @Test("ends are the same with the same status and lifetimes within a tenth of the longest")
    func sameEnds() {
        let same = ends([(.exited(1), 1000), (.exited(1), 900), (.exited(1), 950)])
        #expect(same?.lived == [1000, 900, 950])
        #expect(rule.failsTheSameEachTime(same, after: .init()))
        #expect(!rule.failsTheSameEachTime(same, after: .init(reportedStep: 4)))
        #expect(ends([(.exited(1), 1000), (.exited(1), 899)])?.lived == [899])
        #expect(ends([(.exited(1), 900), (.exited(2), 900)])?.lived == [900])
        let segv = JobEnd.signaled(number: 11, name: "SIGSEGV")
        #expect(ends([(.exited(139), 900), (segv, 900)])?.lived == [900])
    }

    @Test("lifetimes within two seconds are alike, unless they are long enough to be progress")
    func jitter() {
        let quick = ends([(.exited(1), 0.003), (.exited(1), 0.5), (.exited(1), 2.003)])
        #expect(quick?.lived == [0.003, 0.5, 2.003])
        #expect(rule.failsTheSameEachTime(quick, after: .init()))
        #expect(ends([(.exited(1), 0.003), (.exited(1), 2.1)])?.lived == [2.1])
        let short = ProgressRule(healthyAfter: .seconds(1), maxFailures: 2)
        let first = short.ends(nil, then: .exited(1), lived: .milliseconds(1500))
        let second = short.ends(first, then: .exited(1), lived: .milliseconds(2500))
        #expect(second.lived == [2.5])
    }

    @Test("of lifetimes that grow, the newest ones that are alike are remembered")
    func growing() {
        let grown = ends([(.exited(1), 100), (.exited(1), 109), (.exited(1), 118)])
        #expect(grown?.lived == [109, 118])
        #expect(!rule.failsTheSameEachTime(grown, after: .init()))
    }

    @Test("no more ends are remembered than are compared")
    func bounded() {
        let many = ends(Array(repeating: (.exited(1), 60), count: 50))
        #expect(many?.lived.count == 3)
    }

    @Test("with thousands of failures allowed, the record stays small")
    func small() {
        let rule = ProgressRule(healthyAfter: .seconds(1), maxFailures: 999_999_999)
        var ends: RunRecord.SameEnds?
        for _ in 0..<1200 { ends = rule.ends(ends, then: .exited(1), lived: .seconds(60)) }
        #expect(ends?.lived.count == 1000)
        #expect(!rule.failsTheSameEachTime(ends, after: .init()))
    }

    @Test("a record with a lifetime that is no number is no reason to give up")
    func noNumber() {
        let before = RunRecord.SameEnds(exitCode: 1, signal: nil, lived: [.nan, .infinity])
        let after = rule.ends(before, then: .exited(1), lived: .seconds(60))
        #expect(after.lived == [60])
    }
}
