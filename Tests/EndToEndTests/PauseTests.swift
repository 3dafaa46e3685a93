import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A paused job", .onStage)
struct PauseTests {
    /// Calls a command, and takes what it writes.
    private func say(_ command: String, _ place: Place) throws -> String {
        let call = try place.call([command, "it", "--state-dir", place.state])
        guard try call.waitForEnd() == .exited(0) else { throw call.failure("\(command) failed") }
        return call.text(.output)
    }

    @Test("stands still with all that it started, until it is unpaused")
    func standsStill() throws {
        let place = try Place()
        let program = try place.puppet()
        let pid = try #require(try place.status().jobPID)
        // The second one has left the job's session.
        try program.say("run echo child $$; while :; do read x; done < /dev/zero")
        let child = try program.line(starting: "child ").dropFirst(6)
        try program.say("run setsid sh -c 'echo away $$; while :; do read x; done < /dev/zero'")
        let away = try program.line(starting: "away ").dropFirst(5)
        let states = { try [pid.description, String(child), String(away)].map(place.processState) }
        #expect(try !states().contains("T"))
        #expect(try say("pause", place) == "it paused, attempt 1\n")
        try waitBriefly { try states() == ["T", "T", "T"] }
        try waitBriefly { try place.status().phase == .paused }
        #expect(try say("unpause", place) == "it running, attempt 1\n")
        try program.line(starting: "signal SIGCONT")
        try waitBriefly { try !states().contains("T") }
        try place.stop(program)
        let told = try place.events().filter {
            switch $0 {
            case .paused, .unpaused: true
            default: false
            }
        }
        #expect(told.count == 2)
    }

    @Test("time counts for no time-out, and the request that was open is answered after it")
    func timeDoesNotCount() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "2s"])
        try program.hello()
        try program.signal(10)
        let request = try program.request()
        _ = try say("pause", place)
        try program.silence(for: .milliseconds(2500))
        #expect(try place.statusOverSocket().requests.unanswered == 0)
        _ = try say("unpause", place)
        try program.line(starting: "signal SIGCONT")
        try program.checkpoint(step: 1, request: request.request)
        let requests = try place.statusOverSocket().requests
        #expect(requests.committed == 1 && requests.late == 0)
        try place.stopByControl(program)
    }

    @Test("Ctrl-Z stops the time with the job")
    func terminalStop() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "2s"])
        try program.hello()
        try program.signal(10)
        let request = try program.request()
        try program.signal(20)
        try program.waitUntilStopped()
        try program.silence(for: .milliseconds(2500))
        try program.signal(18)
        try program.line(starting: "signal SIGCONT")
        try program.checkpoint(step: 1, request: request.request)
        let requests = try place.statusOverSocket().requests
        #expect(requests.committed == 1 && requests.late == 0)
        try place.stopByControl(program)
    }

    @Test("stays paused over a Ctrl-Z")
    func pausedAndStopped() throws {
        let place = try Place()
        let program = try place.puppet()
        let pid = try #require(try place.status().jobPID).description
        _ = try say("pause", place)
        try waitBriefly { try place.processState(pid) == "T" }
        try program.signal(20)
        try program.waitUntilStopped()
        try program.signal(18)
        // It answers again, and so has gone on.
        #expect(try place.statusOverSocket().phase == .paused)
        #expect(try place.processState(pid) == "T")
        _ = try say("unpause", place)
        try program.line(starting: "signal SIGCONT")
        try place.stop(program)
    }

    @Test("goes on for a stop: it is asked for its final checkpoint")
    func stopped() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        _ = try say("pause", place)
        try program.signal(15)
        try program.line(starting: "signal SIGCONT")
        try program.checkpoint(step: 3, request: program.request().request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints.count == 1)
    }

    @Test("that is killed is started again after the pause, and not before")
    func killed() throws {
        let place = try Place()
        let program = try place.puppet(["--backoff", "0ms..0ms"])
        let pid = try #require(try place.status().jobPID)
        _ = try say("pause", place)
        try ProcessHandle(opening: Int32(pid)).signal(9)
        try program.errorLine(with: "was killed by SIGKILL")
        #expect(!(try program.passes(.milliseconds(300))))
        #expect(try place.statusOverSocket().phase == .paused)
        #expect(!program.text(.output).contains("ready 2"))
        _ = try say("unpause", place)
        try program.nextAttempt(2)
        try place.stop(program)
    }
}
