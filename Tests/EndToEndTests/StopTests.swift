import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The way down: a request, `stop` and SIGTERM, SIGKILL. What is measured are the order and that
/// nothing comes too early.
@Suite("The stop", .onStage)
struct StopTests {
    /// Longer than signals count as one.
    private let later = Duration.milliseconds(600)

    @Test("the final checkpoint comes first, and nobody is signalled before it is committed")
    func finalCheckpoint() throws {
        let place = try Place()
        let program = try place.puppet(["--stop-timeout", "800ms"])
        try program.hello()
        try program.signal(15)
        let request = try program.request()
        #expect(request.final)
        #expect(request.reason == .shutdown)
        try program.silence(for: .milliseconds(300))
        let committed = try program.checkpoint(step: 5, request: request.request)
        let committedAt = MonotonicTime.now()
        #expect(try program.message().message == .stop(deadline: 0.8))
        #expect(!program.text(.output).contains("signal"))
        // One that does not end by itself is told after half of the time.
        try program.line(starting: "signal SIGTERM")
        #expect(MonotonicTime.now() - committedAt >= .milliseconds(350))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == [committed.id.description])
        #expect(try place.manifest(committed.id.description).reason == .shutdown)
        #expect(
            program.text(.errors).contains("SIGTERM: asking for a final checkpoint (up to 60 s"))
        let requests = try place.status().requests
        #expect(requests.made == 1 && requests.committed == 1 && requests.moot == 0)
    }

    @Test("a job that ends by itself after its final checkpoint is not signalled at all")
    func byItself() throws {
        let place = try Place()
        let program = try place.puppet(["--stop-timeout", "1h"])
        try program.hello()
        try program.signal(2)
        try program.checkpoint(step: 5, request: program.request().request)
        #expect(try program.message().message == .stop(deadline: 3600))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(2))
        #expect(!program.text(.output).contains("signal"))
        let last = try #require(program.lines(.errors).last)
        #expect(last.contains("stopped") && last.contains("supervise resume it"))
    }

    @Test("where nobody accepts requests, stop and SIGTERM come at once")
    func nobodyAccepts() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.signal(15)
        let lines = try (0..<2).map { _ in try program.line(.output, "a line") { _ in true } }
        #expect(lines.sorted() == [#"1< {"deadline_s":10,"type":"stop"}"#, "signal SIGTERM"])
        try program.say("exit 3")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome == Outcome(kind: .stopped, exitCode: 3))
    }

    @Test("a job that ignores everything is killed, after both times and not before")
    func ignored() throws {
        let place = try Place()
        let program = try place.puppet(
            ["--checkpoint-timeout", "300ms", "--stop-timeout", "400ms"])
        try program.hello()
        let start = MonotonicTime.now()
        try program.signal(15)
        #expect(try program.request().final)
        #expect(try program.message().message == .stop(deadline: 0.4))
        try program.line(starting: "signal SIGTERM")
        #expect(MonotonicTime.now() - start >= .milliseconds(300))
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(MonotonicTime.now() - start >= .milliseconds(700))
        #expect(try place.status().outcome == Outcome(kind: .stopped, signal: "SIGKILL"))
        #expect(try place.status().requests.unanswered == 1)
    }

    @Test("a second SIGTERM cuts the wait for the checkpoint short, a third kills at once")
    func secondAndThird() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "1h", "--stop-timeout", "1h"])
        try program.hello()
        try program.signal(15)
        #expect(try program.request().final)
        try program.silence(for: later)
        try program.signal(15)
        #expect(try program.message().message == .stop(deadline: 3600))
        try program.line(starting: "signal SIGTERM")
        try program.silence(for: later)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome == Outcome(kind: .stopped, signal: "SIGKILL"))
    }

    @Test("the supervisor dies by the first of different signals")
    func different() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "1h", "--stop-timeout", "1h"])
        try program.hello()
        try program.signal(2)
        #expect(try program.request().final)
        try program.silence(for: later)
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(2))
    }

    @Test("duplicates that a wrapper forwards at once count as one")
    func duplicates() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "1h", "--stop-timeout", "1h"])
        try program.hello()
        for _ in 0..<5 {
            try program.signal(15)
            try program.signal(2)
        }
        let request = try program.request()
        // Had one counted as the second, the wait would be over and nothing new be taken.
        try program.checkpoint(step: 1, request: request.request)
        #expect(try program.message().message == .stop(deadline: 3600))
        try program.say("exit 0")
        #expect(try program.waitForEnd() != .exited(0))
        #expect(!program.text(.output).contains("signal"))
    }

    @Test("a SIGHUP is never the second signal")
    func hangUp() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "1h", "--stop-timeout", "1h"])
        try program.hello()
        try program.signal(15)
        let request = try program.request()
        try program.silence(for: later)
        try program.signal(1)
        try program.silence(for: .milliseconds(200))
        try program.checkpoint(step: 1, request: request.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(!program.text(.output).contains("signal"))
    }

    @Test(
        "a job that completes while it is asked to stop is stopped, and the next start resumes it")
    func completedWhileStopping() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let id = try program.checkpoint(step: 2).id
        try program.signal(15)
        #expect(try program.request().final)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome == Outcome(kind: .stopped, exitCode: 0))
        #expect(try place.status().requests.lost == 1)
        let second = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try second.nextAttempt(2)
        #expect(try second.hello(accepts: false).resume?.id == id)
        try place.stop(second)
    }

    @Test("a checkpoint that is open already may answer the final request")
    func openAlready() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let began = try program.begin(step: 6)
        try program.signal(15)
        let request = try program.request()
        try program.send(.commit(.init(id: began.id, request: request.request)))
        #expect(try program.committed().id == began.id)
        #expect(try program.message().message == .stop(deadline: 10))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().requests.committed == 1)
        #expect(try place.manifest(began.id.description).reason == .shutdown)
    }

    @Test("a job that says it cannot save is told to stop at once")
    func failedToSave() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "1h"])
        try program.hello()
        try program.signal(15)
        let request = try program.request()
        try program.send(.failed(.init(request: request.request, error: "no memory left")))
        #expect(try program.message().message == .stop(deadline: 10))
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(program.text(.errors).contains("no memory left"))
    }

    @Test("once it was told to stop, nothing new is begun")
    func nothingNew() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.signal(15)
        #expect(try program.message().message == .stop(deadline: 10))
        try program.send(.begin(.init(step: 1)))
        #expect(try program.refusal().code == .stopping)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("a stop in the wait before the next attempt ends it at once")
    func inBackoff() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--backoff", "1h..1h"], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        try program.hello()
        try program.checkpoint(step: 1)
        try program.say("exit 9")
        try program.errorLine(with: "starting again in")
        #expect(try place.statusOverSocket().phase == .backoff)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome == Outcome(kind: .stopped))
    }

    @Test("a stop while a checkpoint is being verified cuts that short")
    func whileChoosing() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try place.makeEndless(ids[0])
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try place.waitForSocket()
        #expect(try place.statusOverSocket().phase == .starting)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == ids)
        #expect(try place.status().attempt == 1)
    }

    @Test(
        "signals that mean nothing to us reach the job",
        arguments: ["SIGQUIT", "SIGALRM", "SIGWINCH", "SIGCONT", "SIGURG", "SIGRTMIN+5"])
    func passedOn(name: String) throws {
        let place = try Place()
        let program = try place.puppet()
        try program.signal(try #require(signalNumber(name)))
        try program.line(starting: "signal \(name)")
        try place.stop(program)
    }

    @Test("stopped at the terminal, it stops the job and what that started, and goes on with them")
    func terminalStop() throws {
        let place = try Place()
        let program = try place.puppet()
        let pid = try #require(try place.status().jobPID)
        try program.say("run echo child $$; while :; do read x; done < /dev/zero")
        let child = try program.line(starting: "child ").dropFirst(6)
        let states = { try [pid.description, String(child)].map(place.processState) }
        #expect(try !states().contains("T"))
        try program.signal(20)
        try program.waitUntilStopped()
        try waitBriefly { try states() == ["T", "T"] }
        try program.signal(18)
        try program.line(starting: "signal SIGCONT")
        try waitBriefly { try !states().contains("T") }
        try place.stop(program)
    }

    @Test("SIGUSR1 asks for a checkpoint, unless another signal does or none")
    func checkpointSignal() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.signal(10)
        let request = try program.request()
        #expect(request.reason == .manual && !request.final)
        try program.checkpoint(step: 1, request: request.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))

        let other = try place.puppet(["--checkpoint-signal", "SIGUSR2"])
        try other.hello()
        try other.signal(10)
        try other.line(starting: "signal SIGUSR1")
        try other.signal(12)
        _ = try other.request()
        try other.say("exit 0")
        #expect(try other.waitForEnd() == .exited(0))

        let none = try place.puppet(["--checkpoint-signal", "none"])
        try none.hello()
        try none.signal(10)
        try none.line(starting: "signal SIGUSR1")
        try none.say("exit 0")
        #expect(try none.waitForEnd() == .exited(0))
    }
}
