import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("A guard that somebody has stopped", .onStage)
struct StoppedGuardTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Kills a supervisor whose guard is stopped.
    private func killBesideStoppedGuard(_ program: Program) throws -> ProcessHandle {
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
        return guardian
    }

    @Test("is named by the next start, with what to do; then the run goes on")
    func named() throws {
        let program = try place.puppet()
        let guardian = try killBesideStoppedGuard(program)
        let refused = try place.supervise([], [place.fixture, "puppet"])
        #expect(try refused.waitForEnd() == .exited(125))
        #expect(
            refused.text(.errors).contains("kill -CONT \(guardian.pid)")
                && refused.text(.errors).contains("pid \(program.pid), is gone"))
        #expect(!refused.text(.errors).contains("--name"))
        try guardian.signal(18)
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        try place.stop(next)
    }

    @Test(
        "is named by resume, settle and prune, too; then resume goes on", arguments: [false, true])
    func commands(isPaused: Bool) throws {
        let program = try place.puppet()
        if isPaused { _ = try place.supervisorAnswer(["pause", "it"]) }
        let guardian = try killBesideStoppedGuard(program)
        let calls: [(words: [String], status: Int32, again: String)] = [
            (["resume", "it"], 125, "start again"),
            (["settle", "it"], 1, "settle it again"),
            (["prune", "it"], 1, "try again"),
        ]
        for call in calls {
            let errors = try place.supervisorAnswer(call.words, status: call.status).errors
            #expect(errors.contains("pid \(program.pid), is gone"), "\(errors)")
            #expect(errors.contains("kill -CONT \(guardian.pid), and \(call.again)"), "\(errors)")
            #expect(!errors.contains("in use") && !errors.contains("unpause"), "\(errors)")
        }
        let all = try place.supervisorAnswer(["settle", "--all"])
        #expect(all.errors.contains("kill -CONT \(guardian.pid)"))
        try guardian.signal(18)
        let next = try place.call(["resume", "it", "--state-dir", place.state], hasInput: true)
        try next.nextAttempt(2)
        try place.stop(next)
    }
}
