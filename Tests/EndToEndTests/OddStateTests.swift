import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A state directory that somebody has had his hands in: one line that says what is wrong with what
/// and what to do, status 125, and what was saved stays; or it does not matter.
@Suite("A state directory that somebody has edited", .onStage)
struct OddStateTests {
    /// What was done to a run of three checkpoints, by a shell in its directory.
    struct Edit: CustomTestStringConvertible {
        var what: String
        var line: String
        /// What the one line on standard error says.
        var says: [String] = []
        /// The checkpoint that is gone on from, by its place; nil where the start is refused.
        var resumes: Int?
        var testDescription: String { what }
    }

    /// Sets a value in the record.
    private static func record(_ key: String, _ value: String) -> String {
        """
        python3 -c 'import json; r = json.load(open("run.json")); r["\(key)"] = \(value)
        json.dump(r, open("run.json", "w"))'
        """
    }

    static let refused: [Edit] = [
        Edit(
            what: "the run's directory is a link",
            line: "cd .. && mv it elsewhere && ln -s elsewhere it",
            says: ["/it is no directory", "put the directory itself there"]),
        Edit(
            what: "the run's directory is a file", line: "cd .. && rm -r it && echo x > it",
            says: ["/it/run.json", "Not a directory", "a part of that path is a file"]),
        Edit(
            what: "the checkpoints are a link", line: "mv checkpoints c && ln -s c checkpoints",
            says: ["/checkpoints is no directory", "--checkpoint-dir"]),
        Edit(
            what: "the checkpoints are a file", line: "mv checkpoints c && echo x > checkpoints",
            says: ["/checkpoints is no directory"]),
        Edit(
            what: "staging is a file", line: "rm -rf staging && echo x > staging",
            says: ["/staging", "Not a directory", "move it away"]),
        Edit(
            what: "the lock is a directory", line: "rm ../.locks/it && mkdir ../.locks/it",
            says: [".locks/it", "Is a directory", "move away what is in its place"]),
        Edit(
            what: "the lock is a link", line: "rm ../.locks/it && ln -s /nowhere ../.locks/it",
            says: [".locks/it", "move away what is in its place"]),
        Edit(
            what: "the record's temporary file is a directory", line: "mkdir run.json.tmp",
            says: ["run.json.tmp", "move away what is in its place"]),
        Edit(
            what: "there is no next attempt", line: record("attempt", "2**63-1"),
            says: ["run.json is damaged", "\"attempt\" is 9223372036854775807"]),
        Edit(
            what: "there is no next checkpoint", line: record("sequence", "10**15"),
            says: ["\"sequence\" is 1000000000000000"]),
        Edit(
            what: "commits are fewer than none", line: record("commits", "-1"),
            says: ["\"commits\" is -1"]),
        Edit(
            what: "the token is too long", line: record("run_token", "\"f\" * 5000"),
            says: ["\"run_token\" is not 16 digits"]),
        Edit(
            what: "there is no command", line: record("command", "[]"),
            says: ["\"command\" is empty"]),
        Edit(
            what: "the checkpoints are nowhere", line: record("checkpoint_directory", "\"\""),
            says: ["\"checkpoint_directory\" is no absolute path"]),
        Edit(
            what: "it ended in an unknown way",
            line: record("outcome", #"{"kind": "exploded", "exit_code": 0, "signal": None}"#),
            says: ["\"outcome.kind\" has a value that is not known"]),
        Edit(
            what: "the time is no time", line: record("created", "\"yesterday\""),
            says: ["\"created\"", "yesterday is no ISO 8601 time"]),
        Edit(
            what: "the disk of the checkpoints is not mounted", line: "mv checkpoints ../../away",
            says: ["/checkpoints is missing", "mount its disk"]),
    ]

    @Test("is refused in one line that says what to do", arguments: refused)
    func refusal(edit: Edit) throws {
        let place = try Place()
        try place.stoppedRun(saving: [1, 2, 3])
        try shell(place, edit.line)
        let before = try place.fingerprint(of: place.state)
        for command in [["doctor"], ["list"], ["status", "it"], ["checkpoints", "it", "verify"]] {
            let call = try place.call(command + ["--state-dir", place.state])
            let ending = try call.waitForEnd()
            #expect([.exited(0), .exited(1), .exited(125)].contains(ending), "\(command)")
            #expect(call.lines(.errors).count <= 1, "\(command): \(call.text(.errors))")
        }
        let program = try place.supervise([], [place.fixture, "puppet"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1, "\(program.text(.errors))")
        for part in edit.says {
            #expect(program.text(.errors).contains(part), "\(program.text(.errors))")
        }
        #expect(try place.fingerprint(of: place.state) == before)
    }

    static let endured: [Edit] = [
        Edit(
            what: "a payload's directory is a file",
            line: "cd checkpoints/000003* && rm -r data && echo x > data",
            says: ["data is no directory"], resumes: 1),
        Edit(
            what: "a payload's directory is a link",
            line: "cd checkpoints/000003* && mv data d && ln -s d data",
            says: ["data is no directory"], resumes: 1),
        Edit(
            what: "a manifest is a FIFO",
            line: "cd checkpoints/000003* && rm manifest.json && mkfifo manifest.json",
            says: ["it is no regular file"], resumes: 1),
        Edit(
            what: "a manifest's sizes are absurd",
            line: """
                cd checkpoints/000003* && sed -i 's/"bytes":[0-9]*/"bytes":9223372036854775807/g' \
                manifest.json
                sed -i "s/^[0-9a-f]*  manifest.json/$(sha256sum manifest.json)/" SHA256SUMS
                """, says: ["it gives a file 9223372036854775807 bytes"], resumes: 1),
        Edit(
            what: "one number stands twice",
            line: "cp -a checkpoints/000003-step-3 checkpoints/000003-step-9",
            says: ["its manifest is that of 000003-step-3"], resumes: 2),
        Edit(
            what: "a manifest is that of another",
            line: "cp checkpoints/000001*/manifest.json checkpoints/000003*/",
            says: ["SHA-256 differs", "that of 000001-step-1"], resumes: 1),
        Edit(
            what: "a number is the highest there is", line: "mkdir checkpoints/999999999999999",
            resumes: 2),
        Edit(
            what: "files that are none of ours lie about",
            line: "echo x > notes; mkdir checkpoints/old; echo x > checkpoints/README", resumes: 2),
        Edit(
            what: "derived files are directories, links and FIFOs",
            line: "rm status.json events.jsonl; mkdir status.json; mkfifo events.jsonl", resumes: 2),
        Edit(
            what: "the record is of the future",
            line: record("created", "\"2999-01-01T00:00:00.000Z\""),
            resumes: 2),
        Edit(
            what: "the lock's file holds nonsense", line: "echo nonsense > ../.locks/it", resumes: 2
        ),
        Edit(what: "the record has been lost", line: "rm run.json", resumes: 2),
        Edit(
            what: "only a half of a new record is there", line: "mv run.json run.json.tmp",
            resumes: 2),
    ]

    @Test("is gone on with from what is good, and what is not is told", arguments: endured)
    func endurance(edit: Edit) throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2, 3])
        try shell(place, edit.line)
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        let resume = try #require(try program.hello(accepts: false).resume)
        #expect(resume.id.description == edit.resumes.map { ids[$0] })
        let errors = program.text(.errors)
        #expect(edit.says.isEmpty || edit.says.contains(where: errors.contains), "\(errors)")
        let next = try program.checkpoint(step: 4)
        #expect(next.id.sequence > 3)
        #expect(try place.isWhole("\(next.id)"))
        try place.stop(program)
    }

    private func shell(_ place: Place, _ line: String) throws {
        let program = try place.start(["sh", "-ec", "cd \"$1\"; \(line)", "sh", place.file("")])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("not edited") }
    }
}
