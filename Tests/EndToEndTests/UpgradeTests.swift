import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// States that an older version wrote (Tests/Upgrades), in the hands of this one.
@Suite("A state of an older version", .onStage, .serialized)
struct UpgradeTests {
    private static let archives = ["format-1", "format-2"]
    private static let runs = [
        "archived", "completed", "compressed", "failed", "many", "outside", "running", "split",
        "stopped",
    ]

    private func unpack(_ archive: String) throws -> Place {
        let place = try Place()
        let file = "\(repository)/Tests/Upgrades/\(archive).tar.gz"
        let tar = try place.start(["tar", "-xzf", file])
        #expect(try tar.waitForEnd() == .exited(0), "\(tar.text(.errors))")
        return place
    }

    /// The answer of a command that must succeed.
    @discardableResult
    private func ask(_ place: Place, _ arguments: [String]) throws -> String {
        let program = try place.call(arguments + ["--state-dir", place.state])
        guard try program.waitForEnd() == .exited(0) else {
            throw program.failure("supervise \(arguments.joined(separator: " ")) failed")
        }
        return program.text(.output)
    }

    private func record(_ place: Place, of run: String) throws -> RunRecord {
        try JSONText.decode(
            RunRecord.self, from: Disk().readFile(place.file("run.json", of: run), limit: 1 << 20))
    }

    /// Resumes a run until it has committed so many more, then stops it.
    private func goOn(
        _ place: Place, _ run: String, _ arguments: [String], commits more: Int
    ) throws -> Program {
        let before = try record(place, of: run).commits
        let program = try place.call(arguments)
        try waitForChange(in: "\(place.state)/\(run)") {
            try record(place, of: run).commits >= before + more
        }
        // Its job may be saving, and then hears no request for a final checkpoint.
        let stop = ["stop", run, "--no-checkpoint", "--state-dir", place.state]
        #expect(try place.call(stop).waitForEnd() == .exited(0))
        #expect(try program.waitForEnd() == .signaled(15), "\(program.text(.errors))")
        return program
    }

    private func resume(
        _ place: Place, _ run: String, _ options: [String] = [], commits more: Int = 3
    ) throws -> Program {
        let arguments = ["resume", run, "--state-dir", place.state] + options
        return try goOn(place, run, arguments, commits: more)
    }

    @Test("is listed and shown, and every checkpoint that is there is good", arguments: archives)
    func read(archive: String) throws {
        let place = try unpack(archive)
        let before = try place.fingerprint(of: place.path)
        let list = try ask(place, ["list"])
        for run in Self.runs {
            #expect(list.contains(run))
            try ask(place, ["status", run])
            try ask(place, ["events", run])
            if run == "split" || run == "failed" { continue }
            let checkpoints = try ask(place, ["checkpoints", run, "list", "--json"])
            let path = try ask(place, ["checkpoints", run, "show", "--json"])
            #expect(checkpoints.contains("\"id\":\"") && path.contains("\"id\":\""))
            if run == "outside" { continue }
            try ask(place, ["checkpoints", run, "verify"])
        }
        #expect(try ask(place, ["logs", "stopped"]).contains("from step 5"))
        #expect(try place.fingerprint(of: place.path) == before, "reading changes nothing")
    }

    @Test("is gone on with from the newest checkpoint", arguments: archives)
    func resumed(archive: String) throws {
        let place = try unpack(archive)
        for (run, newest) in [
            ("stopped", "000012-step-9"), ("compressed", "000004-step-4"),
            ("archived", "000004-step-4"), ("running", "000003-step-3"),
            ("many", "000301-step-301"),
        ] {
            let count = try record(place, of: run).attempt
            let program = try resume(place, run, commits: run == "many" ? 1 : 3)
            #expect(program.text(.errors).contains("attempt \(count + 1), resuming from \(newest)"))
            try ask(place, ["checkpoints", run, "verify"])
        }
        #expect(try record(place, of: "running").failures.last?.kind == .machine)
    }

    @Test("goes back to a compressed and to a pinned checkpoint", arguments: archives)
    func wentBack(archive: String) throws {
        let place = try unpack(archive)
        for (run, id) in [("compressed", "000001-step-1"), ("stopped", "000002-step-2")] {
            let program = try resume(place, run, ["--from", id])
            #expect(program.text(.errors).contains("resuming from \(id)"))
        }
    }

    @Test("goes on from a directory that was taken without its own name")
    func watched() throws {
        let place = try unpack("format-2")
        let copy = "\(place.path)/copy"
        try ask(place, ["checkpoints", "watched", "export", "2", copy])
        #expect(try place.directory.read("copy/step") == "2\n")
        let old = try record(place, of: "watched")
        let arguments =
            ["--state-dir", place.state, "--name", "watched", "--chdir", "/tmp"]
            + ["--checkpoint-every", "off", "--watch", "\(place.path)/watched/step-*"]
            + ["--env", "WATCHED=\(place.path)/watched", "--"] + old.command
        let program = try goOn(place, "watched", arguments, commits: 3)
        #expect(program.text(.errors).contains("attempt 2, resuming from 000003-step-3"))
        try ask(place, ["checkpoints", "watched", "verify"])
        let list = try ask(place, ["checkpoints", "watched", "list"])
        #expect(list.contains("000006-step-6"), "\(list)")
    }

    @Test("keeps its checkpoints where they were put", arguments: archives)
    func split(archive: String) throws {
        let place = try unpack(archive)
        let missing = try place.call(["resume", "split", "--state-dir", place.state])
        #expect(try missing.waitForEnd() == .exited(125))
        #expect(missing.text(.errors).contains("is missing"))
        // The disk is mounted elsewhere now.
        let old = try record(place, of: "split")
        let arguments =
            [
                "--state-dir", place.state, "--name", "split", "--checkpoint-dir",
                "\(place.path)/disk",
            ]
            + ["--chdir", "/tmp", "--checkpoint-every", "off", "--"] + old.command
        let program = try goOn(place, "split", arguments, commits: 3)
        #expect(program.text(.errors).contains("resuming from 000004-step-4"))
        try ask(place, ["checkpoints", "split", "verify"])
    }

    @Test(
        "with payloads that are gone from outside is refused and left as it is", arguments: archives
    )
    func outside(archive: String) throws {
        let place = try unpack(archive)
        let before = try place.fingerprint(of: place.file("checkpoints", of: "outside"))
        let program = try place.call(["resume", "outside", "--state-dir", place.state])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.text(.errors).contains("is missing"))
        #expect(try place.fingerprint(of: place.file("checkpoints", of: "outside")) == before)
    }

    @Test("is pruned, pinned and exported", arguments: archives)
    func kept(archive: String) throws {
        let place = try unpack(archive)
        try ask(place, ["checkpoints", "stopped", "export", "2", "\(place.path)/copy"])
        #expect(try place.directory.read("copy/step") == "2\n")
        try ask(place, ["checkpoints", "compressed", "export", "1", "\(place.path)/restored"])
        #expect(try place.directory.read("restored/weights").hasPrefix("weight 1\n"))
        try ask(place, ["checkpoints", "stopped", "pin", "9"])
        try ask(place, ["prune", "stopped", "--keep-last", "1"])
        let left = try ask(place, ["checkpoints", "stopped", "list"])
        #expect(left.contains("000002-step-2") && left.contains("000009-step-6"))
        #expect(left.contains("000012-step-9"))
        try ask(place, ["prune", "many", "--keep-last", "2"])
        let names = try Disk().list(place.file("checkpoints", of: "many")).map(\.name)
        #expect(names == ["000300-step-300", "000301-step-301"])
    }

    @Test("that completed begins anew, and its archives stay readable", arguments: archives)
    func archived(archive: String) throws {
        let place = try unpack(archive)
        let refused = try place.call(["resume", "completed", "--state-dir", place.state])
        #expect(try refused.waitForEnd() == .exited(125))
        let old = try record(place, of: "completed")
        let arguments =
            ["--state-dir", place.state, "--name", "completed", "--chdir", "/tmp", "--"]
            + ["python3", "-c", old.command[2]]
        let program = try place.call(arguments, environment: ["SUPERVISE_ENV": "END=exit"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.text(.errors).contains("from the beginning"))
        let archives = try ask(place, ["list", "--archived", "--json"])
        let names = try Disk().list("\(place.state)/.archive").map(\.name)
        let references = names.filter { $0 != ".trash" }.map { name in
            "\(name.dropLast(17))@\(name.suffix(16))"
        }
        #expect(references.count == 3)
        for reference in references {
            #expect(archives.contains(reference), "\(archives)")
            try ask(place, ["checkpoints", reference, "verify"])
            let copy = "\(place.path)/\(reference)"
            try ask(place, ["checkpoints", reference, "export", "3", copy])
            #expect(try Disk().readFile("\(copy)/step", limit: 9) == Array("3\n".utf8))
        }
    }
}
