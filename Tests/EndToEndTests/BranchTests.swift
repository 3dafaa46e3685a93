import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Retention after a run went back: each rule counts each branch by itself.
@Suite("Branches of a run", .onStage)
struct BranchTests {
    /// Goes back to one of a stopped run's checkpoints by `resume --from`, and saves these steps.
    private func goBack(
        _ place: Place, to number: String, _ attempt: Int, saving steps: [Int64]
    ) throws {
        let back = try place.call(
            ["resume", Place.name, "--from", number, "--state-dir", place.state], hasInput: true)
        try back.nextAttempt(attempt)
        try back.hello(accepts: false)
        for step in steps { try back.checkpoint(step: step) }
        try place.stop(back)
    }

    private func numbers(_ place: Place) -> [String] {
        place.checkpoints.map { String($0.prefix(6).drop { $0 == "0" }) }
    }

    private func prune(_ place: Place, _ rules: [String] = []) throws -> String {
        let program = try place.call(["prune", "it"] + rules + ["--state-dir", place.state])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("no prune") }
        return program.text(.output)
    }

    /// Steps are 5, 10, 15 and so on; all in one hour.
    @Test(
        "after resume --from 2 the older branch keeps what each rule keeps of it",
        arguments: [
            (["--keep-last", "1", "--keep-every", "5"], "1 2 3 4 6"),
            (["--keep-last", "1"], "2 4 6"),
            (["--keep-last", "2"], "2 3 4 5 6"),
            (["--keep-last", "1", "--keep-hourly", "3"], "2 4 6"),
            (["--keep-last", "1", "--keep-daily", "3"], "2 4 6"),
            (["--keep-last", "1", "--keep-weekly", "3"], "2 4 6"),
        ])
    func eachRule(rules: [String], staying: String) throws {
        let place = try Place()
        let hour = wallClockNow() / 3_600_000_000_000
        try place.stoppedRun(["--keep-last", "9"] + rules.dropFirst(2), saving: [5, 10, 15, 20])
        let back = try place.puppet(["--resume-from", try place.id(2)] + rules)
        try back.hello(accepts: false)
        for step in [11, 16] as [Int64] { try back.checkpoint(step: step) }
        try place.stop(back)
        // What a removal has not come to yet goes by this one, with the rules that were recorded.
        _ = try prune(place)
        // If the clock has struck in between, there are two of each period.
        guard hour == wallClockNow() / 3_600_000_000_000 else { return }
        #expect(numbers(place).joined(separator: " ") == staying)
        #expect(back.text(.errors).contains("2 newer checkpoints up to 000004-step-20 stay"))
    }

    @Test("resume NAME --from 2 leaves 3 and 4 to --keep-every, as it says")
    func issue() throws {
        let place = try Place()
        let rules = ["--keep-last", "1", "--keep-every", "5"]
        try place.stoppedRun(rules, saving: [5, 10, 15, 20])
        try goBack(place, to: "2", 2, saving: [11, 15, 20, 25])
        let view = try prune(place)
        #expect(numbers(place) == ["1", "2", "3", "4", "6", "7", "8"])
        #expect(view.contains("every (branch of 000004-step-20)"))
        #expect(try place.record().branches == [.init(first: 5, parent: 2, asked: true)])
    }

    @Test("the best of each branch stay")
    func best() throws {
        let place = try Place()
        let rules = ["--keep-last", "1", "--keep-best", "1:loss:min"]
        func save(_ program: Program, _ step: Int64, loss: Double) throws {
            let began = try program.begin(step: step)
            let metrics = Metrics(["loss": loss])
            try program.send(.commit(.init(id: began.id, metrics: metrics)))
            _ = try program.committed()
        }
        let program = try place.puppet(rules)
        try program.hello(accepts: false)
        for (step, loss) in [(10, 5.0), (20, 4.0), (30, 1.0), (40, 3.0)] {
            try save(program, Int64(step), loss: loss)
        }
        try place.stop(program)
        _ = try prune(place)
        #expect(numbers(place) == ["3", "4"])
        let back = try place.puppet(["--resume-from", try place.id(3)] + rules)
        try back.hello(accepts: false)
        try save(back, 41, loss: 0.5)
        try save(back, 51, loss: 2.0)
        try place.stop(back)
        _ = try prune(place)
        // 3 is the best of the older branch, and 5 that of the newer one.
        #expect(numbers(place) == ["3", "4", "5", "6"])
    }

    @Test("a linear history that a rule has thinned is one branch, also where its record is lost")
    func thinned() throws {
        let place = try Place()
        let rules = ["--keep-last", "1", "--keep-every", "20"]
        let steps = (1...9).map { Int64($0 * 5) }
        try place.stoppedRun(rules, saving: steps)
        _ = try prune(place)
        #expect(numbers(place) == ["1", "4", "8", "9"])
        #expect(try place.record().branches == [])
        try Disk().removeFile(place.file("run.json"))
        let program = try place.puppet(rules)
        try program.hello(accepts: false)
        try program.checkpoint(step: 50)
        try place.stop(program)
        try place.lastAttemptResumesFromNewest(rules)
        _ = try prune(place)
        #expect(numbers(place) == ["1", "4", "8", "10"])
        #expect(try place.record().branches == [])
    }

    @Test("twice forked, forked from a fork, and gone back to an old end: each end stays")
    func many() throws {
        let place = try Place()
        try place.stoppedRun(["--keep-last", "1"], saving: [10])
        let keep = ["--keep-last", "9"]
        let wide = try place.puppet(keep)
        try wide.hello(accepts: false)
        for step in [20, 30] as [Int64] { try wide.checkpoint(step: step) }
        try place.stop(wide)
        for _ in 1...2 {
            let back = try place.puppet(["--resume-from", try place.id(1)] + keep)
            try back.hello(accepts: false)
            for step in [21, 31] as [Int64] { try back.checkpoint(step: step) }
            try place.stop(back)
        }
        // 1; 2 and 3; 4 and 5; 6 and 7, of which 8 goes on from 6.
        let nested = try place.puppet(["--resume-from", try place.id(6)] + keep)
        try nested.hello(accepts: false)
        try nested.checkpoint(step: 32)
        try place.stop(nested)
        _ = try prune(place, ["--keep-last", "1"])
        #expect(numbers(place) == ["3", "5", "6", "7", "8"], "6 is the one resumed from")
        // 3 is the end of an old branch, which 9 continues.
        let again = try place.puppet(["--resume-from", try place.id(3), "--keep-last", "1"])
        try again.hello(accepts: false)
        try again.checkpoint(step: 40)
        try place.stop(again)
        try place.lastAttemptResumesFromNewest()
        _ = try prune(place)
        #expect(numbers(place) == ["5", "7", "8", "9"])
    }

    @Test("--resume-from none begins a branch of its own, and the one before it stays")
    func none() throws {
        let place = try Place()
        try place.stoppedRun(["--keep-last", "2"], saving: [10, 20, 30])
        let anew = try place.puppet(["--resume-from", "none", "--keep-last", "2"])
        try anew.hello(accepts: false)
        for step in [10, 20, 30] as [Int64] { try anew.checkpoint(step: step) }
        try place.stop(anew)
        _ = try prune(place)
        #expect(numbers(place) == ["2", "3", "5", "6"])
        #expect(try place.record().branches == [.init(first: 4, parent: nil, asked: true)])
    }

    /// By a version that had no branches, and where the record is gone.
    @Test(
        "without a word of branches in the record, or without a record, the parents tell of them",
        arguments: [true, false])
    func withoutBranches(isLost: Bool) throws {
        let place = try Place()
        try place.stoppedRun(["--keep-last", "9"], saving: [10, 20, 30, 40])
        try goBack(place, to: "2", 2, saving: [21, 31])
        if isLost {
            try Disk().removeFile(place.file("run.json"))
        } else {
            let text = try readSmallFile(place.file("run.json"))
            let part = #""branches":[{"asked":true,"first":5,"parent":2}],"#
            #expect(text.contains(part))
            let older = text.replacing(part, with: "")
            try Disk().writeFile(place.file("run.json"), Array(older.utf8))
        }
        let program = try place.puppet(["--keep-last", "1"])
        try program.hello(accepts: false)
        try program.checkpoint(step: 41)
        try place.stop(program)
        try place.lastAttemptResumesFromNewest()
        _ = try prune(place)
        #expect(numbers(place) == ["4", "7"])
    }

    @Test("what a limit takes of the older branch is printed, with the limit")
    func limits() throws {
        let place = try Place()
        try place.stoppedRun(["--keep-last", "9"], saving: [10, 20, 30, 40])
        let back = try place.puppet(
            ["--resume-from", try place.id(2), "--keep-last", "9", "--max-bytes", "30B"])
        try back.hello(accepts: false)
        try back.checkpoint(step: 21, files: ["state": "0123456789"])
        try back.errorLine(
            with: "removed checkpoints 000003-step-30, 000004-step-40 of an earlier branch, "
                + "because of --max-bytes")
        try place.stop(back)
        let limited = try place.events().compactMap {
            if case .removed(let removed) = $0, removed.limit != nil { removed } else { nil }
        }
        #expect(limited.map(\.limit) == [.maxBytes])
        #expect(limited.first?.ids.map(\.sequence) == [3, 4])
    }

    @Test("a run that rolls back by itself again and again keeps a bounded number")
    func rollBacks() throws {
        let place = try Place()
        try place.stoppedRun(["--keep-last", "2"], saving: [10, 20])
        let program = try place.puppet(
            ["--keep-last", "2", "--rollback-after", "1", "--max-failures", "1000"])
        for round in 0..<8 {
            try program.hello(accepts: false)
            // Progress, so that the count of failures does not end it.
            try program.checkpoint(step: Int64(100 + round * 10))
            try program.say("exit 3")
            try program.nextAttempt(3 + round * 2)
            try program.hello(accepts: false)
            try program.say("exit 3")
            try program.nextAttempt(4 + round * 2)
        }
        try program.hello(accepts: false)
        try place.stop(program)
        _ = try prune(place)
        #expect(place.checkpoints.count <= 5, "\(place.checkpoints)")
    }
}

extension Place {
    /// The whole id of a checkpoint.
    fileprivate func id(_ number: Int64) throws -> String {
        try #require(checkpoints.first { CheckpointID($0)?.sequence == number })
    }

    /// So that no older one is kept as the one that was resumed from.
    fileprivate func lastAttemptResumesFromNewest(
        _ rules: [String] = ["--keep-last", "1"]
    ) throws {
        let program = try puppet(rules)
        try program.hello(accepts: false)
        try stop(program)
    }
}
