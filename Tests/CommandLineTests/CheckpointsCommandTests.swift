import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("the checkpoints of a run")
struct CheckpointsCommandTests {
    private let runs: RunsOnDisk
    private let store: RunStore

    init() throws {
        runs = try RunsOnDisk()
        store = try runs.add("a", outcome: .stopped, checkpoints: [1, 2, 3])
    }

    private func directory(_ sequence: Int64) -> String {
        store.paths.checkpoint(CheckpointID(sequence: sequence, step: sequence))
    }

    private func spoil(_ sequence: Int64) throws {
        let path = "\(directory(sequence))/data/w.json"
        let other = [UInt8](repeating: UInt8(ascii: "y"), count: 51_234)
        try Disk().writeFile(path, other)
    }

    @Test("are listed, the newest first")
    func list() throws {
        let expected = """
            CHECKPOINT     AGE         SIZE  METRICS
            000003-step-3  7m00s ago  51 kB  loss 0.25
            000002-step-2  8m00s ago  51 kB  loss 0.25
            000001-step-1  9m00s ago  51 kB  loss 0.25

            """
        #expect(try runs.call("checkpoints").text == expected)
        #expect(try runs.call("checkpoints", ["a", "list"]).text == expected)
        #expect(try runs.call("checkpoints", ["list"]).text == expected)
        let json = try runs.call("checkpoints", ["a", "--json"]).text
        let listed = try JSONText.decode([CheckpointReader.Listed].self, from: json.utf8)
        #expect(listed.map(\.id.sequence) == [1, 2, 3])
        #expect(listed.last?.path == "\(directory(3))/data")
        #expect(listed.last?.metrics == ["loss": 0.25])
    }

    @Test("that have no manifest are listed as bad")
    func damaged() throws {
        try Disk().removeFile("\(directory(2))/manifest.json")
        let lines = try runs.call("checkpoints").text.split(separator: "\n")
        #expect(lines[2] == "000002-step-2                    BAD: manifest.json is missing")
        #expect(
            runs.refusal("checkpoints", ["a", "show", "2"])
                == Complaint("checkpoint 000002-step-2: manifest.json is missing", status: 1))
        let verified = try runs.call("checkpoints", ["verify"])
        #expect(verified.text.contains("000002-step-2  BAD   manifest.json is missing"))
        #expect(verified.status == 1)
    }

    @Test("are shown with all that is known of them")
    func show() throws {
        #expect(
            try runs.call("checkpoints", ["a", "show", "2"]).text == """
                000002-step-2
                  made         2026-11-21 04:56:01, 8m00s ago, by attempt 1
                  reason       interval, in 4 ms
                  parent       000001
                  directory    \(directory(2))
                  metrics      loss 0.25
                  metadata     note: "a\\u001bb"
                  files        1 file, 51 kB
                     51 kB  data/w.json

                """)
        #expect(try runs.call("checkpoints", ["show"]).text.hasPrefix("000003-step-3\n"))
        let json = try runs.call("checkpoints", ["show", "000001-step-1", "--json"]).text
        let object = try JSONText.decode([String: JSONValue].self, from: json.utf8)
        #expect(object["path"] == .string("\(directory(1))/data"))
        #expect(try JSONText.decode(Manifest.self, from: json.utf8).id.sequence == 1)
    }

    @Test("are found by id, by number, and without either")
    func path() throws {
        for id in ["1", "000001", "000001-step-1"] {
            #expect(try runs.call("checkpoints", ["path", id]).text == "\(directory(1))/data\n")
        }
        #expect(try runs.call("checkpoints", ["a", "path"]).text == "\(directory(3))/data\n")
        for id in ["4", "000001-step-2", "latest", ""] {
            #expect(
                runs.refusal("checkpoints", ["a", "path", id])
                    == Complaint(
                        "run a has no checkpoint \(id) (supervise checkpoints a list)", status: 1))
        }
    }

    @Test("are verified byte for byte")
    func verify() throws {
        #expect(
            try runs.call("checkpoints", ["a", "verify"])
                == Answer(
                    text: """
                          000003-step-3  good
                          000002-step-2  good
                          000001-step-1  good
                        3 checkpoints, 154 kB: all good.

                        """))
        try spoil(3)
        #expect(
            try runs.call("checkpoints", ["a", "verify"])
                == Answer(
                    text: """
                          000003-step-3  BAD   data/w.json: SHA-256 differs
                          000002-step-2  good
                          000001-step-1  good
                        1 of 3 checkpoints is bad. It stays where it is; \
                        a resume will set aside what is newer and use 000002-step-2.

                        """, status: 1))
        #expect(
            try runs.call("checkpoints", ["a", "verify", "2"])
                == Answer(text: "  000002-step-2  good\n"))
        #expect(
            try runs.call("checkpoints", ["a", "verify", "3"])
                == Answer(
                    text: "  000003-step-3  BAD  data/w.json: SHA-256 differs\n", status: 1))
        let json = try runs.call("checkpoints", ["verify", "--json"])
        #expect(json.status == 1)
        let results = try JSONText.decode([CheckpointReader.Verified].self, from: json.text.utf8)
        #expect(results.map(\.good) == [false, true, true])
        #expect(results.first?.reason == "data/w.json: SHA-256 differs")
    }

    @Test("that are bad leave something to resume from, or nothing")
    func summaries() throws {
        try spoil(2)
        #expect(
            try runs.call("checkpoints", ["verify"]).text.hasSuffix(
                "1 of 3 checkpoints is bad. It stays where it is; a resume uses 000003-step-3.\n"))
        try spoil(1)
        try spoil(3)
        #expect(
            try runs.call("checkpoints", ["verify"]).text.hasSuffix(
                "3 of 3 checkpoints are bad. They stay where they are; a resume finds nothing to "
                    + "go on from: supervise resume a --from none\n"))
    }

    @Test("may have a run whose name is an action's")
    func names() throws {
        try runs.add("verify", outcome: .completed, checkpoints: [9])
        #expect(
            try runs.call("checkpoints", ["verify", "path"]).text.hasSuffix("000009-step-9/data\n"))
    }

    @Test("are none before the first")
    func none() throws {
        try runs.add("b", outcome: .stopped)
        #expect(try runs.call("checkpoints", ["b"]).text == "run b has no checkpoint\n")
        #expect(try runs.call("checkpoints", ["b", "list", "--json"]).text == "[]\n")
        #expect(
            try runs.call("checkpoints", ["b", "verify"])
                == Answer(text: "run b has no checkpoint\n"))
        #expect(
            runs.refusal("checkpoints", ["b", "path"])
                == Complaint("run b has no checkpoint", status: 1))
    }

    @Test("on a disk that is not mounted are not called gone")
    func missing() throws {
        try Disk().rename(store.paths.checkpoints, to: "\(runs.root)/elsewhere")
        let refusal = try #require(runs.refusal("checkpoints", ["a"]))
        #expect(refusal.message.contains("\(store.paths.checkpoints) is missing"))
        #expect(refusal.status == 125)
    }
}
