import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("How a run starts", .onStage)
struct StartTests {
    @Test("the same command in the same directory is the same run, and is resumed")
    func sameCommand() throws {
        let place = try Place()
        let call = [
            "--state-dir", place.state, "--backoff", "0ms..0ms", "--", place.fixture, "puppet",
        ]
        let first = try place.call(call, hasInput: true)
        try first.nextAttempt(1)
        let name = try first.hello(accepts: false).name
        #expect(name.hasPrefix("FixtureJob-"))
        let id = try first.checkpoint(step: 1).id
        try place.stop(first)
        let second = try place.call(call, hasInput: true)
        try second.nextAttempt(2)
        let welcome = try second.hello(accepts: false)
        #expect(welcome.name == name && welcome.resume?.id == id)
        try place.stop(second)
        // Other arguments, or another directory, make another run.
        let other = try place.call(call + ["more"], hasInput: true)
        try other.nextAttempt(1)
        other.closeInput()
        #expect(try other.waitForEnd() == .exited(0))
        let elsewhere = try place.start(
            ["sh", "-c", "mkdir d && cd d && exec \"$@\"", "sh", place.binary] + call,
            hasInput: true)
        try elsewhere.nextAttempt(1)
        elsewhere.closeInput()
        #expect(try elsewhere.waitForEnd() == .exited(0))
    }

    @Test("--fresh begins anew and keeps what was there in the archive")
    func fresh() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        let program = try place.puppet(["--fresh"])
        let welcome = try program.hello(accepts: false)
        #expect(welcome.attempt == 1 && welcome.resume == nil)
        #expect(place.checkpoints.isEmpty)
        try place.stop(program)
        let archived = place.names(in: "../.archive")
        #expect(archived.count == 1)
        let name = try #require(archived.first)
        #expect(name.hasPrefix("it-"))
        #expect(place.names(in: "../.archive/\(name)/checkpoints") == ids)
        #expect(place.names(in: "../.archive/\(name)").contains("run.json"))
    }

    @Test("--fresh where there is nothing is a plain start")
    func freshFirst() throws {
        let place = try Place()
        #expect(try place.supervise(["--fresh"], ["true"]).waitForEnd() == .exited(0))
        #expect(place.names(in: "../.archive").isEmpty)
    }

    @Test("a run that has completed begins anew, and the old one is archived")
    func again() throws {
        let place = try Place()
        let first = try place.puppet()
        try first.hello(accepts: false)
        let id = try first.checkpoint(step: 1).id
        try first.say("exit 0")
        #expect(try first.waitForEnd() == .exited(0))
        let second = try place.puppet()
        #expect(try second.hello(accepts: false).resume == nil)
        try second.say("exit 0")
        #expect(try second.waitForEnd() == .exited(0))
        let name = try #require(place.names(in: "../.archive").first)
        #expect(place.names(in: "../.archive/\(name)/checkpoints") == [id.description])
    }

    @Test("with --when-completed exit it ends at once in 0 and names --fresh")
    func exit() throws {
        let place = try Place()
        #expect(try place.supervise([], ["sh", "-c", "true"]).waitForEnd() == .exited(0))
        let before = try place.fingerprint(of: place.state)
        let program = try place.supervise(
            ["--when-completed", "exit"], ["sh", "-c", "echo ran"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output).isEmpty)
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("--fresh"))
        #expect(try place.fingerprint(of: place.state) == before)
        // One that was only stopped is resumed all the same.
        let other = try Place()
        try other.stoppedRun(saving: [1])
        let resumed = try other.puppet(["--when-completed", "exit"])
        #expect(try resumed.hello(accepts: false).resume != nil)
        try other.stop(resumed)
    }

    @Test("checkpoints may live on another disk, and stay there")
    func checkpointDirectory() throws {
        let place = try Place()
        let disk = try place.directory.makeDirectory("disk")
        let ids = try place.stoppedRun(["--checkpoint-dir", disk], saving: [1])
        #expect(try Disk().list("\(disk)/it/checkpoints").map(\.name) == ids)
        #expect(place.checkpoints.isEmpty)
        // Nor does it have to be said again.
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try program.checkpoint(step: 2)
        try place.stop(program)
        #expect(try Disk().list("\(disk)/it/checkpoints").count == 2)
    }

    @Test("the command line wins over the environment, and that over the file")
    func sources() throws {
        let place = try Place()
        let config = try place.directory.write("config.json", #"{"max-failures": 2}"#)
        let environment = ["SUPERVISE_MAX_FAILURES": "3"]
        let run = ["sh", "-c", "echo attempt; exit 1"]
        let attempts = { (options: [String], extra: [String: String]) throws -> Int in
            let program = try place.supervise(options + ["--fresh"], run, environment: extra)
            #expect(try program.waitForEnd() == .exited(1))
            return program.lines(.output).count
        }
        #expect(try attempts(["--config", config], [:]) == 2)
        #expect(try attempts(["--config", config], environment) == 3)
        #expect(try attempts(["--config", config, "--max-failures", "4"], environment) == 4)
        #expect(try attempts([], ["SUPERVISE_CONFIG": config]) == 2)
    }

    @Test("files and directories are for their owner alone")
    func permissions() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        // The payload is as the job has made it; above it nobody passes.
        let line =
            "find . -path '*/data/*' -prune -o "
            + "\\( -type d ! -perm 0700 -o -type f ! -perm 0600 \\) -print"
        let program = try place.start(["sh", "-c", "cd state && \(line)"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output).isEmpty)
    }

    @Test("what it says on standard error is few lines, none with --quiet, objects with json")
    func console() throws {
        let place = try Place()
        let quiet = try place.supervise(["--quiet"], ["true"])
        #expect(try quiet.waitForEnd() == .exited(0))
        #expect(quiet.text(.errors).isEmpty)
        let json = try place.supervise(["--log-format", "json"], ["true"])
        #expect(try json.waitForEnd() == .exited(0))
        // With the one that tells where the run before is.
        #expect(json.lines(.errors).count == 3)
        for line in json.lines(.errors) {
            _ = try JSONText.decode(LoggedEvent.self, from: line.utf8)
        }
        let closed = try place.start(
            ["sh", "-c", "exec \"$@\" 2>&- 1>&- 0<&-", "sh", place.binary]
                + place.arguments([]) + ["true"])
        #expect(try closed.waitForEnd() == .exited(0))
    }
}
