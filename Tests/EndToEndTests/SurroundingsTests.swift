import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("What the job finds around it", .onStage)
struct SurroundingsTests {
    private func environment(_ program: Program) throws -> [String: String] {
        try program.say("environment")
        var variables: [String: String] = [:]
        while true {
            let line = try program.line(.output, "a variable") { _ in true }
            if line == "end of environment" { return variables }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            variables[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
    }

    @Test("our variables are set, and those that were meant for us are not handed on")
    func variables() throws {
        let place = try Place()
        let program = try place.puppet(
            environment: [
                "SUPERVISE_KEEP_LAST": "4", "SUPERVISE_STATE_DIR": "/nowhere",
                "SUPERVISE_NAME": "outer", "SUPERVISE_TOKEN": "outer", "SUPERVISE_ATTEMPT": "77",
                "SUPERVISE_CHECKPOINT": "/outer", "SUPERVISE_CHECKPOINT_STEP": "5",
                "NOTIFY_SOCKET": "/outer", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1",
                "LISTEN_FDS": "0", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x",
                "MINE": "kept = \u{e4}",
            ])
        let first = try environment(program)
        let ours = first.filter { $0.key.hasPrefix("SUPERVISE_") }
        #expect(
            Set(ours.keys) == [
                "SUPERVISE_SOCKET", "SUPERVISE_NAME", "SUPERVISE_ATTEMPT", "SUPERVISE_TOKEN",
                "SUPERVISE_STATE_DIR",
            ])
        #expect(ours["SUPERVISE_STATE_DIR"] == place.state)
        #expect(ours["SUPERVISE_NAME"] == "it" && ours["SUPERVISE_ATTEMPT"] == "1")
        #expect(ours["SUPERVISE_TOKEN"]?.utf8.count == 32)
        #expect(ours["SUPERVISE_SOCKET"] == (try place.status().socket))
        #expect(first["MINE"] == "kept = \u{e4}" && first["HOME"] == place.path)
        #expect(first["NOTIFY_SOCKET"]?.hasSuffix("/note") == true)
        for name in first.keys where name != "NOTIFY_SOCKET" {
            #expect(
                !["NOTIFY", "WATCHDOG", "LISTEN"].contains(name.split(separator: "_")[...].first))
        }
        try program.hello(accepts: false)
        let committed = try program.checkpoint(step: 8)
        try program.say("exit 1")
        try program.nextAttempt(2)
        let second = try environment(program)
        #expect(second["SUPERVISE_ATTEMPT"] == "2")
        #expect(second["SUPERVISE_CHECKPOINT"] == committed.path)
        #expect(second["SUPERVISE_CHECKPOINT_ID"] == committed.id.description)
        #expect(second["SUPERVISE_CHECKPOINT_STEP"] == "8")
        let tokens = [first, second].map { $0["SUPERVISE_TOKEN"] ?? "" }
        #expect(tokens[0] != tokens[1] && tokens[0].prefix(16) == tokens[1].prefix(16))
        try place.stop(program)
    }

    @Test("a job finds its own run, and a supervise that it calls keeps its runs beside it")
    func nested() throws {
        let place = try Place()
        let inner = """
            cd /; '\(place.binary)' status --json
            '\(place.binary)' --name inner -- sh -c 'echo inner $SUPERVISE_NAME'
            """
        let program = try place.start(
            [
                "sh", "-c", "cd \(place.path) && exec \"$@\"", "sh", place.binary, "--state-dir",
                "state",
                "--name", "it", "--", "sh", "-c", inner,
            ])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output).first?.contains(#""name":"it""#) == true)
        #expect(program.lines(.output).last == "inner inner")
        #expect(pathExists("\(place.state)/inner/run.json"))
        #expect(!pathExists("\(place.path)/.local"))
    }

    @Test("a run takes no name from the environment")
    func name() throws {
        let place = try Place()
        let program = try place.call(
            ["--state-dir", place.state, "--", "sh", "-c", "echo name $SUPERVISE_NAME"],
            environment: ["SUPERVISE_NAME": "outer"])
        #expect(try program.line(starting: "name ").hasPrefix("name sh-"))
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("no signal is blocked or ignored, whatever our starter did")
    func signals() throws {
        let place = try Place()
        let call = [place.binary] + place.arguments([]) + ["cat", "/proc/self/status"]
        let program = try place.start(
            ["sh", "-c", "trap '' HUP PIPE USR2 QUIT; exec \"$@\"", "sh"] + call)
        #expect(try program.waitForEnd() == .exited(0))
        let fields = program.lines(.output).filter { $0.hasPrefix("Sig") }
        for name in ["SigBlk", "SigIgn"] {
            let field = try #require(fields.first { $0.hasPrefix(name) })
            #expect(field.hasSuffix(":\t0000000000000000"), "\(field)")
        }
    }

    @Test("the job leads a session of its own, in the directory that we were called in")
    func session() throws {
        let place = try Place()
        // Behind the name in parentheses: state, parent, group, session.
        let line = "pwd; set -- $(sed 's/.*) //' /proc/$$/stat); echo $$ $3 $4"
        let program = try place.supervise([], ["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(0))
        let lines = program.lines(.output)
        #expect(lines.first == place.path)
        let numbers = Set(try #require(lines.last).split(separator: " "))
        #expect(numbers.count == 1)
    }

    @Test("a pipe or a file at standard input is the job's")
    func input() throws {
        let place = try Place()
        let piped = try place.supervise([], ["cat"], hasInput: true)
        try piped.say("through the pipe")
        try piped.line(starting: "through the pipe")
        piped.closeInput()
        #expect(try piped.waitForEnd() == .exited(0))
        let file = try place.directory.write("input", "from the file\n")
        let call = [place.binary] + place.arguments([]) + ["cat"]
        let read = try place.start(["sh", "-c", "exec \"$@\" < \(file)", "sh"] + call)
        try read.line(starting: "from the file")
        #expect(try read.waitForEnd() == .exited(0))
    }

    /// Runs a command at a terminal of its own, and ends as a shell would tell of it.
    private let atTerminal = """
        import os, pty, sys
        status = pty.spawn(sys.argv[1:])
        sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
        """

    @Test("a terminal at standard input stays ours: the job finds nothing there")
    func terminal() throws {
        let place = try Place()
        let call = [place.binary] + place.arguments([])
        let program = try place.start(
            ["python3", "-c", atTerminal] + call
                + ["sh", "-c", "readlink /proc/self/fd/0; test -t 1 && echo terminal"],
            hasInput: true)
        #expect(try program.waitForEnd() == .exited(0))
        let lines = program.text(.output).split(whereSeparator: \.isNewline)
        #expect(lines.contains("/dev/null") && lines.contains("terminal"))
    }

    @Test("ctrl-C at the terminal reaches us alone, and the job is asked first")
    func interrupt() throws {
        let place = try Place()
        let job = "trap 'echo got INT' INT; echo ready; while :; do sleep 1000 & wait $!; done"
        let program = try place.start(
            ["python3", "-c", atTerminal, place.binary] + place.arguments([]) + ["sh", "-c", job],
            hasInput: true)
        try program.line(starting: "ready")
        try program.say("\u{3}")
        #expect(try program.waitForEnd() == .exited(130))
        #expect(!program.text(.output).contains("got INT"))
        #expect(program.text(.output).contains("SIGINT: stopping the job"))
    }
}
