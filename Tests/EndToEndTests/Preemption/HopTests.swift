import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The whole story: one training on one spot machine after the other. `HOPS` says over how many, and
/// `NOTICE` how many seconds each of them is told before; the first always has 30.
@Suite(
    "From machine to machine", .onStage,
    .enabled(if: MetadataService.isThere, "there is no stand-in for the clouds here"))
struct HopTests {
    private static let hops = environmentVariable("HOPS").flatMap { Int($0) } ?? 2
    private static let notice = environmentVariable("NOTICE").flatMap { Int($0) } ?? 5
    private static let interval = 2.0

    private static func train(_ out: String) -> [String] {
        [
            "python3", "\(repository)/examples/digits/train.py", "--epochs", "\(6 + 4 * hops)",
            "--out", out,
        ]
    }

    @Test("the weights are those of an undisturbed training, and no hop lost more than an interval")
    func hops() throws {
        let place = try Place()
        place.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        let alone = try place.start(Self.train("alone.json"))
        var lost = 0.0
        for hop in 0..<Self.hops {
            lost += try spot(hop, place)
            try move(place)
        }
        let last = try start(place, [:], ["--checkpoint-every", "2s"])
        #expect(try last.waitForEnd() == .exited(0), "\(last.failure("the last machine"))")
        #expect(try alone.waitForEnd() == .exited(0))
        #expect(try place.directory.read("weights.json") == place.directory.read("alone.json"))
        let useful = try place.status().totals.useful
        print("\(Self.hops) hops lost \(lost) s of \(useful) s")
        #expect(try place.record().failures.total == 0)
    }

    private func start(
        _ place: Place, _ environment: [String: String], _ options: [String]
    ) throws -> Program {
        try place.supervise(options, Self.train("weights.json"), environment: environment)
    }

    /// A machine with a notice, killed without mercy at its deadline.
    ///
    /// - Returns: what was lost, in seconds.
    private func spot(_ hop: Int, _ place: Place) throws -> Double {
        let service = try MetadataService(place)
        let clouds = CloudTests.Cloud.allCases
        let cloud = clouds[hop % clouds.count]
        let seconds = hop == 0 && Self.hops > 2 ? 30 : Self.notice
        let options = [
            "--preempt", cloud.rawValue, "--preempt-grace", "\(seconds)s", "--checkpoint-every",
            "\(Int(Self.interval))s", "--verbose",
        ]
        let before = try? place.status().checkpoint?.id.sequence
        let program = try start(place, service.environment, options)
        try program.errorLine(with: "checkpoint \(padded((before ?? 0) + 1, 6))")
        try service.control("arm?notice=\(seconds)")
        try waitForChange(in: "\(place.state)/it") {
            try place.status().preemption?.notice != nil
        }
        let deadline = try #require(try place.status().preemption?.notice?.deadline)
        let left = deadline.seconds(since: Timestamp(milliseconds: wallClockNow() / 1_000_000))
        #expect(try program.passes(.milliseconds(Int64(left * 1000))), "it is still there")
        try program.signal(9)
        #expect(try program.waitForEnd() == .exited(75), "\(program.failure("hop \(hop)"))")
        let lost = try #require(try place.status().preemption?.notice?.lostSeconds)
        #expect(lost <= Self.interval)
        return lost
    }

    /// The state is copied to another machine; what was here is gone.
    private func move(_ place: Place) throws {
        let line = "cp -a state copy && rm -rf state r/* && mv copy state"
        let copy = try place.start(["sh", "-c", line])
        guard try copy.waitForEnd() == .exited(0) else { throw copy.failure("not copied") }
    }
}
