import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("What is told of sizes, saves and progress", .onStage)
struct CountsTests {
    /// By a run of three checkpoints, of which two are compressed.
    @Test(
        "sizes are bytes on the disk in every command, while it runs and after a kill",
        .enabled(if: pathOfProgram("gzip") != nil, "gzip is not installed"))
    func sizes() throws {
        let place = try Place()
        let program = try place.puppet(["--compress", "gzip"])
        try program.hello(accepts: false)
        let ids = try place.save(1...3, program)
        try place.waitUntilCompressed(ids[0])
        try place.waitUntilCompressed(ids[1])
        func listed() throws -> [[String: JSONValue]] {
            let text = try place.supervisorAnswer(["checkpoints", "it", "--json"]).output
            return try JSONText.decode([[String: JSONValue]].self, from: text.utf8)
        }
        func sum(_ key: String) throws -> Int64 {
            try listed().reduce(0) {
                if case .integer(let bytes)? = $1[key] { $0 + bytes } else { $0 }
            }
        }
        try waitBriefly { try place.statusOverSocket().checkpointBytes == sum("disk_bytes") }
        let (onDisk, saved) = (try sum("disk_bytes"), try sum("bytes"))
        #expect(saved > 3 * 30_000 && onDisk < saved / 2)
        let table = try place.supervisorAnswer(["checkpoints", "it"]).output
        #expect(table.contains("ON DISK  SAVED"))
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try place.waitUntilSettled()
        #expect(try place.status().checkpointBytes == onDisk)
        let size = SizeText.format(onDisk)
        let stats = try place.supervisorAnswer(["checkpoints", "it", "stats"]).output
        #expect(stats.contains("3 checkpoints, \(size) on the disk"))
        #expect(stats.contains("(\(SizeText.format(saved)) saved)"))
        #expect(try place.supervisorAnswer(["doctor", "it"]).output.contains(", \(size), "))
        let rules = ["prune", "it", "--keep-last", "1"]
        let dry = try place.supervisorAnswer(rules + ["--dry-run"]).output
        let wet = try place.supervisorAnswer(rules).output
        let going = try #require(dry.split(separator: "(").last?.prefix { $0 != ")" })
        #expect(wet.contains("2 checkpoints (\(going)) removed"), "\(dry)\(wet)")
        #expect(try place.status().checkpoints == 1)
    }

    @Test("a save that the job began and aborted is in the events and in the status")
    func ownSaves() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.checkpoint(step: 1)
        let began = try program.begin(step: 2)
        try program.send(.abort(.init(id: began.id, error: "the loss is NaN")))
        guard case .aborted = try program.message().message else {
            throw program.failure("not aborted")
        }
        try program.errorLine(with: "was not made: the job aborted it: the loss is NaN")
        let saves = try place.statusOverSocket().ownSaves
        #expect(saves.committed == 1 && saves.failed == 1)
        #expect(saves.lastError?.error == "the job aborted it: the loss is NaN")
        #expect(try place.statusOverSocket().requests.failed == 0)
        // Told at most once a second.
        try waitForChange(in: place.file("")) { try place.status().ownSaves.failed == 1 }
        let text = try place.supervisorAnswer(["status", "it"]).output
        #expect(text.contains("own saves    1 committed, 1 failed: \(began.id), the job aborted"))
        let open = try program.begin(step: 3)
        try program.say("exit 1")
        try program.nextAttempt(2)
        try waitBriefly {
            try place.events().contains(
                .checkpointDropped(.init(id: open.id, reason: .connectionEnded)))
                || place.events().contains(
                    .checkpointDropped(.init(id: open.id, reason: .jobEnded)))
        }
        try place.stop(program)
    }

    @Test("progress counts from the first step, and stands in the manifest")
    func progress() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.send(.progress(.init(step: 2027, first: 2025, total: 2060, unit: "years")))
        let id = try program.checkpoint(step: 2027).id.description
        let told = try place.statusOverSocket().progress
        #expect(told.fraction == 2.0 / 35 && told.first == 2025)
        #expect(try place.manifest(id).progress?.fraction == 2.0 / 35)
        #expect(try place.isWhole(id))
        let status = try place.supervisorAnswer(["status", "it"]).output
        #expect(status.contains("2027/2060 years  6 %"))
        let shown = try place.supervisorAnswer(["checkpoints", "it", "show"]).output
        #expect(shown.contains("progress     2027/2060 years, 6 %"))
        try place.stop(program)
    }

    @Test("a job that says nothing has no goodput, no lost work and no start after a second")
    func silent() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--max-failures", "2", "--healthy-after", "1h"], ["sh", "-c", "sleep 1.1; exit 3"])
        #expect(try program.waitForEnd() == .exited(3))
        let text = program.text(.errors)
        #expect(!text.contains("lost") && !text.contains("starting up"), "\(text)")
        #expect(text.contains("giving up: the job fails the same way each time"))
        #expect(try place.status().totals.goodput == nil)
        #expect(try place.status().lastFailure?.lostSeconds == 0)
        #expect(try !place.supervisorAnswer(["status", "it"]).output.contains("goodput"))
    }

    @Test("the step of the newest checkpoint is shown where the job told none")
    func savedStep() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.checkpoint(step: 450)
        for command in [["status", "it"], ["list"]] {
            let text = try place.supervisorAnswer(command).output
            #expect(text.contains("step 450 saved"), "\(text)")
        }
        try place.stop(program)
    }
}
