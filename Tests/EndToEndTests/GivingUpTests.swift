import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("What counts as progress, and when a run is given up", .onStage)
struct GivingUpTests {
    @Test("a job that reports higher steps each time is not given up, though it saves nothing")
    func reportedSteps() throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "2"])
        for attempt in 2...8 {
            try program.hello(accepts: false)
            try program.send(.progress(.init(step: Int64(attempt))))
            try program.say("exit 1")
            try program.nextAttempt(attempt)
        }
        // Written beside the job, which is started again before.
        try waitBriefly { try place.record().progress.reportedStep == 8 }
        // The same steps again, as after a restart from the beginning.
        try program.hello(accepts: false)
        try program.send(.progress(.init(step: 8)))
        try program.say("exit 1")
        try program.nextAttempt(9)
        try program.say("exit 1")
        #expect(try program.waitForEnd() == .exited(1))
        let last = try #require(program.lines(.errors).last)
        #expect(
            last.contains("after 2 failures in a row without progress; what would have counted:"))
        #expect(last.contains("a reported step above 8 or a checkpoint. To try again:"))
        #expect(try place.status().givenUp?.reportedStep == 8)
    }

    @Test("the highest reported step is known to the next supervisor, too")
    func nextSupervisor() throws {
        let place = try Place()
        let first = try place.puppet()
        try first.hello(accepts: false)
        try first.send(.progress(.init(step: 30)))
        try first.send(.control(.init(command: "status")))
        _ = try first.message()
        try place.stop(first)
        let second = try place.supervise(
            ["--max-failures", "1"], [place.fixture, "puppet"], hasInput: true)
        try second.nextAttempt(2)
        try second.hello(accepts: false)
        try second.send(.progress(.init(step: 30)))
        try second.say("exit 1")
        #expect(try second.waitForEnd() == .exited(1))
    }

    @Test("a job that shows nothing is not given up as long as it lives for --healthy-after")
    func lifetimes() throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "2", "--healthy-after", "200ms"])
        for attempt in 2...6 {
            try program.silence(for: .milliseconds(250))
            // Two in a row are never the same.
            try program.say("exit \(attempt)")
            try program.nextAttempt(attempt)
        }
        #expect(try place.statusOverSocket().failures == 0)
        try place.stop(program)
    }

    @Test("one that never lives so long is given up, and the last line says what it takes")
    func shortLives() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--max-failures", "3", "--healthy-after", "1h"], ["sh", "-c", "exit 3"])
        #expect(try program.waitForEnd() == .exited(3))
        #expect(try place.status().attempt == 3)
        let last = try #require(program.lines(.errors).last)
        #expect(last.contains("an attempt of 60 min (--healthy-after), a reported step or a"))
    }

    @Test(
        "one that fails the same way after the same time is given up, however old it gets")
    func sameEachTime() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--max-failures", "2", "--healthy-after", "500ms"], ["sh", "-c", "sleep 2; exit 7"])
        #expect(try program.waitForEnd() == .exited(7))
        #expect(program.text(.errors).contains("giving up: the job fails the same way each time"))
        let status = try place.status()
        #expect(status.failures == 0 && status.givenUp?.reason == .sameEachTime)
        let last = try #require(program.lines(.errors).last)
        #expect(last.contains("2 failures in a row with the same status after the same time"))
    }

    @Test(
        "--gave-up-exit-code is the exit status, and the outcome keeps the job's own")
    func gaveUpExitCode() throws {
        let place = try Place()
        let options = ["--max-failures", "2", "--gave-up-exit-code", "99"]
        let program = try place.supervise(options, ["sh", "-c", "exit 3"])
        #expect(try program.waitForEnd() == .exited(99))
        #expect(try place.status().outcome?.exitCode == 3)
        let fatal = try place.supervise(
            ["--fresh", "--fatal-exit-codes", "3"] + options, ["sh", "-c", "exit 3"])
        #expect(try fatal.waitForEnd() == .exited(3))
        let completed = try place.supervise(["--fresh"] + options, ["true"])
        #expect(try completed.waitForEnd() == .exited(0))
        for wrong in ["0", "256", "-1", "x"] {
            let refused = try place.supervise(["--gave-up-exit-code", wrong], ["true"])
            #expect(try refused.waitForEnd() == .exited(125))
            #expect(refused.text(.errors).contains("a whole number from 1 to 255"))
        }
    }
}
