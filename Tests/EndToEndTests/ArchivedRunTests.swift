import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Runs that were there before: what stays of them, what is printed, and how they are read.
@Suite("Archived runs", .onStage)
struct ArchivedRunTests {
    /// A run that completes after these steps were saved.
    @discardableResult
    private func completedRun(
        _ place: Place, _ options: [String] = [], saving steps: [Int64],
        waitingFor lines: [String] = []
    ) throws -> Program {
        let program = try place.puppet(options)
        try program.hello(accepts: false)
        for step in steps { try program.checkpoint(step: step, files: ["state": "of \(step)"]) }
        for line in lines { try program.errorLine(with: line) }
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        return program
    }

    private func archives(_ place: Place) -> [String] {
        place.names(in: "../.archive").filter { !$0.hasPrefix(".") }
    }

    /// What `it@TIME` is called of the archived run of that number, from the oldest.
    private func reference(_ place: Place, _ number: Int) throws -> String {
        let label = try #require(archives(place).dropFirst(number).first)
        return try #require(RunReference(label: label)).description
    }

    private func call(_ place: Place, _ words: [String]) throws -> (Int32, String) {
        let program = try place.call(words + ["--state-dir", place.state])
        guard case .exited(let status) = try program.waitForEnd() else {
            throw program.failure("it was killed")
        }
        return (status, program.text(.output) + program.text(.errors))
    }

    private func read(_ place: Place, _ words: String...) throws -> String {
        let (status, text) = try call(place, words)
        guard status == 0 else { throw TestFailure("\(words): status \(status), \(text)") }
        return text
    }

    @Test("three runs before this one stay, the newest whole and the others with what is best")
    func three() throws {
        let place = try Place()
        try completedRun(place, saving: [1, 2, 3])
        let first = try completedRun(place, saving: [1, 2])
        let name = try reference(place, 0)
        let path = "\(place.state)/.archive/\(archives(place)[0])"
        // Nothing of the newest goes.
        #expect(first.text(.errors).contains("the run before is kept as \(name) (\(path), 12 B)"))
        #expect(place.names(in: "../.archive/\(archives(place)[0])/checkpoints").count == 3)
        try completedRun(
            place, saving: [1, 2],
            waitingFor: ["removed 2 checkpoints of the archived run \(name) ("])
        #expect(
            place.names(in: "../.archive/\(archives(place)[0])/checkpoints") == ["000003-step-3"])
        let second = try reference(place, 1)
        try completedRun(
            place, saving: [1],
            waitingFor: ["removed 1 checkpoint of the archived run \(second) ("])
        #expect(archives(place).count == 3)
        try completedRun(
            place, saving: [1], waitingFor: ["removed the archived run \(name) ("])
        #expect(archives(place).count == 3 && !archives(place).contains(name))
        let gone = try place.events().compactMap {
            if case .archiveRemoved(let removed) = $0 { removed } else { nil }
        }
        #expect(gone.map(\.archive) == [name] && gone.allSatisfy { $0.bytes > 1000 })
        #expect(try read(place, "checkpoints", try reference(place, 1), "verify").contains("good"))
    }

    @Test("--fresh archives as well, and --keep-archived says how many stay", arguments: [0, 1])
    func count(keep: Int) throws {
        let place = try Place()
        let options = ["--fresh", "--keep-archived", "\(keep)"]
        try place.stoppedRun(saving: [1])
        try completedRun(
            place, options, saving: [1],
            waitingFor: keep == 0 ? ["removed the archived run it@"] : [])
        try completedRun(place, options, saving: [1], waitingFor: ["removed the archived run it@"])
        #expect(archives(place).count == keep)
        #expect(try place.record().options["keep-archived"] == "\(keep)")
    }

    @Test("one with a pinned checkpoint stays until it is unpinned, also while the run goes on")
    func pins() throws {
        let place = try Place()
        try completedRun(place, saving: [1, 2, 3])
        #expect(try read(place, "checkpoints", "it", "pin", "1").contains("is pinned"))
        let keep = ["--keep-archived", "1"]
        try completedRun(place, keep, saving: [1])
        let pinned = try reference(place, 0)
        try completedRun(
            place, keep, saving: [1],
            waitingFor: ["removed 1 checkpoint of the archived run \(pinned) ("])
        #expect(archives(place).count == 2)
        #expect(try read(place, "list", "--archived").contains("\(pinned)"))
        let next = try place.puppet(keep)
        try next.errorLine(with: "removed the archived run")
        #expect(archives(place).count == 2)
        #expect(
            place.names(in: "../.archive/\(archives(place)[0])/checkpoints")
                == ["000001-step-1", "000003-step-3"])
        let unpinned = try read(place, "checkpoints", pinned, "unpin", "1")
        #expect(unpinned.contains("is not pinned"))
        try next.say("exit 0")
        #expect(try next.waitForEnd() == .exited(0))
        try completedRun(
            place, keep, saving: [1], waitingFor: ["removed the archived run \(pinned) ("])
        #expect(archives(place).count == 1)
    }

    @Test("one whose pins.json cannot be read stays, with all that is in it")
    func unreadablePins() throws {
        let place = try Place()
        try completedRun(place, saving: [1, 2])
        try Disk().writeFile(place.file("pins.json"), Array("{\"format\":1".utf8))
        let keep = ["--keep-archived", "0"]
        try completedRun(place, keep, saving: [1])
        try completedRun(place, keep, saving: [1], waitingFor: ["removed the archived run it@"])
        #expect(archives(place).count == 1)
        #expect(place.names(in: "../.archive/\(archives(place)[0])/checkpoints").count == 2)
        let object = try read(place, "list", "--archived", "--json")
        #expect(object.contains(#""pinned":null"#))
    }

    @Test("with --checkpoint-dir both parts of one are found, cut down and removed")
    func checkpointDirectory() throws {
        let place = try Place()
        let big = try place.directory.makeDirectory("big")
        let options = ["--checkpoint-dir", big, "--keep-archived", "1"]
        try completedRun(place, options, saving: [1, 2])
        try completedRun(place, options, saving: [1])
        let name = try reference(place, 0)
        let label = archives(place)[0]
        #expect(try read(place, "checkpoints", name, "list").contains("000001-step-1"))
        #expect(try read(place, "checkpoints", name, "verify").contains("2 checkpoints"))
        let path = try read(place, "checkpoints", name, "path", "2")
        #expect(path.contains("\(big)/.archive/\(label)/checkpoints/000002-step-2/data"))
        try completedRun(
            place, options, saving: [1], waitingFor: ["removed the archived run \(name) ("])
        #expect(!pathExists("\(big)/.archive/\(label)"))
        #expect(!pathExists("\(place.state)/.archive/\(label)"))
        // Without the option, what lies there is still found.
        let elsewhere = try reference(place, 0)
        try completedRun(
            place, ["--keep-archived", "0"], saving: [1],
            waitingFor: ["removed the archived run \(elsewhere) ("])
        try waitBriefly {
            try Disk().list("\(big)/.archive").allSatisfy { $0.name.hasPrefix(".") }
        }
    }

    @Test("every reading command takes it, and export brings a checkpoint back")
    func reading() throws {
        let place = try Place()
        try completedRun(place, ["--capture"], saving: [1, 2])
        let next = try place.puppet()
        let name = try reference(place, 0)
        #expect(try read(place, "status", name).contains("\(name)  completed"))
        #expect(try read(place, "status", name, "--json").contains(#""phase":"finished""#))
        #expect(try read(place, "checkpoints", name).contains("000002-step-2"))
        #expect(try read(place, "checkpoints", name, "show", "1").contains("000001-step-1"))
        #expect(try read(place, "checkpoints", name, "verify").contains("all good"))
        #expect(try read(place, "checkpoints", name, "stats").contains("2 checkpoints"))
        #expect(try read(place, "events", name).contains("completed"))
        #expect(try read(place, "logs", name).contains("ready 1"))
        #expect(try read(place, "doctor", name).contains(name))
        let path = try read(place, "checkpoints", name, "path")
        let shown = try readSmallFile(String(path.dropLast()) + "/state")
        #expect(shown == "of 2")
        let copy = "\(place.directory.path)/copy"
        #expect(try read(place, "checkpoints", name, "export", "1", copy).contains("verified"))
        #expect(try readSmallFile("\(copy)/state") == "of 1")
        let listed = try read(place, "list", "--archived")
        #expect(listed.contains(name) && listed.contains("completed"))
        #expect(try !read(place, "list").contains("@"))
        for words in [
            ["stop", name], ["resume", name], ["prune", name], ["prune", name, "--dry-run"],
            ["checkpoint", name], ["restart", name], ["pause", name], ["unpause", name],
        ] {
            let (status, text) = try call(place, words)
            #expect(status != 0 && text.contains("is in the archive"), "\(words): \(text)")
        }
        let (status, text) = try call(place, ["checkpoints", name, "delete", "1"])
        #expect(status == 1 && text.contains("not deleted"), "\(text)")
        let unknown = try call(place, ["status", "it@20010101T000000Z"])
        #expect(unknown.0 == 1 && unknown.1.contains("there is \(name)"), "\(unknown)")
        try place.stop(next)
    }

    @Test("a state that was moved with its archive is read, and goes on")
    func moved() throws {
        let place = try Place()
        try completedRun(place, saving: [1, 2])
        try completedRun(place, saving: [1])
        let name = try reference(place, 0)
        let elsewhere = "\(place.directory.path)/elsewhere"
        try Disk().rename(place.state, to: elsewhere)
        let program = try place.call(["checkpoints", name, "verify", "--state-dir", elsewhere])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output).contains("2 checkpoints"))
    }

    @Test("an archive of an earlier version is listed, read, cut down and removed")
    func earlierVersion() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1, 2, 3])
        let text = try readSmallFile(place.file("run.json"))
        let older = text.replacing(#""branches":[],"#, with: "")
        #expect(older != text)
        try Disk().writeFile(place.file("run.json"), Array(older.utf8))
        try Disk().makeDirectory("\(place.state)/.archive")
        let label = "it-20250101T000000Z"
        try Disk().rename(place.file(""), to: "\(place.state)/.archive/\(label)")
        let name = "it@20250101T000000Z"
        #expect(try read(place, "checkpoints", name, "verify").contains("3 checkpoints"))
        try place.stoppedRun(saving: [1])
        try completedRun(
            place, ["--fresh"], saving: [1],
            waitingFor: ["removed 2 checkpoints of the archived run \(name) ("])
        try completedRun(
            place, ["--keep-archived", "1"], saving: [1],
            waitingFor: ["removed the archived run \(name) ("])
    }

    @Test("payloads of its own elsewhere and compressed checkpoints go with it")
    func ownedAndCompressed() throws {
        let place = try Place()
        let out = try place.directory.makeDirectory("out")
        let options = ["--keep-archived", "1", "--compress", "gzip"]
        let program = try place.puppet(options)
        try program.hello(accepts: false)
        let text = String(repeating: "x", count: 20_000)
        for step in [1, 2, 3] as [Int64] {
            try Disk().writeFile("\(out)/\(step)", Array(text.utf8))
            try program.send(.add(.init(path: "\(out)/\(step)", mode: "own", step: step)))
            _ = try program.committed()
        }
        for step in [4, 5, 6] as [Int64] { try program.checkpoint(step: step, files: ["f": text]) }
        try waitBriefly {
            pathExists(place.file("checkpoints/000004-step-4/compressed.json"))
        }
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let kept = place.checkpoints
        try completedRun(place, options, saving: [1])
        let name = try reference(place, 0)
        let copy = "\(place.directory.path)/copy"
        #expect(
            try read(place, "checkpoints", name, "verify").contains("\(kept.count) checkpoints"))
        #expect(pathExists("\(out)/3"))
        try completedRun(
            place, options, saving: [1], waitingFor: ["removed the archived run \(name) ("])
        try waitBriefly { try Disk().list(out).isEmpty }
        #expect(!pathExists(copy))
    }

    @Test("a supervisor that is killed while it cuts archives down leaves the rest to the next")
    func killed() throws {
        let place = try Place()
        for _ in 1...3 { try completedRun(place, saving: [1, 2, 3, 4]) }
        for _ in 1...3 {
            let program = try place.supervise(
                ["--keep-archived", "1"], [place.fixture, "puppet"], hasInput: true)
            try program.errorLine(with: "supervise: run it")
            try program.signal(9)
            #expect(try program.waitForEnd() == .signaled(9))
        }
        let program = try place.puppet(["--keep-archived", "1"])
        try waitBriefly { self.archives(place).count == 1 }
        try place.stop(program)
        #expect(place.names(in: "../.archive/\(archives(place)[0])/checkpoints").count == 4)
        let (status, text) = try call(place, ["checkpoints", try reference(place, 0), "verify"])
        #expect(status == 0, "\(text)")
    }
}

/// A directory of --checkpoint-dir holds the archived checkpoints of more states than one.
@Suite("Archived runs of two states in one directory", .onStage)
struct SharedArchiveTests {
    private func complete(
        _ place: Place, _ state: String, _ disk: String, keep: Int = 9,
        when isDone: () throws -> Bool = { true }
    ) throws {
        let options = ["--checkpoint-dir", disk, "--keep-archived", "\(keep)", "--name", "it"]
        let program = try place.call(
            ["--state-dir", state] + options + ["--", place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        _ = try program.checkpoint(step: 1)
        try waitBriefly(until: isDone)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
    }

    private func archived(_ place: Place, in disk: String) -> [String] {
        let entries = (try? Disk().list("\(disk)/.archive")) ?? []
        return entries.map(\.name).filter { $0 != ".trash" }
    }

    @Test("a copied state never removes the archived checkpoints of the original")
    func copied() throws {
        let place = try Place()
        let disk = try place.directory.makeDirectory("disk")
        let other = try place.directory.makeDirectory("other")
        try complete(place, place.state, disk)
        try complete(place, place.state, disk)
        let kept = archived(place, in: disk)
        #expect(kept.count == 1)
        let copy = "\(place.path)/copy"
        #expect(try place.start(["cp", "-a", place.state, copy]).waitForEnd() == .exited(0))
        for _ in 1...3 {
            try complete(place, copy, other, keep: 0) { archived(place, in: other).isEmpty }
        }
        #expect(archived(place, in: disk) == kept)
        let reference = "it@\(kept[0].suffix(16))"
        let verify = ["checkpoints", reference, "verify", "--state-dir", place.state]
        #expect(try place.call(verify).waitForEnd() == .exited(0))
        // The original's own next start does.
        try complete(place, place.state, disk, keep: 0) {
            !archived(place, in: disk).contains(kept[0])
        }
    }
}

/// On a small file system of its own, which only root can mount.
@Suite(
    "Archived runs on a full disk", .onStage, .enabled(if: userId() == 0, "only root mounts"))
struct FullArchiveTests {
    @Test("archived runs without pins go first, the oldest first, and then checkpoints")
    func archivesFirst() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("state")
        // Three archived runs of 200 kB, of which the oldest is pinned, in 1 MB.
        let options = ["--keep-archived", "9", "--keep-last", "9"]
        let large = try place.directory.write("large", String(repeating: "x", count: 200_000))
        let supervise = ([place.binary] + place.arguments(options)).dropLast()
            .joined(separator: " ")
        // The job writes it by itself; what is complete at its end is taken up.
        let save = "sh -c 'cp \(large) part && mv part ck-1'"
        let line = """
            mount -t tmpfs -o size=1200k none state && \
            for run in 1 2 3; do \
                \(supervise) --watch 'ck-*' -- \(save) || exit 9; \
                test $run != 1 || \(place.binary) checkpoints it pin 1 \
                    --state-dir \(place.state) >/dev/null; \
            done; exec "$@"
            """
        let call = [place.binary] + place.arguments(options) + [place.fixture, "puppet"]
        let program = try place.start(
            ["unshare", "--mount", "sh", "-c", line, "sh"] + call, hasInput: true)
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        for step in 11...16 as ClosedRange<Int64> {
            try program.send(.add(.init(path: large, step: step)))
            _ = try program.committed()
        }
        try place.stop(program)
        let text = program.text(.errors)
        let removed = text.split(separator: "\n").filter { $0.contains("the disk is full") }
        #expect(removed.count > 2, "\(text)")
        #expect(removed.prefix(2).allSatisfy { $0.contains("removing the archived run it@") })
        #expect(removed.dropFirst(2).allSatisfy { $0.contains("removing checkpoint") })
    }
}
