import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Attempts of a run whose supervisor dies before its record knows of them.
@Suite(
    "The number of an attempt", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct AttemptNumberTests {
    /// Two attempts run, and the record on the disk knows of the first one only.
    private func unrecorded(_ place: Place, _ disk: Preload, first: Int = 1) throws -> Program {
        let program = try place.supervise(
            [], [place.fixture, "puppet"], environment: disk.environment, hasInput: true)
        try program.nextAttempt(first)
        try disk.hangDisk(.record)
        try program.say("exit 3")
        try program.nextAttempt(first + 1)
        #expect(try place.record().attempt == first)
        return program
    }

    private func killBoth(_ program: Program) throws {
        let guardian = try guardian(of: program)
        // It could start another one.
        try program.signal(19)
        try program.waitUntilStopped()
        try guardian.signal(9)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
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
        let program = try unrecorded(place, Preload(in: place))
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
        try killBoth(unrecorded(place, Preload(in: place)))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(10)
        try place.stop(next)
        let last = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try last.nextAttempt(11)
        try place.stop(last)
    }

    @Test("what a guard has noted is believed once, and not of a later supervisor")
    func oldNote() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try unrecorded(place, disk)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try disk.freeDisk(.record)
        try killBoth(unrecorded(place, disk, first: 3))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(12)
        try place.stop(next)
    }

    @Test("begins at 1 for a run that was removed by hand, whatever was noted of it")
    func removed() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        _ = try FileLock.takeWaiting("\(place.state)/.locks/\(Place.name)")
        let gone = try place.start(["rm", "-r", place.file("")])
        #expect(try gone.waitForEnd() == .exited(0))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(1)
        try place.stop(next)
    }
}
