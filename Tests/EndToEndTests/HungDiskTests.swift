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

    @Test("under the log: all that the job writes is passed on, and the log tells what it lacks")
    func log() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let job = "echo up; read x; seq 1000000; echo over; read x; echo more; read x; echo end"
        let program = try place.start(
            [place.binary] + place.arguments(["--capture"]) + ["sh", "-c", job],
            environment: disk.environment, hasInput: true)
        let log = place.file("output/attempt-0001.log")
        try program.line(starting: "up")
        try waitForChange(in: place.file("output")) { try readSmallFile(log) == "up\n" }
        try disk.hangDisk(.log)
        try program.say("go")
        try program.errorLine(with: "output is being lost, as it cannot be kept: the disk with")
        try program.line(starting: "over")
        try program.say("go")
        try program.line(starting: "more")
        try disk.freeDisk(.log)
        // What waited in memory is written.
        try waitBriefly { try Disk().status(log).size > 3 << 20 }
        try program.say("go")
        #expect(try program.waitForEnd() == .exited(0))
        let all = "up\n" + (1...1_000_000).map { "\($0)\n" }.joined() + "over\nmore\nend\n"
        #expect(program.bytes(.output) == Array(all.utf8))
        #expect(program.text(.errors).ranges(of: "output is being lost").count == 1)
        let kept = String(decoding: try Disk().readFile(log, limit: 64 << 20), as: UTF8.self)
        #expect(Self.gaps(in: kept, of: Array(all.utf8)) >= 1)
    }

    /// Holds what was kept against all that was written: where it tells of a gap, so much is missing.
    ///
    /// - Returns: how many gaps there are; a disk may hang more than once.
    private static func gaps(in kept: String, of all: [UInt8]) -> Int {
        let pieces = kept.split(separator: "supervise: ", omittingEmptySubsequences: false)
        #expect(fits(pieces[...], all[...], hasGapBefore: false), "\(pieces.count) pieces")
        return pieces.count - 1
    }

    /// - Parameter hasGapBefore: the first piece begins with the line that tells of one.
    private static func fits(
        _ pieces: ArraySlice<Substring>, _ all: ArraySlice<UInt8>, hasGapBefore: Bool
    ) -> Bool {
        guard let first = pieces.first else { return all.isEmpty }
        var piece = Array(first.utf8)[...]
        var rest = all
        if hasGapBefore {
            let words = first.split(separator: " bytes of the output are missing here\n")
            guard let missing = words.first.flatMap({ Int($0) }) else { return false }
            rest = rest.dropFirst(missing)
            piece = piece.drop { $0 != UInt8(ascii: "\n") }.dropFirst()
        }
        if pieces.count == 1 { return rest == piece }
        // What tells of a gap stands on a line of its own: the end of the line before may be the job's.
        return [piece, piece.dropLast()].contains { own in
            rest.starts(with: own)
                && fits(pieces.dropFirst(), rest.dropFirst(own.count), hasGapBefore: true)
        }
    }

    @Test(
        "a watched file that is removed while it is taken is no failure, and the next one is taken",
        arguments: [AddMode.copy, .own])
    func removedWhileTaken(mode: AddMode) throws {
        let place = try Place()
        let disk = try Preload(in: place)
        _ = try place.directory.makeDirectory("out")
        let options = ["--watch", "out/state-*", "--watch-mode", mode.rawValue]
        let program = try place.puppet(options, environment: disk.environment)
        try disk.hangDisk()
        func run(_ line: String) throws {
            try program.say("run \(line); echo done")
            try program.line(starting: "done")
        }
        func save(_ number: Int) throws {
            try run("echo state of \(number) > part; mv part out/state-\(number)")
        }
        try save(1)
        try waitBriefly { !place.names(in: "staging").isEmpty }
        for number in 2...3 { try save(number) }
        try run("rm out/state-1")
        try disk.freeDisk()
        try waitForChange(in: place.file("")) { try place.status().checkpoint?.id.step == 3 }
        try place.stop(program)
        let taken = place.checkpoints.compactMap { CheckpointID($0)?.step }
        // Its copy may have been complete before it was removed.
        #expect(taken == [2, 3] || mode == .copy && taken == [1, 2, 3], "\(place.checkpoints)")
        let events = try place.events()
        #expect(!events.contains { if case .checkpointFailed = $0 { true } else { false } })
        #expect(!events.contains { if case .warning = $0 { true } else { false } }, "\(events)")
    }

    @Test(
        "slow under the log: a living reader of a pipe gets the last bytes, however late they come")
    func slowLog() throws {
        let place = try Place()
        let disk = try Preload(in: place)
        let reader = try SlowReader(in: place)
        try disk.slowLog()
        // More than waits in memory for the disk; the rest is in the job's pipe when it ends.
        let waiting = 4 << 20
        let bytes = waiting + 800_000
        let call =
            [place.binary] + place.arguments(["--capture"])
            + ["sh", "-c", "head -c \(bytes) /dev/zero"]
        let program = try place.start(
            ["sh", "-c", "exec \"$@\" > fifo", "sh"] + call, environment: disk.environment)
        // So long that the end is decided meanwhile: the reader has all that has come by then.
        try reader.read(waiting + (6 << 16))
        try disk.hastenLog()
        #expect(try !program.passes(.milliseconds(1500)))
        try reader.read(bytes)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        try reader.readRest()
        #expect(reader.bytes.count == bytes)
        #expect(try place.status().output == nil)
    }

    @Test("under the log: a stop does not wait for it, and the job's end hardly")
    func endWithLog() throws {
        for ending in ["stop", "exit 0"] {
            let place = try Place()
            let disk = try Preload(in: place)
            let program = try place.puppet(["--capture"], environment: disk.environment)
            try disk.hangDisk(.log)
            try program.say("run seq 3")
            try program.line(starting: "3")
            let start = MonotonicTime.now()
            if ending == "stop" { try place.stop(program) } else { try program.say(ending) }
            _ = try program.waitForEnd()
            #expect(MonotonicTime.now() - start < patience / 20, "\(ending)")
            #expect(try place.status().outcome != nil)
            try disk.freeDisk(.log)
        }
    }
}
