import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The same name for another program, or for the same in another directory.
@Suite("The same name for something else", .onStage)
struct SomethingElseTests {
    private let place: Place

    init() throws { place = try Place() }

    /// A run of a script, stopped after a checkpoint or completed.
    private func leave(
        _ command: [String], in directory: String? = nil, completes: Bool = false
    ) throws {
        let options = directory.map { ["--chdir", $0] } ?? []
        try place.directory.write("job.sh", completes ? "" : "exit 3", mode: 0o700)
        try place.shell("cp -a job.sh other.sh; mkdir -p d e && cp -a job.sh d; cp -a job.sh e")
        let program = try place.supervise(options + ["--max-failures", "1"], command)
        #expect(try program.waitForEnd() == .exited(completes ? 0 : 3))
    }

    private func expectRefusal(
        _ options: [String], _ command: [String], says parts: [String]
    ) throws {
        try place.expectRefusal(
            in: place.state, options, unchanged: [place.path], command: command,
            says: parts + ["--name", "--fresh", "--adopt"])
    }

    /// - Returns: what was said on standard error.
    @discardableResult
    private func expectStart(
        _ options: [String], _ command: [String], attempt: Int = 2
    ) throws -> String {
        let program = try place.supervise(options + ["--max-failures", "1"], command)
        _ = try program.waitForEnd()
        let text = program.text(.errors)
        #expect(text.contains("attempt \(attempt)"), "\(text)")
        return text
    }

    private func expectRefusal(_ command: [String], says parts: [String]) throws {
        try expectRefusal([], command, says: parts)
    }

    @discardableResult
    private func expectStart(_ command: [String], attempt: Int = 2) throws -> String {
        try expectStart([], command, attempt: attempt)
    }

    @Test("another program is refused, and what differs and what to do is said")
    func otherProgram() throws {
        try leave(["sh", "job.sh"])
        try expectRefusal(
            ["sh", "other.sh"], says: ["run it is one of job.sh (sh job.sh), not of other.sh"])
        try expectRefusal(["sh", "-c", "true"], says: ["job.sh", "not of sh"])
        try expectRefusal(["--resume-from", "none"], ["true"], says: ["not of true"])
        let text = try expectStart(["--adopt"], ["sh", "other.sh"])
        #expect(text.contains("was begun with something else (sh job.sh in \(place.path))"))
        // It is one of that from now on.
        try expectRefusal(["sh", "job.sh"], says: ["other.sh", "not of job.sh"])
    }

    @Test("other arguments, another interpreter and another path go on, and are reported")
    func sameProgram() throws {
        try leave(["sh", "job.sh"])
        for (index, command) in [
            ["sh", "job.sh", "--more"], ["./job.sh"], ["bash", "-e", "\(place.path)/job.sh"],
        ].enumerated() {
            let text = try expectStart(command, attempt: index + 2)
            #expect(text.contains("was begun with another command"))
            #expect(text.contains("going on with this one"))
        }
        #expect(
            try !expectStart(["bash", "-e", "\(place.path)/job.sh"], attempt: 5).contains("begun"))
    }

    @Test("a module is told from another one")
    func module() throws {
        try place.shell("mkdir pkg; echo 'import sys; sys.exit(3)' | tee pkg/one.py > pkg/two.py")
        let call = { (words: [String]) in ["python3", "-B", "-m"] + words }
        let first = try place.supervise(["--max-failures", "1"], call(["pkg.one"]))
        #expect(try first.waitForEnd() == .exited(3))
        try expectRefusal(call(["pkg.two"]), says: ["pkg.one", "not of pkg.two"])
        try expectStart(["python3", "-Bm", "pkg.one", "--lr", "1"])
    }

    @Test("the same program in another directory is refused")
    func otherDirectory() throws {
        try leave(["sh", "job.sh"], in: "d")
        let says = ["run it is one of job.sh in \(place.path)/d, not in \(place.path)"]
        try expectRefusal(["--chdir", "e"], ["sh", "job.sh"], says: ["\(says[0])/e"])
        try expectRefusal(["sh", "job.sh"], says: says)
        try expectStart(["--chdir", "e", "--adopt"], ["sh", "job.sh"])
    }

    @Test("a directory by another name is the same one", arguments: ["link", "mount"])
    func otherName(kind: String) throws {
        try leave(["sh", "job.sh"], in: "d")
        if kind == "link" {
            try place.shell("ln -s d other-name")
            try expectStart(["--chdir", "other-name"], ["sh", "job.sh"])
            return
        }
        guard userId() == 0 else { return print("not tried: only root can mount") }
        let line = "mkdir other-name && mount --bind d other-name && shift 0 && exec \"$@\""
        let call =
            place.arguments(["--chdir", "other-name", "--max-failures", "1"]) + ["sh", "job.sh"]
        let program = try place.start(
            ["unshare", "--mount", "sh", "-c", line, "sh", place.binary] + call)
        #expect(try program.waitForEnd() == .exited(3), "\(program.text(.errors))")
    }

    @Test("a directory that is gone was moved, and a line says so")
    func moved() throws {
        try leave(["sh", "job.sh"], in: "d")
        try place.shell("mv d f")
        let text = try expectStart(["--chdir", "f"], ["sh", "job.sh"])
        #expect(
            text.contains(
                "was begun in \(place.path)/d, which is gone; going on in \(place.path)/f"))
        // A file in its place is no directory.
        try place.shell("mv f g; echo > f")
        #expect(
            try expectStart(["--chdir", "g"], ["sh", "job.sh"], attempt: 3).contains("is gone"))
    }

    @Test("whether a directory that may not be looked for is another one cannot be told")
    func hidden() throws {
        guard userId() == 0 else { return print("not tried: root is to hide it") }
        try place.shell("mkdir -p hidden/d && install -m 755 '\(place.binary)' . && chmod 755 .")
        let first = try place.supervise(
            ["--max-failures", "1", "--chdir", "hidden/d"], ["sh", "-c", "exit 3", "job"])
        #expect(try first.waitForEnd() == .exited(3))
        try place.shell("chmod 700 hidden; chown -R 65534:65533 state r")
        let program = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", "./supervise"]
                + place.arguments(["--max-failures", "1"]) + ["sh", "-c", "exit 3"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.text(.errors).contains("cannot be told"))
        #expect(program.text(.errors).contains("Permission denied"))
        #expect(program.text(.errors).contains("--adopt"))
        // A directory that may not be read is one all the same.
        try place.shell("chmod 755 hidden; chmod 0 hidden/d")
        let second = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", "./supervise"]
                + place.arguments([]) + ["sh", "-c", "exit 3"])
        #expect(try second.waitForEnd() == .exited(125))
        #expect(second.text(.errors).contains("in \(place.path)/hidden/d, not in \(place.path)"))
    }

    @Test("of another host's run only the program counts")
    func otherHost() throws {
        try leave(["sh", "job.sh"], in: "d")
        try place.shell("sed -i 's/\"host\":\"[^\"]*\"/\"host\":\"far\"/' state/it/run.json")
        try expectRefusal(["--chdir", "e"], ["sh", "other.sh"], says: ["not of other.sh"])
        let text = try expectStart(["--chdir", "e"], ["sh", "job.sh"])
        #expect(text.contains("was begun with another command"))
    }

    @Test("of a record of an older version the same holds")
    func olderRecord() throws {
        try leave(["sh", "job.sh"])
        let script = """
            import json
            r = json.load(open("state/it/run.json"))
            r.update(format=1, checkpoint_directory="\(place.state)/it")
            del r["home"], r["shared_through"]
            json.dump(r, open("state/it/run.json", "w"))
            """
        try place.directory.write("age.py", script)
        try place.shell("python3 age.py")
        try expectRefusal(["sh", "other.sh"], says: ["not of other.sh"])
        try expectStart(["sh", "job.sh"])
    }

    @Test("a run that has completed is archived as always; its completion is nobody else's")
    func completed() throws {
        try leave(["sh", "job.sh"], completes: true)
        try expectRefusal(
            ["--when-completed", "exit"], ["sh", "other.sh"],
            says: ["not of other.sh", "to take its completion for this one's: --adopt"])
        let exits = ["--when-completed", "exit"]
        for (options, command) in [(exits, "job.sh"), (exits + ["--adopt"], "other.sh")] {
            let before = try place.fingerprint(of: place.state)
            let program = try place.supervise(options, ["sh", command])
            #expect(try program.waitForEnd() == .exited(0))
            #expect(try place.fingerprint(of: place.state) == before)
        }
        let text = try expectStart(["sh", "other.sh"], attempt: 1)
        #expect(!text.contains("begun with"))
        #expect(place.names(in: "../.archive").count == 1)
    }

    @Test("--fresh is for anything, and resume never minds")
    func freshAndResume() throws {
        try leave(["sh", "job.sh"], in: "d")
        let resumed = try place.call(["resume", "it", "--state-dir", place.state])
        #expect(try resumed.waitForEnd() == .exited(3))
        #expect(!resumed.text(.errors).contains("begun with"))
        let text = try expectStart(["--fresh"], ["sh", "-c", "exit 3"], attempt: 1)
        #expect(!text.contains("begun with"))
    }

    @Test("--adopt is an option of the command line alone")
    func adoptElsewhere() throws {
        try leave(["sh", "job.sh"])
        let program = try place.supervise(
            [], ["sh", "other.sh"], environment: ["SUPERVISE_ADOPT": "true"])
        #expect(try program.waitForEnd() == .exited(125))
        try expectStart(["--adopt"], ["sh", "other.sh"])
        #expect(try place.record().options["adopt"] == nil)
    }

    @Test("a run goes on from the checkpoints of what it adopts")
    func adopts() throws {
        let ids = try place.stoppedRun(saving: [1])
        let program = try place.supervise(
            ["--adopt"], ["sh", "-c", "echo id $SUPERVISE_CHECKPOINT_ID"])
        try program.line(starting: "id \(ids[0])")
        #expect(try program.waitForEnd() == .exited(0))
    }
}
