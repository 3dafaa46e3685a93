import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A machine that is taken away, as a signal or a program tells.
@Suite("A machine that is taken away", .onStage)
struct PreemptionTests {
    /// Answers the final request, ends, and is gone as it should be.
    private func save(_ program: Program, _ place: Place) throws -> CheckpointRequest {
        let request = try program.request()
        let saved = try program.checkpoint(step: 7, request: request.request)
        #expect(try program.received().contains(#""type":"stop""#))
        try program.say("exit 0")
        let notice =
            try program.waitForEnd() == .exited(75) ? place.status().preemption?.notice : nil
        let told = try #require(notice, "\(program.failure("not preempted"))")
        #expect(told.saved == saved.id && told.lostSeconds == 0 && told.finalCheckpoint == nil)
        #expect(try place.status().outcome?.kind == .preempted)
        return request
    }

    @Test("SIGUSR2 asks for a final checkpoint with the deadline, and the status is 75")
    func signal() throws {
        let place = try Place()
        let program = try place.puppet(["--preempt-grace", "40s"])
        try program.hello()
        try program.signal(12)
        try program.errorLine(with: "SIGUSR2: this machine is taken away in 40 s")
        let request = try save(program, place)
        #expect(request.reason == .preemption && request.final)
        let seconds = try #require(request.deadline)
        #expect(seconds > 30 && seconds <= 36, "less the reserve: \(seconds)")
        try program.errorLine(with: "preempted, all of it saved. To go on: supervise resume it")
    }

    @Test("the same command goes on elsewhere, from what was saved")
    func goesOn() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.signal(12)
        _ = try save(program, place)
        let again = try place.puppet()
        let welcome = try again.hello()
        #expect(welcome.resume?.step == 7)
        #expect(try place.record().failures.total == 0)
        try place.stopByControl(again)
    }

    @Test("with time left the job goes on, and is asked as late as is safe")
    func late() throws {
        let place = try Place()
        let program = try place.puppet(["--preempt-grace", "8s", "--checkpoint-every", "off"])
        try program.hello()
        try program.checkpoint(step: 1)
        try program.signal(12)
        try waitForChange(in: "\(place.state)/it") {
            try place.status().preemption?.notice?.finalCheckpoint != nil
        }
        let notice = try #require(try place.status().preemption?.notice)
        let final = try #require(notice.finalCheckpoint)
        #expect(final > notice.noticed && final < notice.deadline)
        let request = try save(program, place)
        #expect(request.final)
        #expect(try #require(request.deadline) < 7)
    }

    @Test("a job that does not end is gone by the deadline, and what it lost is told")
    func deaf() throws {
        let place = try Place()
        let program = try place.supervise(
            // Its files are watched, so that it is known what they do not hold.
            ["--preempt-grace", "3s", "--stop-timeout", "1s", "--watch", "saved-*"],
            ["sh", "-c", "trap '' TERM; echo here; while :; do sleep 0.1; done"])
        try program.line(starting: "here")
        try program.signal(12)
        #expect(try program.waitForEnd() == .exited(75))
        let status = try place.status()
        let notice = try #require(status.preemption?.notice)
        #expect(status.updated < notice.deadline, "\(status.updated), \(notice.deadline)")
        #expect(try #require(notice.lostSeconds) > 0)
        try program.errorLine(with: "of work lost")
    }

    @Test("the exit status can be another one, and SIGUSR2 the job's")
    func options() throws {
        let place = try Place()
        let program = try place.puppet(["--preempted-exit-code", "99", "--preempt-signal", "QUIT"])
        try program.hello(accepts: false)
        try program.signal(12)
        try program.line(starting: "signal SIGUSR2")
        try program.signal(3)
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(99))

        let none = try place.puppet(["--checkpoint-signal", "USR2"])
        try none.hello()
        try none.signal(12)
        #expect(try none.request().final == false)
        try none.say("exit 0")
        #expect(try none.waitForEnd() == .exited(0))
    }

    @Test("a program tells in a line of JSON, and is ended with us")
    func program() throws {
        let place = try Place()
        // Told from the sleeps of all other tests.
        let sleep = "sleep 1000.\(processId())"
        let line =
            "read x < \(place.path)/fifo; echo '{\"deadline_s\":50,\"action\":\"stop\"}'; \(sleep)"
        #expect(try place.start(["mkfifo", "fifo"]).waitForEnd() == .exited(0))
        let program = try place.puppet(["--preempt", "exec:sh -c \"\(line.escaped)\""])
        try program.hello()
        #expect(try place.start(["sh", "-c", "echo > fifo"]).waitForEnd() == .exited(0))
        try program.errorLine(with: "exec:sh: this machine is switched off in 50 s")
        _ = try save(program, place)
        let left = try place.start(["pgrep", "-x", "-f", sleep])
        _ = try left.waitForEnd()
        #expect(left.lines(.output).isEmpty, "it lives on")
    }

    @Test("a program that fails or talks nonsense is told of once, and the job is left alone")
    func badProgram() throws {
        let place = try Place()
        let line = "echo $$ >> \(place.path)/runs; echo nonsense; exit 3"
        let program = try place.puppet(["--preempt", "exec:sh -c '\(line)'"])
        try waitForChange(in: place.path) {
            try readSmallFile("\(place.path)/runs").split(separator: "\n").count >= 3
        }
        // What it said counts until it ends.
        try waitForChange(in: "\(place.state)/it") {
            let source = try place.status().preemption?.sources.first
            return source?.state == .failing && source?.error == "it ended with status 3"
        }
        #expect(try place.status().phase == .running)
        try place.stop(program)
        let told = program.lines(.errors).filter { $0.contains("--preempt") }
        #expect(told.count == 2, "\(told)")
    }

    @Test(
        "what is missing at the start is said, and nothing is begun",
        arguments: ["aws", "exec:no-such-program"])
    func missing(source: String) throws {
        let place = try Place()
        place.environment["PATH"] = try place.directory.makeDirectory("empty")
        let program = try place.supervise(["--preempt", source], ["/bin/true"])
        #expect(try program.waitForEnd() == .exited(125))
        let name = source == "aws" ? "curl" : "no-such-program"
        try #require(
            program.text(.errors).contains("--preempt needs the program \(name), which is not"))
        #expect(!pathExists(place.state))
    }

    @Test("what the environment forbids, or makes no address, is said")
    func environment() throws {
        let place = try Place()
        for (name, value, part) in [
            ("AWS_EC2_METADATA_DISABLED", "true", "AWS_EC2_METADATA_DISABLED forbids that"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ftp://x", "is no address of a metadata service"),
        ] {
            let program = try place.supervise(
                ["--preempt", "aws"], ["true"], environment: [name: value])
            #expect(try program.waitForEnd() == .exited(125))
            #expect(program.text(.errors).contains(part), "\(program.text(.errors))")
        }
    }
}

extension String {
    fileprivate var escaped: String {
        replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("$", with: "\\$")
    }
}
