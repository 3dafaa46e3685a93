import SuperviseFormats
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

/// The example that trains on real digits is killed at random moments, and in the end has the
/// weights of a training that nobody disturbed. `KILL_SEED` replays, `KILL_ROUNDS` sets how often.
@Suite("The digits under SIGKILL", .onStage)
struct DigitsTests {
    private static let train = "\(repository)/examples/digits/train.py"
    private static let firstSeed = number("KILL_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
    private static let seeds = (0..<(number("KILL_ROUNDS") ?? 20)).map { firstSeed + $0 }

    private static func number(_ name: String) -> UInt64? {
        environmentVariable(name).flatMap { UInt64($0) }
    }

    private enum Victim: CaseIterable { case job, supervisor, both, everyone }

    @Test("kill as you like: the weights are the same, bit for bit", arguments: seeds)
    func killed(seed: UInt64) throws {
        let expected = try Self.undisturbed()
        var numbers = SeededNumbers(seed: seed)
        let place = try Place()
        var supervisor = try start(place)
        for _ in 0..<3 {
            let moment = Duration.milliseconds(Int64.random(in: 0..<900, using: &numbers))
            let victim = Victim.allCases.randomElement(using: &numbers) ?? .job
            if try supervisor.passes(moment) { break }
            try kill(victim, of: supervisor)
            if victim != .job {
                let end = try supervisor.waitForEnd()
                // It may have ended just before the signal.
                if end == .exited(0) { break }
                #expect(end == .signaled(9))
                supervisor = try start(place)
            }
        }
        #expect(try supervisor.waitForEnd() == .exited(0), "\(supervisor.failure("seed \(seed)"))")
        let weights = try place.directory.read("weights.json")
        #expect(weights == expected, "the weights differ; replay with KILL_SEED=\(seed)")
        for id in place.checkpoints { #expect(try place.isWhole(id)) }
        #expect(place.names(in: "set-aside").isEmpty)
    }

    private func start(_ place: Place) throws -> Program {
        let options = ["--checkpoint-every", "50ms", "--max-failures", "100"]
        return try place.supervise(options, Self.command, environment: Self.variables)
    }

    private static let command = ["python3", train, "--epochs", "1", "--out", "weights.json"]
    private static let variables = ["PYTHONDONTWRITEBYTECODE": "1"]

    private func kill(_ victim: Victim, of supervisor: Program) throws {
        let children = try processes(below: supervisor)
        switch victim {
        case .job: for child in children where child.isJob { try child.process.signal(9) }
        case .supervisor: try supervisor.signal(9)
        case .both:
            try supervisor.signal(9)
            for child in children where child.isJob { try child.process.signal(9) }
        case .everyone:
            // The guard too; stopped, the supervisor cannot start another.
            try supervisor.signal(19)
            for child in children { try child.process.signal(9) }
            try supervisor.signal(9)
        }
    }

    private func processes(
        below supervisor: Program
    ) throws -> [(process: ProcessHandle, isJob: Bool)] {
        let path = "/proc/\(supervisor.pid)/task/\(supervisor.pid)/children"
        return try readSmallFile(path).split(separator: " ").compactMap { word in
            // One that has gone meanwhile need not be killed.
            guard let pid = Int32(word), let process = try? ProcessHandle(opening: pid),
                let command = try? readSmallFile("/proc/\(pid)/cmdline")
            else { return nil }
            return (process, !command.contains("--checkpoint-every"))
        }
    }

    private static let reference = Mutex<String?>(nil)

    /// What comes of it alone, without `supervise`: trained once.
    private static func undisturbed() throws -> String {
        try reference.withLock { known in
            if let known { return known }
            let place = try Place()
            let alone = try place.start(command, environment: variables)
            #expect(try alone.waitForEnd() == .exited(0))
            let weights = try place.directory.read("weights.json")
            known = weights
            return weights
        }
    }
}
