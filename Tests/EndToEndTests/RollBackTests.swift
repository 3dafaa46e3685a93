import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Stepping back from checkpoints that attempts fail from, and going back because somebody asks.
@Suite("Rolling back", .onStage)
struct RollBackTests {
    @Test("a job that cannot go on from its newest checkpoint goes on from the one before")
    func poisoned() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [10, 20])
        let program = try place.puppet()
        for attempt in 3...4 {
            #expect(try program.hello(accepts: false).resume?.id.description == ids[1])
            try program.say("exit 3")
            if attempt == 4 {
                let line = "rolling back to \(ids[0]): 2 failures in a row from \(ids[1])"
                try program.errorLine(with: line)
            }
            try program.nextAttempt(attempt)
        }
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        let suspect = try place.statusOverSocket()
        #expect(suspect.suspect.map(\.description) == [ids[1]])
        let view = try place.call(["status", "--state-dir", place.state])
        #expect(try view.waitForEnd() == .exited(0))
        #expect(view.text(.output).contains("suspect      \(ids[1])"))
        try program.checkpoint(step: 15)
        #expect(try place.statusOverSocket().suspect == [])
        try place.stop(program)
        let told = try place.events().compactMap {
            if case .rolledBack(let told) = $0 { told } else { nil }
        }
        #expect(told.map(\.to.description) == [ids[0]] && told.first?.failures == 2)
    }

    @Test("a checkpoint that takes supervisor and job down with it is stepped back from as well")
    func takesMachineDown() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [10, 20])
        for _ in 1...2 {
            let program = try place.puppet()
            #expect(try program.hello(accepts: false).resume?.id.description == ids[1])
            try program.signal(9)
            #expect(try program.waitForEnd() == .signaled(9))
        }
        let program = try place.puppet()
        try program.errorLine(with: "rolling back to \(ids[0]): 2 failures in a row")
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        #expect(try place.statusOverSocket().failures == 0)
        try place.stop(program)
    }

    @Test("resume --from goes back, keeps what came later, and says so")
    func from() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [10, 20, 30])
        let back = try place.call(
            ["resume", Place.name, "--from", "1", "--state-dir", place.state], hasInput: true)
        try back.nextAttempt(2)
        try back.errorLine(with: "going back to \(ids[0]), as asked; 2 newer checkpoints up to")
        #expect(try back.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(back)
        #expect(place.checkpoints == ids)
        // Nothing was committed, and so it is as if nobody had gone back.
        let plain = try place.puppet()
        #expect(try plain.hello(accepts: false).resume?.id.description == ids[2])
        try place.stop(plain)
        let again = try place.call(
            ["resume", Place.name, "--from", ids[0], "--state-dir", place.state], hasInput: true)
        try again.nextAttempt(4)
        try again.hello(accepts: false)
        let newest = try again.checkpoint(step: 11).id.description
        try place.stop(again)
        #expect(place.checkpoints == ids + [newest])
        let last = try place.puppet()
        #expect(try last.hello(accepts: false).resume?.id.description == newest)
        try place.stop(last)
    }

    @Test("with auto the first request is due 30 s after the hello, and then by what was measured")
    func auto() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-every", "auto"])
        try program.hello(accepts: true)
        let first = try place.statusOverSocket()
        let due = try #require(first.nextCheckpoint).seconds(since: first.updated)
        #expect(due > 0 && due <= 30)
        #expect(first.schedule?.mode == .auto && first.schedule?.interval == 30)
        try program.checkpoint(step: 1)
        let second = try place.statusOverSocket()
        #expect(second.schedule?.experience.measured == 1)
        #expect(second.schedule?.interval ?? 0 >= 30)
        // The record is written after the answer.
        try waitForChange(in: place.file("")) { try place.record().experience.measured == 1 }
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let again = try place.puppet(["--checkpoint-every", "auto"])
        let third = try place.statusOverSocket()
        #expect(third.schedule?.experience.measured == 1)
        #expect(third.schedule?.experience.failures == 1)
        #expect(third.schedule?.experience.cost == second.schedule?.experience.cost)
        try place.stop(again)
    }
}
