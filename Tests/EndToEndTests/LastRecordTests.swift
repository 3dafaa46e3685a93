import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A disk that takes long for the record that says how the run has ended, or never takes it.
@Suite("The last record", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct LastRecordTests {
    private static let waiting = "waiting until the disk has taken the run record: up to 10 min"
    private static let unfinished = "the run counts as unfinished"

    private let place: Place
    private let disk: Preload

    init() throws {
        place = try Place()
        disk = try Preload(in: place)
    }

    private func puppet(_ options: [String] = []) throws -> Program {
        let program = try place.puppet(options, environment: disk.environment)
        try program.hello()
        try program.checkpoint(step: 1)
        return program
    }

    /// Starts the run once more: its job goes on from the checkpoint.
    private func goesOn() throws {
        let again = try place.puppet(["--when-completed", "exit"])
        #expect(try place.status().attempt == 2)
        #expect(try again.hello(accepts: false).resume?.id.description == "000001-step-1")
        try place.stop(again)
    }

    @Test("a completed run waits for a slow disk, exits with 0, and has completed")
    func completed() throws {
        let program = try puppet()
        try disk.hangDisk(.record)
        try program.say("exit 0")
        try program.errorLine(with: Self.waiting)
        #expect(try place.record().outcome == nil)
        #expect(try place.statusOverSocket().phase == .stopping)
        try disk.freeDisk(.record)
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.record().outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(try place.status().outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(program.lines(.errors).last == "supervise: completed")
        let again = try place.supervise(["--when-completed", "exit"], [place.fixture, "puppet"])
        #expect(try again.waitForEnd() == .exited(0))
        #expect(again.text(.output).isEmpty, "its job does not run again")
    }

    @Test("a job that failed for good waits for a slow disk, and keeps its own status")
    func failed() throws {
        let program = try puppet(["--max-failures", "1", "--restart", "never"])
        try disk.hangDisk(.record)
        try program.say("exit 7")
        try program.errorLine(with: Self.waiting)
        #expect(try place.record().outcome == nil)
        try disk.freeDisk(.record)
        #expect(try program.waitForEnd() == .exited(7))
        #expect(try place.record().outcome == Outcome(kind: .failed, exitCode: 7))
    }

    @Test("SIGTERM ends the wait of a completed run: it dies by it, and is unfinished")
    func signal() throws {
        let program = try puppet()
        try disk.hangDisk(.record)
        try program.say("exit 0")
        try program.errorLine(with: Self.waiting)
        let start = MonotonicTime.now()
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(MonotonicTime.now() - start < patience / 20)
        #expect(program.text(.errors).contains(Self.unfinished))
        try disk.freeDisk(.record)
        #expect(try place.record().outcome == nil)
        try goesOn()
    }

    @Test("a supervisor that is killed in the wait leaves a run that goes on")
    func killed() throws {
        let program = try puppet()
        try disk.hangDisk(.record)
        try program.say("exit 0")
        try program.errorLine(with: Self.waiting)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try disk.freeDisk(.record)
        #expect(try place.record().outcome == nil)
        try goesOn()
    }

    @Test("a stop does not wait for a disk that hangs, and the run goes on at the next start")
    func stopHung() throws {
        let program = try puppet()
        try disk.hangDisk(.record)
        try place.connect().send(line: #"{"type":"control","command":"stop","checkpoint":false}"#)
        try program.line(starting: "signal SIGTERM")
        let start = MonotonicTime.now()
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(MonotonicTime.now() - start < patience / 20)
        #expect(program.text(.errors).contains(Self.unfinished))
        try disk.freeDisk(.record)
        #expect(try place.record().outcome == nil)
        try goesOn()
    }

    /// The disk may be quick enough for the stop's bound or not: what is said is what is so.
    @Test("a stop with a slow disk says that the run is unfinished, or its record is durable")
    func stopSlow() throws {
        let program = try puppet()
        try disk.hangDisk(.record)
        try place.connect().send(line: #"{"type":"control","command":"stop","checkpoint":false}"#)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        try waitForChange(in: place.file("")) { pathExists(place.file("run.json.tmp")) }
        try disk.freeDisk(.record)
        #expect(try program.waitForEnd() == .signaled(15))
        let isSaid = program.text(.errors).contains(Self.unfinished)
        #expect(isSaid == (try place.record().outcome == nil))
        try goesOn()
    }

    @Test("a reader of standard error that is gone does not end the wait")
    func noReader() throws {
        let line = [
            "sh", "-c", "mkfifo e; cat e > /dev/null & echo $! > reader; exec \"$@\" 2> e", "sh",
            place.binary,
        ]
        let call = place.arguments(["--backoff", "0ms..0ms"]) + [place.fixture, "puppet"]
        let program = try place.start(line + call, environment: disk.environment, hasInput: true)
        try program.nextAttempt(1)
        try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        try program.say("run kill $(cat \(place.path)/reader); echo gone")
        try program.line(starting: "gone")
        try disk.hangDisk(.record)
        try program.say("exit 0")
        try waitBriefly { try place.statusOverSocket().phase == .stopping }
        try disk.freeDisk(.record)
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.record().outcome?.kind == .completed)
    }
}
