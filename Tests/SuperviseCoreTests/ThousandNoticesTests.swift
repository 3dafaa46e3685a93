import Glibc
import SuperviseCore
import Testing

/// Machines that are taken away under jobs whose saves take from a tenth of a second to half of a
/// minute: what could be saved is saved, and as much of the time as is safe is worked.
///
/// `NOTICES` says how many, `NOTICES_BASE` from which seed on, and `NOTICES_SEED` plays one again and
/// prints all of it.
@Suite("A thousand notices")
struct ThousandNoticesTests {
    @Test("of what could have been saved 99.9 % was, and no job outlives its machine")
    func savesWhatCouldBeSaved() {
        if let seed = number("NOTICES_SEED") {
            var run = SpotRun(seed: seed, isTracing: true)
            run.play()
            for line in run.trace { print(line) }
            print(run.result)
            return
        }
        let count = number("NOTICES") ?? 1_000
        var system = SystemRandomNumberGenerator()
        let base = number("NOTICES_BASE") ?? (system.next() >> 16)
        print("\(count) notices from seed \(base)")
        var sums = Sums()
        for seed in base..<(base + count) {
            var run = SpotRun(seed: seed)
            run.play()
            sums.add(run.result, seed)
        }
        print(sums.words)
        // The probe itself works.
        #expect(sums.could > count * 2 / 3 && sums.couldNot > 0)
        #expect(sums.outliving.isEmpty, "replay with NOTICES_SEED=…")
        // With as many more as chance gives one time in twenty to what misses just 0.1 %.
        let allowed = 0.001 * Double(sums.could)
        #expect(
            Double(sums.missed.count) <= allowed + 2 * allowed.squareRoot(),
            "not saved: \(sums.missed); replay with NOTICES_SEED=…")
        #expect(sums.endedOtherwise.isEmpty)
        #expect(sums.worked > 0.5 * sums.workable)
    }

    private struct Sums {
        var could: UInt64 = 0
        var couldNot: UInt64 = 0
        var savedAllTheSame = 0
        var missed: [UInt64] = []
        var outliving: [UInt64] = []
        var endedOtherwise: [UInt64] = []
        var left = 0.0
        var worked = 0.0
        var workable = 0.0

        mutating func add(_ result: SpotRun.Result, _ seed: UInt64) {
            left += result.left
            if result.outlivesItsMachine { outliving.append(seed) }
            if result.ending != .preempted { endedOtherwise.append(seed) }
            if result.couldBeSaved {
                could += 1
                worked += result.worked
                workable += result.workable
                if !result.isSaved { missed.append(seed) }
            } else {
                couldNot += 1
                savedAllTheSame += result.isSaved ? 1 : 0
            }
        }

        var words: String {
            func percent(_ part: Double) -> String { "\((part * 1000).rounded() / 10) %" }
            let share = 1 - Double(missed.count) / Double(max(could, 1))
            return "saved \(percent(share)) of \(could) that could have been (missed "
                + "\(missed.count)), and \(savedAllTheSame) of \(couldNot) others; worked for "
                + "\(percent(worked / left)) of the notices' time, "
                + "\(percent(worked / workable)) of what could have been"
        }
    }

    private func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }
}
