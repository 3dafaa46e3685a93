import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("keeping checkpoints, where no supervisor runs")
struct KeepingCommandTests {
    private let runs: RunsOnDisk
    private let store: RunStore

    init() throws {
        runs = try RunsOnDisk()
        store = try runs.add(
            "a", outcome: .stopped, options: ["keep-last": "2", "keep-every": "2"],
            checkpoints: [1, 2, 3, 4, 5]
        ) { $0.checkpoints = 5 }
    }

    private func id(_ number: Int64) -> CheckpointID { .init(sequence: number, step: number) }

    private var left: [Int64] {
        get throws { try store.checkpoints.scan().checkpoints.map(\.id.sequence) }
    }

    @Test("a dry run shows the plan with its reasons, and changes nothing")
    func dryRun() throws {
        _ = try runs.call("checkpoints", ["a", "pin", "3"])
        let before = try runs.snapshot()
        let expected = """
            CHECKPOINT     AGE         SIZE         BECAUSE
            000005-step-5  5m00s ago  51 kB  stays  newest good, last
            000004-step-4  6m00s ago  51 kB  stays  last, every
            000003-step-3  7m00s ago  51 kB  stays  pinned
            000002-step-2  8m00s ago  51 kB  stays  every
            000001-step-1  9m00s ago  51 kB  stays  every
            5 checkpoints (256 kB) stay; 0 checkpoints (0 B) would go.

            """
        #expect(try runs.call("prune", ["a", "--dry-run"]).text == expected)
        #expect(try runs.snapshot() == before)
        let json = try runs.call("prune", ["a", "--dry-run", "--json"]).text
        let object = try JSONText.decode(PruneView.Object.self, from: json.utf8)
        #expect(object.dryRun && object.removed == nil && object.checkpoints.count == 5)
        #expect(object.checkpoints[2].reasons == ["pinned"] && object.checkpoints[2].keep)
    }

    @Test("prune removes what no rule keeps, and the status and the events tell")
    func prune() throws {
        let answer = try runs.call("prune")
        #expect(answer.text.contains("000003-step-3  7m00s ago  51 kB  goes   no rule keeps it"))
        #expect(
            answer.text.hasSuffix("4 checkpoints (205 kB) stay; 1 checkpoint (51 kB) removed.\n"))
        #expect(try left == [1, 2, 4, 5])
        #expect(try store.derived.readStatus()?.checkpoints == 4)
        #expect(try store.derived.readEvents().map(\.event) == [.removed(.init(ids: [id(3)]))])
        #expect(try runs.call("prune").text.contains("0 checkpoints (0 B) removed."))
    }

    @Test("rules that are given hold this once, in the place of those of the run")
    func rules() throws {
        let answer = try runs.call("prune", ["--keep-last", "1", "--max-age", "150s"])
        // Every second one is kept by the run's other rule, and the fourth is young enough.
        #expect(try left == [4, 5], "\(answer.text)")
        #expect(answer.text.contains("goes   older than max-age"))
        #expect(try runs.call("prune", ["--keep-every", "9"]).text.contains("0 checkpoints"))
        #expect(runs.refusal("prune", ["--keep-last", "0"])?.status == 125)
    }

    @Test("what a shell says about runs is no rule for prune")
    func environment() throws {
        let environment = ["SUPERVISE_KEEP_LAST": "1", "SUPERVISE_STATE_DIR": runs.root]
        let told = try answer(["prune", "a", "--dry-run"], place(environment)).text
        #expect(told.contains("000004-step-4") && told.contains("stays  last, every"))
    }

    @Test("prune of all runs prunes each by its own rules, and a damaged one hinders none")
    func all() throws {
        let other = try runs.add(
            "b", outcome: .stopped, options: ["keep-last": "1"], checkpoints: [1, 2, 3])
        let broken = try runs.add("c", outcome: .stopped, checkpoints: [1])
        try Disk().writeFile(broken.paths.record, Array("{".utf8))
        let answer = try runs.call("prune", ["--all"])
        #expect(answer.status == 1 && answer.notes.count == 1, "\(answer)")
        #expect(try left == [1, 2, 4, 5])
        #expect(try other.checkpoints.scan().checkpoints.map(\.id.sequence) == [3])
        #expect(runs.refusal("prune", ["a", "--all"]) != nil)
    }

    @Test("one that is being read is not removed, and that is told")
    func held() throws {
        let reader = try store.checkpoints.hold(id(3))
        let text = try runs.call("prune").text
        #expect(text.contains("1 more would go, and somebody is reading them"), "\(text)")
        #expect(
            runs.refusal("checkpoints", ["a", "delete", "3"])?.message.contains("is reading it")
                == true)
        #expect(try left == [1, 2, 3, 4, 5])
        withExtendedLifetime(reader) {}
    }

    @Test("a pin is set and taken away, shown in the list, and holds against delete")
    func pin() throws {
        #expect(try runs.call("checkpoints", ["a", "pin", "3"]).text.contains("is pinned"))
        #expect(try store.pins.load() == [id(3)])
        #expect(try runs.call("checkpoints").text.contains("51 kB  pinned  loss 0.25"))
        let json = try runs.call("checkpoints", ["a", "--json"]).text
        let listed = try JSONText.decode([CheckpointReader.Listed].self, from: json.utf8)
        #expect(listed.map(\.pinned) == [false, false, true, false, false])
        #expect(
            runs.refusal("checkpoints", ["a", "delete", "3"])
                == Complaint("checkpoint 000003-step-3 is pinned; unpin it first", status: 1))
        let object = try runs.call("checkpoints", ["a", "unpin", "3", "--json"]).text
        #expect(object == "{\"id\":\"000003-step-3\",\"pinned\":false}\n")
        #expect(try store.pins.load() == [])
        _ = try runs.call("checkpoints", ["a", "pin"])
        #expect(try store.pins.load() == [id(5)])
        #expect(runs.refusal("checkpoints", ["a", "pin", "9"])?.status == 1)
    }

    @Test("delete removes one, and refuses the newest good one")
    func delete() throws {
        let text = try runs.call("checkpoints", ["a", "delete", "2"]).text
        #expect(text == "checkpoint 000002-step-2 is gone, 51 kB\n")
        #expect(try left == [1, 3, 4, 5])
        #expect(
            runs.refusal("checkpoints", ["a", "delete", "5"])?.message.contains("newest good")
                == true)
        #expect(
            runs.refusal("checkpoints", ["a", "delete"])?.message.hasPrefix("say which") == true)
    }

    @Test("with pins that cannot be believed nothing is removed, and what to do is said")
    func rottenPins() throws {
        _ = try runs.call("checkpoints", ["a", "pin", "3"])
        var bytes = try Disk().readFile(store.paths.pins, limit: 9999)
        let place = try #require(bytes.lastIndex(of: UInt8(ascii: "3")))
        bytes[place] = UInt8(ascii: "4")
        try Disk().writeFile(store.paths.pins, bytes)
        for call in [["prune"], ["checkpoints", "delete", "1"], ["checkpoints", "pin", "1"]] {
            let message = runs.refusal(call[0], Array(call.dropFirst()))?.message ?? ""
            #expect(message.contains("is damaged") && message.contains("pin again"), "\(message)")
        }
        #expect(try left == [1, 2, 3, 4, 5])
        #expect(try Disk().readFile(store.paths.pins, limit: 9999) == bytes)
        let shown = try runs.call("prune", ["--dry-run"])
        #expect(shown.text.contains("perhaps pinned") && shown.notes.count == 1)
        #expect(try runs.call("checkpoints").notes.count == 1)
    }

    @Test("a run in use by somebody who does not answer is left alone")
    func inUse() throws {
        let lock = try runs.lock("a")
        #expect(runs.refusal("prune", ["a"]) != nil)
        #expect(try left.count == 5)
        withExtendedLifetime(lock) {}
    }

    @Test("export copies the payload to where nothing is")
    func export() throws {
        let place = "\(runs.root)/out"
        let text = try runs.call("checkpoints", ["a", "export", "2", place]).text
        #expect(text == "checkpoint 000002-step-2, 51 kB, verified: \(place)\n")
        #expect(try Disk().status("\(place)/w.json").size == 51_234)
        #expect(
            runs.refusal("checkpoints", ["a", "export", "3", place])?.message
                .contains("is there already") == true)
        #expect(runs.refusal("checkpoints", ["a", "export", "3"]) != nil)
    }

    @Test("stats tell how many there are, how large and how old")
    func stats() throws {
        _ = try runs.call("checkpoints", ["a", "pin", "1"])
        let text = try runs.call("checkpoints", ["stats"]).text
        #expect(text.hasPrefix("kept      5 checkpoints, 256 kB\n"), "\(text)")
        #expect(text.contains("pinned    1\n") && text.contains("last hour            5  256 kB"))
        let json = try runs.call("checkpoints", ["stats", "--json"]).text
        let stats = try JSONText.decode(CheckpointReader.Stats.self, from: json.utf8)
        #expect(stats.bytes == 5 * 51_234 && stats.largest == 51_234 && stats.pinned == 1)
        #expect(stats.ages.first?.checkpoints == 5 && (stats.free ?? 0) > 0)
    }
}
