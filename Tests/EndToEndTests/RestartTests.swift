import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Starting again", .onStage)
struct RestartTests {
    private func restart(_ place: Place, _ options: [String] = []) throws -> String {
        let call = try place.call(["restart", "it", "--state-dir", place.state] + options)
        guard try call.waitForEnd() == .exited(0) else { throw call.failure("no restart") }
        return call.text(.output)
    }

    @Test("as asked: a final checkpoint, the end of the job, and the next attempt from there")
    func asked() throws {
        let place = try Place()
        let program = try place.puppet(["--backoff", "1h..1h"])
        try program.hello()
        #expect(try restart(place) == "it stopping, attempt 1\n")
        let request = try program.request()
        #expect(request.final && request.reason == .manual && request.deadline != nil)
        let id = try program.checkpoint(step: 7, request: request.request).id
        #expect(try program.message().message == .stop(deadline: 10))
        try program.say("exit 0")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == id)
        let status = try place.statusOverSocket()
        #expect(status.failures == 0 && status.lastFailure == nil && status.outcome == nil)
        #expect(program.text(.errors).contains("attempt 1 has ended, as asked; starting again\n"))
        try place.stop(program)
    }

    @Test("as asked, of a job that ignores everything, comes after both times")
    func ignored() throws {
        let place = try Place()
        let program = try place.puppet(
            ["--checkpoint-timeout", "300ms", "--stop-timeout", "400ms"])
        try program.hello()
        let start = MonotonicTime.now()
        _ = try restart(place)
        try program.line(starting: "signal SIGTERM")
        #expect(MonotonicTime.now() - start >= .milliseconds(300))
        try program.nextAttempt(2)
        #expect(MonotonicTime.now() - start >= .milliseconds(700))
        try place.stop(program)
    }

    @Test("as asked ends the wait before the next attempt")
    func inBackoff() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--backoff", "1h..1h"], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        try program.hello()
        try program.say("exit 9")
        try program.errorLine(with: "starting again in")
        _ = try restart(place)
        try program.nextAttempt(2)
        try place.stop(program)
    }

    @Test("SIGTERM while a restart is under way makes an end of it")
    func stopMeanwhile() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        _ = try restart(place)
        let request = try program.request()
        try program.signal(15)
        try program.checkpoint(step: 1, request: request.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome?.kind == .stopped)
        #expect(try place.status().attempt == 1)
    }

    @Test("--restart always: after status 0 too, until it is stopped")
    func always() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--restart", "always", "--max-failures", "1"], [place.fixture, "puppet"],
            hasInput: true)
        for attempt in 1...3 {
            try program.nextAttempt(attempt)
            if attempt < 3 { try program.say("exit 0") }
        }
        let line = "the job exited with status 0; starting again (--restart always)\n"
        #expect(program.text(.errors).contains(line))
        #expect(try place.statusOverSocket().lastFailure == nil)
        try place.stop(program)
        #expect(try place.status().outcome?.kind == .stopped)
    }

    @Test("--restart never: the first failure is the last")
    func never() throws {
        let place = try Place()
        let program = try place.supervise(["--restart", "never"], ["sh", "-c", "exit 5"])
        #expect(try program.waitForEnd() == .exited(5))
        #expect(try place.status().attempt == 1)
        #expect(program.text(.errors).contains("giving up (--restart never)\n"))
    }

    @Test("--fatal-exit-codes: after one of them there is no other attempt")
    func fatal() throws {
        let place = try Place()
        let options = ["--fatal-exit-codes", "2,64-78"]
        let line = "test $SUPERVISE_ATTEMPT = 3 && exit 70; exit 79"
        let program = try place.supervise(options, ["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(70))
        #expect(try place.status().attempt == 3)
        #expect(
            program.text(.errors).contains("giving up (status 70 is in --fatal-exit-codes)\n"))
    }

    @Test("a failure at the start is told as such, in words, in the status and in the events")
    func atStart() throws {
        let place = try Place()
        let program = try place.supervise(["--max-failures", "1"], ["sh", "-c", "exit 4"])
        #expect(try program.waitForEnd() == .exited(4))
        let line = program.lines(.errors).first { $0.contains("exited with status 4") }
        #expect(line?.contains(" while starting up; giving up (failure 1 of 1") == true)
        #expect(try place.status().lastFailure?.atStart == true)
        let other = try place.puppet(["--max-failures", "1", "--fresh"])
        try other.hello()
        try other.checkpoint(step: 1)
        try other.say("exit 4")
        try other.errorLine(with: "exited with status 4")
        #expect(!other.text(.errors).contains("starting up"))
        try other.nextAttempt(2)
        try place.stop(other)
    }

    @Test("give_up, said just before the end, is the last word: no restart, and its own status")
    func givesUp() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.checkpoint(step: 1)
        try program.send(.giveUp(.init(error: "the data is broken")))
        try program.say("exit 9")
        #expect(try program.waitForEnd() == .exited(9))
        let status = try place.status()
        #expect(status.outcome == Outcome(kind: .failed, exitCode: 9))
        #expect(status.lastFailure?.error == "the data is broken")
        #expect(
            program.text(.errors).contains("giving up, as the job asked: the data is broken\n"))
        #expect(
            try place.events().contains(.gaveUp(.init(attempt: 1, error: "the data is broken"))))
    }

    @Test("the Python client gives up")
    func pythonGivesUp() throws {
        let place = try Place()
        let source =
            "import sys; sys.path.insert(0, sys.argv[1]); from supervise_job import Job; "
            + "Job().give_up(ValueError('no data')); sys.exit(3)"
        let program = try place.supervise(
            [], ["python3", "-B", "-c", source, "\(repository)/examples"])
        #expect(try program.waitForEnd() == .exited(3))
        #expect(try place.status().lastFailure?.error == "ValueError: no data")
    }
}
