import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("reading a run from the disk")
struct ReadingCommandsTests {
    private let runs: RunsOnDisk

    init() throws { runs = try RunsOnDisk() }

    @Test("shows what its supervisor last told")
    func status() throws {
        try runs.add("a", outcome: .stopped, checkpoints: [1, 2]) {
            $0.progress.step = 6
            $0.progress.total = 40
            $0.progress.fraction = 0.15
            $0.checkpoints = 2
            $0.checkpointBytes = 102_468
            $0.checkpoint = .init(
                id: CheckpointID(sequence: 2, step: 2), path: "/x", committed: runs.ago(480),
                bytes: 51_234)
        }
        #expect(
            try runs.call("status", ["a"]).text == """
                a  stopped  attempt 2  ended 3 s ago
                  progress     ███░░░░░░░░░░░░░░░░░░░░░  6/40 steps  15 %
                  checkpoint   000002-step-2, 8m00s ago, 51 kB
                  failures     none
                  kept         2 checkpoints, 102 kB
                  to go on     supervise resume a --state-dir \(runs.root)

                """)
    }

    @Test("tells a run whose supervisor is gone from one that is running")
    func lost() throws {
        try runs.add("a", .running, checkpoints: [1])
        let orphan = try runs.call("status").text
        #expect(
            orphan.hasPrefix("a  lost  attempt 2  its supervisor (pid \(getpid())) is gone"))
        // The last commit came after the last status.
        #expect(orphan.contains("checkpoint   000001-step-1, 9m00s ago, 51 kB"))
        let lock = try runs.lock("a")
        #expect(
            try runs.call("status").text.hasPrefix(
                "a  running  attempt 2  pid \(getpid())  up 3m12s"))
        withExtendedLifetime(lock) {}
    }

    @Test("knows a supervisor that has not told of itself yet")
    func starting() throws {
        try runs.add("a", outcome: .completed, pid: 1)
        let lock = try runs.lock("a")
        #expect(
            try runs.call("status").text.hasPrefix(
                "a  starting  attempt 2  pid \(getpid())  up 0 s"))
        withExtendedLifetime(lock) {}
    }

    @Test("leaves a run that has just finished finished while its supervisor still ends")
    func finishing() throws {
        try runs.add("a", outcome: .completed)
        let lock = try runs.lock("a")
        #expect(try runs.call("status").text.hasPrefix("a  completed  attempt 2"))
        withExtendedLifetime(lock) {}
    }

    @Test(
        "does with the record where the status is missing or garbage",
        arguments: [
            nil, "garbage", "{\"format\":1}", "",
        ])
    func noStatus(content: String?) throws {
        let store = try runs.add("a", outcome: .stopped, checkpoints: [1])
        try Disk().removeFile(store.paths.status)
        if let content { try Disk().writeFile(store.paths.status, Array(content.utf8)) }
        let text = try runs.call("status", ["a"]).text
        #expect(text.hasPrefix("a  stopped  attempt 2  ended 8m20s ago"))
        #expect(text.contains("checkpoint   000001-step-1, 9m00s ago, 51 kB"))
    }

    @Test("refuses a status or record of a newer version, and a record that is garbage")
    func unreadable() throws {
        let store = try runs.add("a", outcome: .stopped)
        try Disk().writeFile(store.paths.status, Array("{\"format\":2}".utf8))
        let path = store.paths.status
        #expect(
            runs.refusal("status", ["a"])
                == Complaint(
                    "run a: \(path) has format 2, which this version of supervise does not "
                        + "read; use the newer supervise that wrote it", status: 125))
        try Disk().removeFile(store.paths.status)
        try Disk().writeFile(store.paths.record, Array("{".utf8))
        for command in ["status", "resume", "checkpoints"] {
            let refusal = try #require(runs.refusal(command, ["a"]))
            #expect(refusal.message.hasPrefix("run a: \(store.paths.record) is damaged (not valid"))
            #expect(refusal.status == 125)
        }
    }

    @Test("lists the runs, the one that changed last first, and the damaged ones beside them")
    func list() throws {
        try runs.add("old", outcome: .completed) { $0.updated = runs.ago(7500) }
        try runs.add("new", outcome: .failed)
        let damaged = try runs.add("damaged")
        try Disk().removeFile(damaged.paths.status)
        try Disk().writeFile(damaged.paths.record, Array("{".utf8))
        let answer = try runs.call("list")
        #expect(
            answer.text == """
                NAME  STATE      PROGRESS  CHECKPOINT  CHANGED    COMMAND
                new   failed     -         -           3 s ago    python3 train.py
                old   completed  -         -           2h05m ago  python3 train.py

                """)
        #expect(answer.notes.count == 1)
        #expect(answer.notes.first?.hasPrefix("run damaged: ") == true)
        #expect(answer.status == 1)
    }

    @Test("lists those that can be resumed")
    func resumable() throws {
        try runs.add("completed", outcome: .completed)
        try runs.add("running", .running)
        let lock = try runs.lock("running")
        #expect(
            try runs.call("list", ["--resumable"])
                == Answer(
                    text: "", notes: ["there are no runs that can be resumed in \(runs.root)"]))
        try runs.add("stopped", outcome: .stopped)
        try runs.add("lost", .backoff)
        let json = try runs.call("list", ["--resumable", "--json"]).text
        let found = try JSONText.decode([Status].self, from: json.utf8)
        #expect(found.map(\.name) == ["lost", "stopped"])
        #expect(found.map(\.phase) == [.finished, .finished])
        #expect(found.map(\.outcome?.reason) == [.supervisorLost, nil])
        withExtendedLifetime(lock) {}
    }

    @Test("writes the status as JSON, as it was told")
    func json() throws {
        let store = try runs.add("a", outcome: .stopped)
        let text = try runs.call("status", ["a", "--json"]).text
        #expect(text.hasSuffix("}\n"))
        #expect(try JSONText.decode(Status.self, from: text.utf8) == store.derived.readStatus())
    }

    @Test("tells what happened, as sentences and as JSON")
    func events() throws {
        let store = try runs.add("a", outcome: .stopped)
        #expect(try runs.call("events").text == "")
        let happened = [
            LoggedEvent(at: runs.ago(60), event: .warning(.init(message: "mind this"))),
            LoggedEvent(at: runs.ago(3), event: .finished(Outcome(kind: .stopped))),
        ]
        try store.derived.append(happened)
        #expect(
            try runs.call("events", ["a"]).text
                == "2026-11-21 05:03:01  mind this\n2026-11-21 05:03:58  stopped\n")
        let lines = try runs.call("events", ["--json"]).text.split(separator: "\n")
        #expect(try lines.map { try JSONText.decode(LoggedEvent.self, from: $0.utf8) } == happened)
    }

    @Test("writes nothing")
    func writesNothing() throws {
        let store = try runs.add("a", .running, checkpoints: [1, 2])
        let finished = RunEvent.finished(Outcome(kind: .stopped))
        try store.derived.append([LoggedEvent(at: runs.now, event: finished)])
        try Disk().writeFile(store.paths.status, Array("garbage".utf8))
        try Disk().append(Array("garbage".utf8), to: store.paths.events)
        let before = try runs.snapshot()
        #expect(before.count > 10)
        for json in [[], ["--json"]] {
            _ = try runs.call("status", json)
            _ = try runs.call("list", json)
            _ = try runs.call("events", json)
            for action in ["list", "show", "verify", "path"] {
                _ = try runs.call("checkpoints", [action] + json)
            }
        }
        #expect(runs.refusal("stop") != nil)
        #expect(runs.refusal("checkpoint", ["a"]) != nil)
        #expect(try runs.snapshot() == before)
    }

    @Test("makes no directory where there is none")
    func noDirectory() throws {
        let missing = "\(runs.root)/not/there"
        let answer = try answer(["list", "--state-dir", missing])
        #expect(answer == Answer(text: "", notes: ["there are no runs in \(missing)"]))
        #expect(try runs.snapshot().count == 1)
    }
}
