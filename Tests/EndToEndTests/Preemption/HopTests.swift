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

    /// How many seconds machine number `hop` is told before.
    private static func notice(of hop: Int) -> Int { hop == 0 && hops > 2 ? 30 : notice }

    /// Of the 90 steps of an epoch, in seconds: no machine but the last is faster, so the training does
    /// not end on one before.
    private static let pace = 0.05
    private static let epochs: Int = {
        let seconds = (0..<hops).reduce(0) { $0 + notice(of: $1) + 3 }
        return Int((Double(seconds) / (90 * pace)).rounded(.up)) + 2
    }()

    private static let paced = """
        import os, runpy, sys, time
        sys.path.insert(0, sys.argv[1])
        from supervise_job import Job
        progress, last = Job.progress, time.monotonic()
        def paced(self, *words, **more):
            global last
            time.sleep(max(0, last + float(os.environ["PACE"]) - time.monotonic()))
            last = time.monotonic()
            progress(self, *words, **more)
        Job.progress = paced
        sys.argv = sys.argv[2:]
        runpy.run_path(sys.argv[0], run_name="__main__")
        """

    private static func train(_ out: String) -> [String] {
        [
            "\(repository)/examples/digits/train.py", "--epochs", "\(epochs)", "--out", out,
        ]
    }

    @Test("the weights are those of an undisturbed training, and no hop lost more than an interval")
    func hops() throws {
        let place = try Place()
        place.environment["PYTHONDONTWRITEBYTECODE"] = "1"
        try place.directory.write("paced.py", Self.paced)
        let alone = try place.start(["python3"] + Self.train("alone.json"))
        var lost = 0.0
        for hop in 0..<Self.hops {
            lost += try spot(hop, place)
            try move(place)
        }
        let last = try start(place, ["PACE": "0"], ["--checkpoint-every", "2s"])
        #expect(try last.waitForEnd() == .exited(0), "\(last.failure("the last machine"))")
        #expect(try alone.waitForEnd() == .exited(0))
        #expect(try place.directory.read("weights.json") == place.directory.read("alone.json"))
        #expect(try place.record().failures.total == 0)
        let useful = try place.status().totals.useful
        let share = lost / useful
        print("\(Self.hops) hops lost \(lost) s of \(useful) s: \(share * 100) %")
        // Of a few short ones, one that was unlucky is more than that.
        if Self.hops >= 10 { #expect(share < 0.01) }
    }

    private func start(
        _ place: Place, _ environment: [String: String], _ options: [String]
    ) throws -> Program {
        let job = ["python3", "paced.py", "\(repository)/examples"] + Self.train("weights.json")
        return try place.supervise(options, job, environment: environment)
    }

    /// A machine with a notice, killed without mercy at its deadline.
    ///
    /// - Returns: what was lost, in seconds.
    private func spot(_ hop: Int, _ place: Place) throws -> Double {
        let service = try MetadataService(place)
        let clouds = CloudTests.Cloud.allCases
        let cloud = clouds[hop % clouds.count]
        let seconds = Self.notice(of: hop)
        let options = [
            "--preempt", cloud.rawValue, "--preempt-grace", "\(seconds)s", "--checkpoint-every",
            "\(Int(Self.interval))s", "--verbose",
        ]
        let before = try? place.status().checkpoint?.id.sequence
        let environment = service.environment.merging(["PACE": "\(Self.pace)"]) { $1 }
        let program = try start(place, environment, options)
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
