import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Policies")
struct PolicyTests {
    @Test("the wait doubles, jittered by a fifth, and stays within its range")
    func backoff() {
        let range = Duration.seconds(1) ... .seconds(60)
        func wait(_ failures: Int, _ jitter: Double) -> Duration {
            Backoff.wait(afterFailures: failures, range: range, jitter: jitter)
        }
        #expect(wait(1, 0) == .seconds(1) && wait(2, 0) == .seconds(2))
        #expect(wait(5, 0) == .seconds(16) && wait(7, 0) == .seconds(60))
        #expect(wait(3, 1) == .milliseconds(4800) && wait(3, -1) == .milliseconds(3200))
        #expect(wait(1, -1) == .seconds(1) && wait(7, 1) == .seconds(60))
        #expect(wait(7, -1) == .seconds(48) && wait(0, 0) == .seconds(1))
        #expect(wait(.max, 1) == .seconds(60))
        let none = Backoff.wait(afterFailures: 9, range: .zero ... .zero, jitter: 1)
        #expect(none == .zero)
    }

    @Test("random waits stay within the range for every count of failures")
    func randomBackoff() {
        var random = SplitMix(seed: 4)
        for failures in 0..<2_000 {
            let jitter = Double.random(in: -1...1, using: &random)
            let range = Duration.milliseconds(failures % 7) ... .seconds(failures % 50 + 1)
            let wait = Backoff.wait(afterFailures: failures % 60, range: range, jitter: jitter)
            #expect(range.contains(wait))
        }
    }

    private func choose(
        _ ids: [CheckpointID], scope: Settings.ResumeFrom = .newest, start: Int64 = 0,
        suspects: [String: Int] = [:], after: Int = 2, committed: Bool = true
    ) -> ResumeChoice {
        ResumeChoice.choose(
            from: ids, scope: scope, startSequence: start, suspects: suspects,
            rollbackAfter: after, everCommitted: committed)
    }

    @Test("the choice is the newest that is not suspect, else the oldest")
    func choice() {
        let ids = [checkpoint(2), checkpoint(3), checkpoint(1)]
        #expect(choose(ids) == .checkpoint(checkpoint(3)))
        #expect(choose(ids, suspects: ["000003": 1]) == .checkpoint(checkpoint(3)))
        #expect(choose(ids, suspects: ["000003": 2]) == .checkpoint(checkpoint(2)))
        let all = ["000001": 2, "000002": 2, "000003": 2]
        #expect(choose(ids, suspects: all) == .checkpoint(checkpoint(1)))
    }

    @Test("nothing there is a beginning only where nothing was ever committed")
    func nothingThere() {
        #expect(choose([], committed: false) == .beginning)
        #expect(choose([]) == .nothingGood)
        #expect(choose([], scope: .beginning) == .beginning)
        #expect(choose([], scope: .checkpoint(checkpoint(1)), committed: false) == .nothingGood)
    }

    @Test("the options' scope holds for what was there at the start, not for what came after")
    func scope() {
        let ids = [checkpoint(1), checkpoint(2), checkpoint(3)]
        #expect(choose(ids, scope: .beginning, start: 3) == .beginning)
        #expect(choose(ids, scope: .beginning, start: 2) == .checkpoint(checkpoint(3)))
        let two = Settings.ResumeFrom.checkpoint(checkpoint(2))
        #expect(choose(ids, scope: two, start: 3) == .checkpoint(checkpoint(2)))
        #expect(choose(ids, scope: two, start: 2) == .checkpoint(checkpoint(3)))
    }

    @Test("SplitMix64 gives the published sequence")
    func splitMix() {
        var random = SplitMix(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }
}
