import Glibc
import SuperviseCore
import Testing

/// Thousands of histories of a supervisor in a simulated world, each from its seed.
///
/// `SIMULATE_HISTORIES` says how many, `SIMULATE_BASE` from which seed on, and `SIMULATE_SEED`
/// plays one again and prints every event and action of it.
@Suite("Simulation")
struct SimulationTests {
    @Test("every promise is kept in every history")
    func everyPromiseIsKept() {
        if let seed = number("SIMULATE_SEED") {
            replay(seed)
            return
        }
        let count = number("SIMULATE_HISTORIES") ?? 2_000
        var system = SystemRandomNumberGenerator()
        let base = number("SIMULATE_BASE") ?? (system.next() >> 16)
        print("\(count) histories from seed \(base)")
        for seed in base..<(base + count) {
            let world = World(seed: seed, isTracing: false)
            guard let violation = world.play() else { continue }
            Issue.record(
                "\(violation) (history \(seed - base + 1); replay with SIMULATE_SEED=\(seed))")
            return
        }
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
