import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// What is kept of a run that runs: rules, pins, and operators who delete.
@Suite("Keeping", .onStage)
struct KeepingTests {
    private func call(_ place: Place, _ words: String...) throws -> (JobEnd, String) {
        let program = try place.call(words + ["--state-dir", place.state])
        let end = try program.waitForEnd()
        return (
            "\(end)" == "exited(0)" ? .good : .bad, program.text(.output) + program.text(.errors)
        )
    }

    private enum JobEnd { case good, bad }

    @Test("what any rule keeps stays, and the limits remove the oldest")
    func rules() throws {
        let place = try Place()
        let program = try place.puppet(["--keep-last", "1", "--keep-every", "20"])
        try program.hello(accepts: false)
        for step in [10, 20, 30, 40, 50] as [Int64] { try program.checkpoint(step: step) }
        try place.stop(program)
        #expect(
            place.checkpoints == [
                "000001-step-10", "000002-step-20", "000004-step-40",
                "000005-step-50",
            ])
        // Those of an earlier supervisor count as well.
        let second = try place.puppet(["--keep-last", "9", "--max-bytes", "1B"])
        try second.hello(accepts: false)
        try second.checkpoint(step: 60)
        try place.stop(second)
        #expect(place.checkpoints == ["000005-step-50", "000006-step-60"])
    }

    @Test("through the supervisor a checkpoint is pinned, unpinned and deleted")
    func operators() throws {
        let place = try Place()
        let program = try place.puppet(["--keep-last", "2"])
        try program.hello(accepts: false)
        for step in [1, 2] as [Int64] { try program.checkpoint(step: step) }
        #expect(try call(place, "checkpoints", "it", "pin", "1").0 == .good)
        for step in [3, 4] as [Int64] { try program.checkpoint(step: step) }
        let kept = ["000001-step-1", "000003-step-3", "000004-step-4"]
        // Beside the job, and so perhaps a moment later.
        try waitBriefly { place.checkpoints == kept }
        let refused = try call(place, "checkpoints", "it", "delete", "1")
        #expect(refused.0 == .bad && refused.1.contains("is pinned"), "\(refused)")
        #expect(try call(place, "checkpoints", "it", "delete", "4").0 == .bad)
        #expect(try call(place, "checkpoints", "it", "delete", "3").0 == .good)
        #expect(try call(place, "checkpoints", "it", "unpin", "1").0 == .good)
        try program.checkpoint(step: 5)
        let pruned = try call(place, "prune", "it")
        #expect(pruned.0 == .good && pruned.1.contains("2 checkpoints"), "\(pruned)")
        #expect(place.checkpoints == ["000004-step-4", "000005-step-5"])
        // A pin outlives the supervisor.
        #expect(try call(place, "checkpoints", "it", "pin", "4").0 == .good)
        try program.say("die KILL")
        try program.nextAttempt(2)
        try program.hello(accepts: false)
        for step in [6, 7, 8] as [Int64] { try program.checkpoint(step: step) }
        try waitBriefly { place.checkpoints.count == 4 }
        #expect(place.checkpoints.contains("000004-step-4"))
        try place.stop(program)
    }

    @Test("damaged pins cost nothing: the job runs, and nothing is removed")
    func damagedPins() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1, 2, 3])
        try Disk().writeFile(place.file("pins.json"), Array("{\"format\":1,\"pins\":[".utf8))
        let program = try place.puppet(["--keep-last", "1"])
        try program.hello(accepts: false)
        try program.checkpoint(step: 4)
        #expect(place.checkpoints.count == 4)
        let refused = try call(place, "prune", "it")
        #expect(refused.0 == .bad && refused.1.contains("pins.json"), "\(refused)")
        try place.stop(program)
        #expect(program.text(.errors).contains("no checkpoint is removed"))
        #expect(place.checkpoints.count == 4)
    }
}
