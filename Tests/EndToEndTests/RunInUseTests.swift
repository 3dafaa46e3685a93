import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("One supervisor a run", .onStage)
struct RunInUseTests {
    @Test("a second supervisor of a run is refused, names the first, and disturbs nothing")
    func second() throws {
        let place = try Place()
        let first = try place.puppet()
        try first.hello(accepts: false)
        let before = try place.fingerprint(of: place.state)
        let second = try place.supervise([], ["true"])
        #expect(try second.waitForEnd() == .exited(125))
        #expect(second.lines(.errors).count == 1)
        #expect(second.text(.errors).contains("run it is in use by pid \(first.pid)"))
        #expect(second.text(.errors).contains("--name"))
        #expect(try place.fingerprint(of: place.state) == before)
        try first.checkpoint(step: 1)
        try place.stop(first)
    }

    @Test("two that start at the same moment: one runs, the other is refused")
    func race() throws {
        let place = try Place()
        for round in 0..<10 {
            let call = place.arguments([], name: "race-\(round)") + [place.fixture, "puppet"]
            let programs = try (0..<2).map { _ in try place.call(call, hasInput: true) }
            for program in programs { program.closeInput() }
            let endings = try programs.map { try $0.waitForEnd() }
            // The one that runs may be over before the other looks: then that one runs too.
            #expect(endings.contains(.exited(0)))
            for (program, ending) in zip(programs, endings) where ending != .exited(0) {
                #expect(ending == .exited(125))
                #expect(program.text(.errors).contains("is in use by pid"))
            }
        }
    }

    @Test("one that is stopping is waited for, and then resumed from")
    func dying() throws {
        let place = try Place()
        let first = try place.puppet()
        try first.hello(accepts: false)
        let id = try first.checkpoint(step: 4).id
        try first.signal(15)
        try first.line(starting: "signal SIGTERM")
        let second = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try second.errorLine(with: "waiting up to 20 s")
        try first.say("exit 0")
        #expect(try first.waitForEnd() == .signaled(15))
        try second.nextAttempt(2)
        #expect(try second.hello(accepts: false).resume?.id == id)
        try place.stop(second)
    }

    @Test("other runs and other commands in the same directory do not mind")
    func others() throws {
        let place = try Place()
        let first = try place.puppet()
        let call = ["--state-dir", place.state, "--"]
        #expect(try place.call(call + ["true"]).waitForEnd() == .exited(0))
        #expect(try place.call(call + ["sh", "-c", "true"]).waitForEnd() == .exited(0))
        let named = place.arguments([], name: "another") + ["true"]
        #expect(try place.call(named).waitForEnd() == .exited(0))
        try place.stop(first)
    }
}
