import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A disk that does not answer: no sync comes to its end.
@Suite("A hung disk", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct HungDiskTests {
    @Test("under a final commit and the records: the stop comes to its end in its time")
    func stop() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(
            ["--checkpoint-timeout", "500ms", "--stop-timeout", "500ms"],
            environment: disk.environment)
        try program.hello()
        let first = try program.checkpoint(step: 1).id
        try disk.hangDisk()
        let start = MonotonicTime.now()
        try program.signal(15)
        let request = try program.request().request
        let began = try program.begin(step: 2, request: request)
        try program.send(.commit(.init(id: began.id)))
        // Nobody is signalled while there is time.
        #expect(try program.message().message == .stop(deadline: 0.5))
        #expect(MonotonicTime.now() - start >= .milliseconds(500))
        try program.line(starting: "signal SIGTERM")
        #expect(try program.waitForEnd() == .signaled(15))
        let taken = MonotonicTime.now() - start
        #expect((.milliseconds(1000)...patience / 20).contains(taken), "\(taken)")
        try disk.freeDisk()
        #expect(place.checkpoints == [first.description])
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.id == first)
        try place.stop(again)
    }

    @Test("under a commit that came before: a third SIGTERM waits for nothing")
    func thirdSignal() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(
            ["--checkpoint-timeout", "1h", "--stop-timeout", "1h"], environment: disk.environment)
        try program.hello(accepts: false)
        try disk.hangDisk()
        let began = try program.begin(step: 2)
        try program.send(.commit(.init(id: began.id)))
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        // The job is gone, and the commit is waited for.
        for _ in 0..<2 {
            #expect(!(try program.passes(.milliseconds(600))))
            try program.signal(15)
        }
        #expect(try program.waitForEnd() == .signaled(15))
        try disk.freeDisk()
    }

    @Test("where the job completes does not hold the end for more than its time")
    func completed() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(environment: disk.environment)
        try disk.hangDisk()
        let start = MonotonicTime.now()
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(MonotonicTime.now() - start < patience / 20)
        try disk.freeDisk()
    }

    @Test("a restart waits for the commit that it has received")
    func restart() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let program = try place.puppet(
            ["--checkpoint-timeout", "300ms", "--stop-timeout", "300ms"],
            environment: disk.environment)
        try program.hello()
        try program.checkpoint(step: 1)
        try disk.hangDisk()
        let began = try program.begin(step: 2)
        try program.send(.commit(.init(id: began.id)))
        try place.connect().send(line: #"{"type":"control","command":"restart"}"#)
        #expect(try program.request().final)
        try program.say("exit 0")
        #expect(!(try program.passes(.milliseconds(1500))))
        #expect(!program.text(.output).contains("ready 2"))
        // The disk answers again.
        try disk.freeDisk()
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == began.id)
        try place.stop(program)
    }
}
