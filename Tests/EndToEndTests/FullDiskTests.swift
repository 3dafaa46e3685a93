import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A state directory on a small file system of its own, which only root can mount.
@Suite(
    "A disk that is full or read-only", .onStage, .enabled(if: userId() == 0, "only root mounts"))
struct FullDiskTests {
    private func start(_ place: Place) throws -> Program {
        _ = try place.directory.makeDirectory("state")
        let line = "mount -t tmpfs -o size=1m none state && exec \"$@\""
        let call = [place.binary] + place.arguments(["--verbose"]) + [place.fixture, "puppet"]
        let program = try place.start(
            ["unshare", "--mount", "sh", "-c", line, "sh"] + call, hasInput: true)
        try program.nextAttempt(1)
        return program
    }

    @Test("what does not fit is refused, what was saved stays, and the job goes on")
    func full() throws {
        let place = try Place()
        let program = try start(place)
        try program.hello(accepts: false)
        let first = try program.checkpoint(step: 1)
        let large = try place.directory.write("large", String(repeating: "x", count: 2 << 20))
        try program.send(.add(.init(path: large, step: 2)))
        #expect(try program.refusal().code == .noSpace)
        let second = try program.checkpoint(step: 3)
        // Nothing at all is left now.
        try program.say("run cat /dev/zero > \(place.state)/filling 2>/dev/null; echo filled")
        try program.line(starting: "filled")
        try program.send(.add(.init(path: large, step: 4)))
        #expect(try program.refusal().code == .noSpace)
        try program.send(.progress(.init(step: 5)))
        try program.say("run rm \(place.state)/filling; echo emptied")
        try program.line(starting: "emptied")
        let third = try program.checkpoint(step: 6)
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == third.id)
        #expect(first.id < second.id && second.id < third.id)
        try place.stop(program)
    }

    @Test("checkpoints that nothing protects go, said aloud, and the commit is tried once more")
    func room() throws {
        let place = try Place()
        let program = try start(place)
        try program.hello(accepts: false)
        let filling = String(repeating: "x", count: 200_000)
        let large = try place.directory.write("large", filling)
        // Three of them fit into the file system, and a fourth does not.
        for step in 1...4 as ClosedRange<Int64> {
            try program.send(.add(.init(path: large, step: step)))
            _ = try program.committed()
        }
        let huge = try place.directory.write("huge", String(repeating: "x", count: 600_000))
        try program.send(.add(.init(path: huge, step: 5)))
        #expect(try program.committed().id.description == "000005-step-5")
        try program.say("run ls \(place.state)/it/checkpoints | tr '\\n' ' '; echo")
        try program.line(starting: "000004-step-4 000005-step-5")
        try place.stop(program)
        let errors = program.text(.errors)
        #expect(errors.contains("the disk is full: removing checkpoint 000001-step-1, whatever"))
        #expect(errors.contains("the disk is full: removing checkpoints 000002-step-2, 000003"))
    }

    @Test("the record of a completed run is written once a full disk has room again")
    func lastRecord() throws {
        let place = try Place()
        let program = try start(place)
        try program.say("run cat /dev/zero > \(place.state)/filling 2>/dev/null; echo filled")
        try program.line(starting: "filled")
        try program.say("exit 0")
        try program.errorLine(with: "the run record cannot be written")
        try program.errorLine(with: "waiting until the disk has taken the run record")
        try Disk().removeFile("/proc/\(program.pid)/root\(place.state)/filling")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.errors).last == "supervise: completed")
    }

    @Test("a disk that becomes read-only stops no job, and the stop is still in order")
    func readOnly() throws {
        let place = try Place()
        let program = try start(place)
        try program.hello(accepts: false)
        let first = try program.checkpoint(step: 1)
        // Not all of it: a file system that a lock is held on cannot be made read-only.
        let staging = place.file("staging")
        let mount = "mount --bind \(staging) \(staging) && mount -o remount,ro,bind \(staging)"
        try program.say("run \(mount); echo remounted")
        try program.line(starting: "remounted")
        try program.send(.begin(.init(step: 2)))
        let error = try program.refusal()
        #expect(error.code == .io)
        #expect(error.message.contains("Read-only file system"))
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == first.id)
        try place.stop(program)
    }
}
