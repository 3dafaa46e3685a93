import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("supervise init")
struct InitTests {
    private let runs: RunsOnDisk

    init() throws { runs = try RunsOnDisk() }

    @Test("makes a run that has not begun, and leaves nothing else behind")
    func makes() throws {
        let answer = try runs.call("init", ["train"])
        #expect(
            answer
                == Answer(text: "run train is made, and has not begun: \(runs.root)/train\n"))
        #expect(try Disk().list(runs.root).map(\.name) == [".locks", "train"])
        #expect(try Disk().list("\(runs.root)/train").map(\.name) == ["checkpoints", "init.json"])
        #expect(try Disk().status("\(runs.root)/train").mode == 0o700)
        let bytes = try Disk().readFile("\(runs.root)/train/init.json", limit: 1 << 20)
        #expect(try JSONText.decode(InitialNote.self, from: bytes).created == runs.now)
    }

    @Test("answers in JSON")
    func json() throws {
        let text = try runs.call("init", ["train", "--json"]).text
        #expect(
            text == #"{"mount_point":null,"name":"train","path":"\#(runs.root)/train"}"# + "\n")
    }

    @Test("refuses with status 1 where there is a directory of that name, and changes nothing")
    func isThere() throws {
        try runs.add("old", outcome: .stopped, checkpoints: [1])
        _ = try runs.call("init", ["new"])
        try Disk().makeDirectory("\(runs.root)/empty")
        let before = try runs.snapshot()
        for (name, part) in [
            ("old", "is there already"), ("new", "was made before, and has not begun"),
            ("empty", "is there already"),
        ] {
            let refusal = try #require(runs.refusal("init", [name]))
            #expect(refusal.status == 1 && refusal.message.contains(part), "\(refusal)")
        }
        #expect(try runs.snapshot() == before)
    }

    @Test("that was cut off before the run's directory had its name is done again")
    func cutOff() throws {
        try StateDirectory(runs.root).prepare()
        try Disk().makeDirectory("\(runs.root)/.init-train")
        try Disk().makeDirectory("\(runs.root)/.init-train/checkpoints")
        try Disk().writeFile("\(runs.root)/.init-train/init.json", [])
        #expect(try runs.call("list").notes.contains { $0.contains("no runs") })
        _ = try runs.call("init", ["train"])
        #expect(try Disk().list(runs.root).map(\.name) == [".locks", "train"])
    }

    @Test("makes the directory of the checkpoints where that is another one")
    func split() throws {
        let disk = "\(runs.root)/disk/deep"
        _ = try runs.call("init", ["train", "--checkpoint-dir", disk])
        #expect(try Disk().list("\(runs.root)/train").map(\.name) == ["init.json"])
        #expect(try Disk().list("\(disk)/train").map(\.name) == ["checkpoints"])
        #expect(try runs.call("doctor", ["train"]).text.contains("it has not begun"))
    }

    @Test("wants a name, and one that can be one")
    func names() {
        #expect(runs.refusal("init")?.message == "say which run: supervise init NAME")
        #expect(runs.refusal("init", ["a", "b"])?.status == 125)
        #expect(runs.refusal("init", ["a/b"])?.message.contains("cannot be the name") == true)
        #expect(
            runs.refusal("init", [#"my\x2drun"#])?.message
                .contains("call the unit supervise@my-run") == true)
    }

    @Test(
        "leaves a run of which every command says that it has not begun",
        arguments: [
            ["status"], ["checkpoints"], ["checkpoints", "verify"], ["checkpoints", "stats"],
            ["prune"], ["settle"], ["events"], ["resume"], ["logs"], ["stop"], ["pause"],
            ["checkpoint"], ["checkpoints", "export", "1", "/nowhere"],
        ])
    func commands(words: [String]) throws {
        _ = try runs.call("init", ["train"])
        let before = try runs.snapshot()
        let refusal = try #require(runs.refusal(words[0], ["train"] + words.dropFirst()))
        #expect(refusal.status == 1, "\(refusal)")
        #expect(
            refusal.message.contains("was made by supervise init and has not begun"), "\(refusal)")
        #expect(try runs.snapshot() == before)
    }

    @Test("leaves a run that commands for all runs pass over, and list names")
    func allRuns() throws {
        try runs.add("other", outcome: .stopped, checkpoints: [1])
        _ = try runs.call("init", ["train"])
        let before = try runs.snapshot()
        let list = try runs.call("list")
        #expect(list.status == 0 && list.text.contains("\nother "))
        #expect(!list.text.contains("\ntrain "))
        #expect(list.notes.count == 1 && list.notes[0].contains("run train was made by"))
        #expect(try runs.call("list", ["--json"]).notes.isEmpty)
        #expect(try runs.call("prune", ["--all", "--dry-run"]).status == 0)
        #expect(try runs.call("settle", ["--all"]).notes.allSatisfy { !$0.contains("train") })
        #expect(try runs.snapshot().keys.sorted() == before.keys.sorted())
        for arguments in [[], ["train"]] {
            let doctor = try runs.call("doctor", arguments + ["--json"]).text
            #expect(doctor.contains("made by supervise init; it has not begun"))
            #expect(!doctor.contains("bring run.json back"))
        }
    }

    @Test("leaves a run that the doctor complains of once checkpoints have lost their record")
    func lostRecord() throws {
        try runs.add("train", outcome: .stopped, checkpoints: [1])
        let note = try JSONText.encode(InitialNote(created: runs.now, host: "here"))
        try Disk().writeFile("\(runs.root)/train/init.json", note)
        #expect(try runs.call("status", ["train"]).status == 0)
        try Disk().removeFile("\(runs.root)/train/run.json")
        try Disk().removeFile("\(runs.root)/train/status.json")
        #expect(try runs.call("doctor", ["train"]).text.contains("bring run.json back"))
    }
}
