import Glibc
import SuperviseCore
import Testing

/// Thousands of histories of a supervisor in a simulated world, each from its seed.
///
/// `SIMULATE_HISTORIES` says how many, `SIMULATE_BASE` from which seed on, and `SIMULATE_SEED`
/// plays one again and prints every event and action of it.
///
/// `SIMULATE_DIGESTS=FILE` shows that a change of the code changes no decision: the first run writes
/// a digest of each history into the file, a later one with the same seeds names the first history
/// that differs. A broken promise ends none of the two. Set `SWIFT_DETERMINISTIC_HASHING=1` with it.
@Suite("Simulation")
struct SimulationTests {
    @Test("every promise is kept in every history")
    func everyPromiseIsKept() {
        if let seed = number("SIMULATE_SEED") {
            replay(seed)
            return
        }
        let count = number("SIMULATE_HISTORIES") ?? 1_000
        var system = SystemRandomNumberGenerator()
        let base = number("SIMULATE_BASE") ?? (system.next() >> 16)
        print("\(count) histories from seed \(base)")
        var digests = getenv("SIMULATE_DIGESTS").map { DigestFile(path: String(cString: $0)) }
        for seed in base..<(base + count) {
            let world = World(seed: seed, isTracing: false)
            if digests != nil { world.digest = HistoryDigest() }
            defer { if let digest = world.digest { digests?.note(digest.value, of: seed) } }
            guard let violation = world.play() else { continue }
            Issue.record(
                "\(violation) (history \(seed - base + 1); replay with SIMULATE_SEED=\(seed))")
            if digests == nil { return }
        }
        if let difference = digests?.finish() { Issue.record("\(difference)") }
    }

    private func replay(_ seed: UInt64) {
        let world = World(seed: seed, isTracing: true)
        let violation = world.play()
        for line in world.trace { print(line) }
        if let violation { Issue.record("\(violation)") }
    }

    private func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }
}
