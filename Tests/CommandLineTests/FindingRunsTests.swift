import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("finding the run that is meant")
struct FindingRunsTests {
    private let runs: RunsOnDisk

    init() throws { runs = try RunsOnDisk() }

    private func name(_ call: String? = nil) throws -> String {
        try #require(
            try runs.call("status", call.map { [$0] } ?? []).text.split(separator: " ").first
        )
        .description
    }

    @Test("by its name")
    func byName() throws {
        try runs.add("a", outcome: .completed)
        try runs.add("b", outcome: .completed)
        #expect(try name("b") == "b")
    }

    @Test("without a name takes the only one")
    func only() throws {
        try runs.add("a", outcome: .completed)
        #expect(try name() == "a")
    }

    @Test("without a name takes the one that is running")
    func running() throws {
        try runs.add("a", outcome: .completed)
        try runs.add("b", .running)
        try runs.add("c", .running)
        let lock = try runs.lock("c")
        #expect(try name() == "c")
        withExtendedLifetime(lock) {}
    }

    @Test("without a name says which there are")
    func several() throws {
        try runs.add("a", outcome: .completed)
        try runs.add("b", .running)
        #expect(
            runs.refusal("status")
                == Complaint(
                    "there are 2 runs: a (completed), b (lost); "
                        + "say which: supervise status NAME", status: 1))
        try runs.add("c", .backoff)
        let locks = (try runs.lock("b"), try runs.lock("c"))
        #expect(
            runs.refusal("events")
                == Complaint(
                    "there are 2 runs: b (running), c (backoff); "
                        + "say which: supervise events NAME", status: 1))
        withExtendedLifetime(locks) {}
    }

    @Test("says where it looked when there are none")
    func none() {
        #expect(
            runs.refusal("status") == Complaint("there are no runs in \(runs.root)", status: 1))
        #expect(
            complaint(["status", "--state-dir", "/nowhere/at/all"])
                == Complaint("there are no runs in /nowhere/at/all", status: 1))
    }

    @Test("suggests the name that was probably meant")
    func unknown() throws {
        try runs.add("train-digits", outcome: .completed)
        #expect(
            runs.refusal("status", ["train-digit"])
                == Complaint(
                    "there is no run train-digit in \(runs.root); did you mean train-digits?",
                    status: 1))
        #expect(
            runs.refusal("status", ["x"])
                == Complaint("there is no run x in \(runs.root) (supervise list)", status: 1))
        #expect(
            runs.refusal("status", ["../x"])
                == Complaint("\"../x\" cannot be the name of a run (supervise list)", status: 125))
    }

    @Test("looks where services keep their runs, after its own place, unless a place was chosen")
    func services() throws {
        let others = try RunsOnDisk()
        try runs.add("both", outcome: .completed)
        try others.add("both", outcome: .completed)
        try others.add("service", outcome: .completed)
        var finder = RunFinder(
            place: StatePlace(directory: runs.root, isChosen: false), now: runs.now,
            services: others.root)
        #expect(try finder.run("service", for: .status).store.paths.stateDirectory == others.root)
        #expect(try finder.run("both", for: .status).store.paths.stateDirectory == runs.root)
        #expect(try finder.all().open.map(\.name.description) == ["both", "both", "service"])
        finder.services = "/dev/null/nothing"
        #expect(try finder.all().open.map(\.name.description) == ["both"])
        finder = RunFinder(
            place: StatePlace(directory: runs.root, isChosen: true), now: runs.now,
            services: others.root)
        #expect(throws: Complaint.self) { try finder.run("service", for: .status) }
    }

    @Test("for a job means its own run, also beside others that run, and not in another place")
    func own() throws {
        try runs.add("mine", outcome: .failed)
        try runs.add("other", .running, pid: 1)
        let lock = try runs.lock("other")
        let here = StatePlace(directory: runs.root, isChosen: true)
        let surroundings = place([
            "SUPERVISE_STATE_DIR": runs.root, "SUPERVISE_NAME": "mine",
        ])
        let own = surroundings.ownRun(in: here)
        let finder = RunFinder(place: here, now: runs.now, own: own)
        #expect(try finder.run(nil, for: .status).name.description == "mine")
        #expect(try finder.run("other", for: .status).name.description == "other")
        let gone = RunFinder(place: here, now: runs.now, own: RunReference("gone"))
        #expect(try gone.run(nil, for: .status).name.description == "other")
        #expect(
            surroundings.ownRun(in: StatePlace(directory: "/elsewhere", isChosen: true)) == nil)
        withExtendedLifetime(lock) {}
    }

    @Test("for its supervisor says where there is none to ask")
    func control() throws {
        #expect(
            runs.refusal("stop")
                == Complaint("no run is running in \(runs.root) (supervise list)", status: 1))
        try runs.add("a", outcome: .failed)
        #expect(
            runs.refusal("checkpoint", ["a"])
                == Complaint("run a is not running (failed)", status: 1))
        // The socket is that of the supervisor of before, perhaps of the state that this is a copy of.
        try runs.add("b", .running, pid: 1) { $0.socket = "/nowhere" }
        let lock = try runs.lock("b")
        let name = try #require(RunName("b"))
        let found = try #require(FoundRun.read(name, in: runs.root))
        let refusal = #expect(throws: Complaint.self) {
            try ControlConnection(to: found, at: runs.now, within: .milliseconds(20))
        }
        #expect(
            refusal
                == Complaint(
                    "the supervisor of b (pid \(getpid())) is starting, and has published no socket "
                        + "within 20ms; supervise doctor b looks for the reason", status: 1))
        try runs.add("b", .running) { $0.socket = "/nowhere/at/all" }
        #expect(
            runs.refusal("stop")
                == Complaint(
                    "the supervisor of b (pid \(getpid())) cannot be reached: "
                        + "connect /nowhere/at/all: No such file or directory", status: 1))
        withExtendedLifetime(lock) {}
    }

    @Test(
        "refuses what no command takes",
        arguments: [
            ("status", ["a", "b"], "unexpected argument \"b\" (supervise status --help)"),
            ("status", ["--", "a", "b"], "unexpected argument \"b\" (supervise status --help)"),
            ("list", ["a"], "unexpected argument \"a\" (supervise list --help)"),
            ("resume", ["a", "b"], "unexpected argument \"b\" (supervise resume --help)"),
            (
                "resume", [],
                "say which run: supervise resume NAME (supervise list --resumable)"
            ),
            (
                "checkpoints", ["a", "frob"],
                "unexpected argument \"frob\" (supervise checkpoints --help)"
            ),
            (
                "checkpoints", ["a", "list", "1"],
                "unexpected argument \"1\" (supervise checkpoints --help)"
            ),
            (
                "checkpoints", ["a", "show", "1", "2"],
                "unexpected argument \"2\" (supervise checkpoints --help)"
            ),
        ])
    func operands(command: String, arguments: [String], message: String) {
        #expect(runs.refusal(command, arguments) == Complaint(message, status: 125))
    }
}
