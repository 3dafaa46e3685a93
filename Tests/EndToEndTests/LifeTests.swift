import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("The life of a run", .onStage)
struct LifeTests {
    @Test("after a crash it waits, and goes on from the newest checkpoint")
    func crash() throws {
        let place = try Place()
        let program = try place.puppet(["--backoff", "500ms..10s"])
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let newest = try program.checkpoint(step: 2).id
        let start = MonotonicTime.now()
        try program.say("die SEGV")
        let line = try program.errorLine(with: "was killed by SIGSEGV")
        #expect(line.contains("starting again in"))
        try program.nextAttempt(2)
        // A fifth of jitter either way.
        #expect(MonotonicTime.now() - start >= .milliseconds(400))
        #expect(try program.hello(accepts: false).resume?.id == newest)
        try program.errorLine(with: "attempt 2, resuming from \(newest) (verified")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let status = try place.status()
        #expect(status.lastFailure?.kind == .crash && status.lastFailure?.signal == "SIGSEGV")
        #expect(status.outcome?.kind == .completed)
    }

    @Test("failures without progress are counted, and the last one allowed ends the run")
    func maxFailures() throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "3"])
        for attempt in 2...3 {
            try program.say("exit 4")
            try program.nextAttempt(attempt)
        }
        try program.say("exit 5")
        #expect(try program.waitForEnd() == .exited(5))
        #expect(program.text(.errors).contains("giving up (failure 3 of 3"))
        // The next start begins to count anew.
        let second = try place.supervise(
            ["--max-failures", "2"], [place.fixture, "puppet"], hasInput: true)
        try second.nextAttempt(4)
        try second.say("exit 4")
        try second.nextAttempt(5)
        try second.say("exit 6")
        #expect(try second.waitForEnd() == .exited(6))
    }

    @Test("a commit with a higher step starts the count of failures anew, one without does not")
    func progress() throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "2", "--rollback-after", "100"])
        for round in 1...4 {
            // One failure without progress, which a second would add up to.
            try program.say("exit 1")
            try program.nextAttempt(2 * round)
            try program.hello(accepts: false)
            try program.checkpoint(step: Int64(round))
            try program.say("exit 1")
            try program.nextAttempt(2 * round + 1)
        }
        try program.hello(accepts: false)
        try program.checkpoint(step: 4)
        try program.say("exit 1")
        try program.nextAttempt(10)
        try program.say("exit 1")
        #expect(try program.waitForEnd() == .exited(1))
        #expect(try place.status().failures == 2)
    }

    @Test("a checkpoint that makes the job crash is passed over for the next older one")
    func rollback() throws {
        let place = try Place()
        let program = try place.puppet(["--max-failures", "20", "--rollback-after", "2"])
        try program.hello(accepts: false)
        var ids: [CheckpointID] = []
        for step in 1...3 as ClosedRange<Int64> {
            ids.append(try program.checkpoint(step: step).id)
        }
        var resumed: [CheckpointID?] = []
        for attempt in 2...9 {
            try program.say("exit 1")
            try program.nextAttempt(attempt)
            resumed.append(try program.hello(accepts: false).resume?.id)
        }
        // Down to the oldest, and there it stays.
        #expect(
            resumed == [ids[2], ids[2], ids[1], ids[1], ids[0], ids[0], ids[0], ids[0]])
        let suspects = try place.statusOverSocket().suspect
        #expect(Set(suspects) == Set(ids))
        // Real progress clears all suspicion; the newest is the one just made.
        let next = try program.checkpoint(step: 9).id
        #expect(try place.statusOverSocket().suspect.isEmpty)
        try program.say("exit 1")
        try program.nextAttempt(10)
        #expect(try program.hello(accepts: false).resume?.id == next)
        try place.stop(program)
    }

    @Test("a checkpoint that has rotted is set aside, said so, and the next older one is used")
    func rot() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2, 3])
        try place.rot(place.file("checkpoints/\(ids[2])/data/state"))
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[1])
        try program.errorLine(with: "resuming from \(ids[1])")
        let told = program.lines(.errors).filter { $0.contains(ids[2]) }
        #expect(told.count == 1)
        #expect(told.first?.contains("state") == true)
        #expect(place.checkpoints == [ids[0], ids[1]])
        #expect(place.names(in: "set-aside") == [ids[2]])
        // Its number is not used again.
        #expect(try program.checkpoint(step: 9).id.sequence == 4)
        try place.stop(program)
    }

    @Test("rot that comes while it runs is found at the next crash")
    func rotWhileRunning() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let older = try program.checkpoint(step: 1).id
        let newer = try program.checkpoint(step: 2).id
        try place.rot(place.file("checkpoints/\(newer)/data/state"))
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == older)
        try place.stop(program)
        #expect(place.names(in: "set-aside") == [newer.description])
    }

    @Test("a payload file that is missing or of another size is rot as well")
    func missingFile() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2, 3])
        try Disk().removeFile(place.file("checkpoints/\(ids[2])/data/state"))
        try place.directory.write("state/it/checkpoints/\(ids[1])/data/state", "longer than before")
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(program)
        #expect(place.names(in: "set-aside") == [ids[1], ids[2]])
    }

    @Test("where all have rotted it does not begin from the beginning unasked")
    func allRotten() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        for id in ids { try place.rot(place.file("checkpoints/\(id)/data/state")) }
        let record = try place.directory.read("state/it/run.json")
        let before = try place.fingerprint(of: place.file("checkpoints"))
        for _ in 0..<2 {
            let program = try place.supervise([], [place.fixture, "puppet"])
            #expect(try program.waitForEnd() == .exited(125))
            #expect(program.lines(.errors).count == 1)
            #expect(program.text(.errors).contains("--resume-from none"))
            #expect(program.text(.errors).contains("data/state"))
            #expect(program.text(.output).isEmpty)
            #expect(try place.fingerprint(of: place.file("checkpoints")) == before)
            #expect(place.names(in: "set-aside").isEmpty)
            #expect(try place.directory.read("state/it/run.json") == record)
        }
        let anew = try place.puppet(["--resume-from", "none"])
        #expect(try anew.hello(accepts: false).resume == nil)
        try place.stop(anew)
    }

    @Test("two of what was set aside are kept")
    func setAside() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2, 3, 4])
        for id in ids.dropFirst() { try place.rot(place.file("checkpoints/\(id)/data/state")) }
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(program)
        #expect(place.names(in: "set-aside").count == 2)
    }

    @Test("--resume-from goes on from the one that is named, or from the beginning")
    func resumeFrom() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2, 3])
        let chosen = try place.puppet(["--resume-from", ids[1]])
        #expect(try chosen.hello(accepts: false).resume?.id.description == ids[1])
        // A restart of the same supervisor does not go forward to what was not meant.
        try chosen.say("exit 1")
        try chosen.nextAttempt(3)
        #expect(try chosen.hello(accepts: false).resume?.id.description == ids[1])
        try place.stop(chosen)
        let none = try place.puppet(["--resume-from", "none"])
        #expect(try none.hello(accepts: false).resume == nil)
        let made = try none.checkpoint(step: 1).id
        #expect(made.sequence == 4)
        try none.say("exit 1")
        try none.nextAttempt(5)
        #expect(try none.hello(accepts: false).resume?.id == made)
        try place.stop(none)
        let unknown = try place.supervise(
            ["--resume-from", "000099"], [place.fixture, "puppet"])
        #expect(try unknown.waitForEnd() == .exited(125))
        #expect(unknown.lines(.errors).count == 1)
        #expect(unknown.text(.errors).contains("000099"))
    }
}
