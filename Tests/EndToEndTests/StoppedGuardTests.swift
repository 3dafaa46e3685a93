import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A guard that somebody has stopped", .onStage)
struct StoppedGuardTests {
    @Test("is named by the next start, with what to do; then the run goes on")
    func named() throws {
        let place = try Place()
        let program = try place.puppet()
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let guards = try children.split(separator: " ").compactMap { Int32($0) }.filter {
            try readSmallFile("/proc/\($0)/comm") == "supervise-guard\n"
        }
        let pid = try #require(guards.first)
        let guardian = try ProcessHandle(opening: pid)
        try guardian.signal(19)
        try waitBriefly { try place.processState("\(pid)") == "T" }
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let refused = try place.supervise([], [place.fixture, "puppet"])
        #expect(try refused.waitForEnd() == .exited(125))
        #expect(
            refused.text(.errors).contains("kill -CONT \(pid)")
                && refused.text(.errors).contains("pid \(program.pid), is gone"))
        #expect(!refused.text(.errors).contains("--name"))
        try guardian.signal(18)
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        try place.stop(next)
    }
}
