import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Starting again", .onStage)
struct RestartTests {
    private func restart(_ place: Place, _ options: [String] = []) throws -> Program {
        try place.call(["restart", "it", "--state-dir", place.state] + options)
    }

    private func expectUp(_ call: Program, _ attempt: Int) throws {
        #expect(try call.waitForEnd() == .exited(0), "\(call.text(.errors))")
        #expect(call.text(.output) == "it running, attempt \(attempt)\n")
    }

    @Test("as asked: a final checkpoint, the end of the job, and the next attempt from there")
    func asked() throws {
        let place = try Place()
        let program = try place.puppet(["--backoff", "1h..1h"])
        try program.hello()
        let call = try restart(place)
        let request = try program.request()
        #expect(request.final && request.reason == .manual && request.deadline != nil)
        let id = try program.checkpoint(step: 7, request: request.request).id
        #expect(try program.message().message == .stop(deadline: 10))
        try program.say("exit 0")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == id)
        try expectUp(call, 2)
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
        let call = try restart(place)
        try program.line(starting: "signal SIGTERM")
        #expect(MonotonicTime.now() - start >= .milliseconds(300))
        try program.nextAttempt(2)
        #expect(MonotonicTime.now() - start >= .milliseconds(700))
        // It says nothing, and has lived for a second.
        try expectUp(call, 2)
        #expect(MonotonicTime.now() - start >= .milliseconds(1700))
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
        let call = try restart(place)
        try program.nextAttempt(2)
        try program.hello(accepts: false)
        try expectUp(call, 2)
        try place.stop(program)
    }

    @Test("a restart has status 1 where the next attempt ends before it is up, and says how")
    func doesNotComeUp() throws {
        let place = try Place()
        let job = "[ $SUPERVISE_ATTEMPT = 2 ] && exit 7; echo up; exec sleep 1000"
        let program = try place.supervise(["--backoff", "1h..1h"], ["sh", "-c", job])
        try program.line(starting: "up")
        let call = try restart(place)
        #expect(try call.waitForEnd() == .exited(1))
        #expect(
            call.text(.errors) == "supervise: attempt 2 did not come up: it exited with status 7 "
                + "before it said hello and before it had lived for 1 s; supervise status it shows "
                + "what comes next\n")
        // The next one does.
        try expectUp(try restart(place), 3)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("a restart has status 1 where the program is gone")
    func programIsGone() throws {
        let place = try Place()
        let tool = try place.directory.write(
            "tool", "#!/bin/sh\necho up; exec sleep 1000\n", mode: 0o700)
        let program = try place.supervise(["--backoff", "1h..1h"], [tool])
        try program.line(starting: "up")
        #expect(try place.start(["rm", tool]).waitForEnd() == .exited(0))
        let call = try restart(place)
        #expect(try call.waitForEnd() == .exited(1))
        #expect(call.text(.errors).contains("attempt 2 did not come up: it could not be started"))
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("operators who leave during a restart are not missed, and the others are answered")
    func operatorsLeave() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let gone = try restart(place)
        let request = try program.request()
        let stays = try place.connect()
        try stays.send(line: #"{"type":"control","command":"restart","seq":4}"#)
        try gone.signal(9)
        _ = try gone.waitForEnd()
        let leaves = try place.connect()
        try leaves.send(line: #"{"type":"control","command":"restart","seq":5}"#)
        try leaves.finish()
        try program.checkpoint(step: 1, request: request.request)
        try program.say("exit 0")
        try program.nextAttempt(2)
        try program.hello(accepts: false)
        let line = try #require(try stays.readLine())
        #expect(line.contains(#""seq":4"#) && line.contains(#""type":"ok""#))
        #expect(try place.statusOverSocket().attempt == 2)
        try place.stop(program)
    }

    @Test("SIGTERM while a restart is under way makes an end of it")
    func stopMeanwhile() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let call = try restart(place)
        let request = try program.request()
        try program.signal(15)
        #expect(try call.waitForEnd() == .exited(1))
        #expect(call.text(.errors) == "supervise: the run is stopping\n")
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
