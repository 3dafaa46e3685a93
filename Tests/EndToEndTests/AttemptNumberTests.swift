import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Attempts of a run whose supervisor dies before its record knows of them.
@Suite(
    "The number of an attempt", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct AttemptNumberTests {
    /// Attempt 2 runs, and the record on the disk knows of attempt 1.
    private func unrecorded(_ place: Place) throws -> Program {
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try disk.hangDisk(.record)
        try program.say("exit 3")
        try program.nextAttempt(2)
        #expect(try place.record().attempt == 1)
        return program
    }

    private func guardian(of program: Program) throws -> ProcessHandle {
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let found = try children.split(separator: " ").compactMap { Int32($0) }.filter {
            try readSmallFile("/proc/\($0)/comm") == "supervise-guard\n"
        }
        return try ProcessHandle(opening: #require(found.first))
    }

    @Test("is not given again after the supervisor was killed; the guard tells which came last")
    func killed() throws {
        let place = try Place()
        let program = try unrecorded(place)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(3)
        try place.stop(next)
        let last = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try last.nextAttempt(4)
        try place.stop(last)
    }

    @Test("is not given again after supervisor and guard were killed; then some are skipped")
    func bothKilled() throws {
        let place = try Place()
        let program = try unrecorded(place)
        let guardian = try guardian(of: program)
        // It could start another one.
        try program.signal(19)
        try program.waitUntilStopped()
        try guardian.signal(9)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(10)
        try place.stop(next)
        let last = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try last.nextAttempt(11)
        try place.stop(last)
    }
}
