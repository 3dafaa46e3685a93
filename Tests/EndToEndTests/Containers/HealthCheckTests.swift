import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// `status --check`, as probes of containers call it.
@Suite("A health check", .onStage)
struct HealthCheckTests {
    private func check(_ place: Place, _ what: String) throws -> (status: Ending, line: String) {
        let program = try place.call(["status", "--check", what, "--state-dir", place.state])
        let ending = try program.waitForEnd()
        return (ending, program.text(.output) + program.text(.errors))
    }

    private func expectUnready(_ place: Place, _ line: String) throws {
        let result = try check(place, "job")
        #expect(result.status == .exited(1) && result.line == line)
    }

    @Test("passes while supervisor and job are up, and fails once the run has ended")
    func up() throws {
        let place = try Place()
        let program = try place.puppet()
        for what in ["supervisor", "job"] {
            let result = try check(place, what)
            #expect(result.status == .exited(0) && result.line == "it running, attempt 1\n")
        }
        try place.stop(program)
        for what in ["supervisor", "job"] {
            let result = try check(place, what)
            #expect(result.status == .exited(1))
            #expect(result.line.contains("run it is not running (stopped)"))
        }
    }

    @Test(
        "a job that waits to be started again, or is paused, is not ready, and its supervisor lives"
    )
    func notReady() throws {
        let place = try Place()
        let program = try place.puppet(["--backoff", "1h..1h"])
        let pause = try place.call(["pause", "it", "--state-dir", place.state])
        #expect(try pause.waitForEnd() == .exited(0))
        try expectUnready(place, "it paused, attempt 1\n")
        #expect(try check(place, "supervisor").status == .exited(0))
        let on = try place.call(["unpause", "it", "--state-dir", place.state])
        #expect(try on.waitForEnd() == .exited(0))
        #expect(try check(place, "job").status == .exited(0))
        try program.say("exit 3")
        try program.errorLine(with: "starting again in")
        try expectUnready(place, "it backoff, attempt 1\n")
        #expect(try check(place, "supervisor").status == .exited(0))
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }

    @Test("a supervisor that hangs fails it within a bound, whatever its status still says")
    func hung() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.signal(SIGSTOP)
        try program.waitUntilStopped()
        #expect(try place.status().phase == .running)
        let result = try check(place, "supervisor")
        #expect(result.status == .exited(1))
        #expect(result.line.contains("gave no answer"))
        try program.signal(SIGCONT)
        #expect(try check(place, "supervisor").status == .exited(0))
        try place.stop(program)
    }

    @Test("of no run, or of something else, fails too")
    func nothing() throws {
        let place = try Place()
        #expect(try check(place, "job").status == .exited(1))
        #expect(try check(place, "disk").line.contains("supervisor or job"))
        let json = try place.puppet()
        let call = try place.call(
            ["status", "it", "--check", "job", "--json", "--state-dir", place.state])
        #expect(try call.waitForEnd() == .exited(0))
        let status = try JSONText.decode(Status.self, from: call.bytes(.output))
        #expect(status.phase == .running && status.place?.host == hostName())
        try place.stop(json)
    }
}
