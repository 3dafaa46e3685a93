import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("The job's terminal, and ours", .onStage)
struct TerminalTests {
    private func sit(
        _ place: Place, _ options: [String], _ job: String, size: TerminalSize = .usual,
        input: SpawnRequest.Stream? = nil, output: SpawnRequest.Stream? = nil
    ) throws -> Seat {
        let command =
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options)
            + ["bash", "-c", job]
        return try Seat(
            command, environment: place.environment.merging(["TERM": "xterm"]) { $1 },
            directory: place.path, size: size, input: input, output: output)
    }

    private func log(_ place: Place) throws -> String {
        String(
            decoding: try Disk().readFile(place.file("output/attempt-0001.log"), limit: 1 << 20),
            as: UTF8.self)
    }

    @Test(
        "with --tty all streams lead to one terminal, whose size is that of ours")
    func tty() throws {
        let place = try Place()
        let job = """
            test -t 0 && test -t 1 && test -t 2 && echo all three; stty size
            trap 'stty size < /dev/tty' WINCH; echo ready
            until read -t 0.05 part; do line+=$part; done; echo got $line$part
            """
        let seat = try sit(
            place, ["--tty", "--capture"], job, size: TerminalSize(rows: 33, columns: 99))
        try seat.wait(for: "all three\r\n")
        try seat.wait(for: "33 99\r\n")
        try seat.wait(for: "ready")
        seat.resize(TerminalSize(rows: 44, columns: 111))
        try seat.wait(for: "44 111\r\n")
        try seat.type("hello\r")
        try seat.wait(for: "got hello\r\n")
        #expect(try seat.waitForEnd() == .exited(0))
        #expect(seat.isCooked)
        // Once: what is typed is shown by the job's terminal, and ends its lines as a file has them.
        #expect(try log(place) == "all three\n33 99\nready\n44 111\nhello\ngot hello\n")
    }

    @Test(
        "with --tty our own streams may be pipes, and what comes in stays the job's")
    func pipes() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--tty"], ["sh", "-c", "test -t 1 && stty size < /dev/tty && cat && echo err >&2"],
            hasInput: true)
        try program.line(starting: "24 80")
        try program.say("through the pipe")
        try program.line(starting: "through the pipe")
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.output).hasSuffix("err\n"))
    }

    @Test("ctrl-C at our terminal reaches us and not the job, which is asked first")
    func interrupt() throws {
        let place = try Place()
        let seat = try sit(
            place, ["--tty"],
            "trap 'echo got INT' INT; trap 'echo got TERM; exit' TERM; echo ready; "
                + "while :; do sleep 0.05; done")
        try seat.wait(for: "ready")
        try seat.type("\u{3}")
        try seat.wait(for: "SIGINT: stopping the job")
        #expect(try seat.waitForEnd() == .signaled(SIGINT))
        #expect(seat.text.contains("got TERM") && !seat.text.contains("got INT"))
        #expect(seat.isCooked)
    }

    @Test("our terminal is put right when we fail and when we are killed")
    func restored() throws {
        let place = try Place()
        let failing = try sit(
            place, ["--tty", "--max-failures", "1"], "echo ready; read x; exit 7")
        try failing.wait(for: "ready")
        #expect(!failing.isCooked)
        try failing.type("\r")
        #expect(try failing.waitForEnd() == .exited(7))
        #expect(failing.isCooked)
        let killed = try sit(place, ["--tty", "--fresh"], "echo ready; sleep 1000")
        try killed.wait(for: "ready")
        #expect(!killed.isCooked)
        try killed.signal(SIGKILL)
        #expect(try killed.waitForEnd() == .signaled(SIGKILL))
        try waitBriefly { killed.isCooked }
        #expect(killed.isCooked)
    }

    @Test(
        "who looks after the terminal ends with us, and restarts leave nothing open")
    func nothingLeft() throws {
        let place = try Place()
        let seat = try sit(
            place, ["--tty", "--capture", "--max-failures", "1000"],
            "if [ $SUPERVISE_ATTEMPT -lt 20 ]; then exit 1; fi; echo ready; read x")
        try seat.wait(for: "ready")
        let count = try Disk().list("/proc/\(seat.pid)/fd").count
        #expect(count < 40, "\(count) descriptors")
        let text = try readSmallFile("/proc/\(seat.pid)/task/\(seat.pid)/children")
        let helpers = try text.split(separator: " ").map { try readSmallFile("/proc/\($0)/comm") }
        #expect(helpers.count == 3 && helpers.contains("supervise-tty\n"), "\(helpers)")
        try seat.type("\r")
        #expect(try seat.waitForEnd() == .exited(0))
        for child in text.split(separator: " ") {
            try waitBriefly { !pathExists("/proc/\(child)") }
            #expect(!pathExists("/proc/\(child)"))
        }
    }

    @Test("ctrl-Z gives the terminal back as it was, and going on takes its keys again")
    func stopped() throws {
        let place = try Place()
        let call =
            [place.binary] + place.arguments(["--tty"])
            + ["bash", "-c", "echo ready; read x; echo got $x"]
        // A shell with job control, as people have it.
        let seat = try Seat(
            [
                "bash", "--norc", "-i", "-c",
                "set -m; \"$@\"; echo stopped $?; read y; echo fg; fg >/dev/null; echo over $?",
                "bash",
            ]
                + call,
            environment: place.environment.merging(["TERM": "xterm"]) { $1 }, directory: place.path)
        try seat.wait(for: "ready")
        #expect(!seat.isCooked)
        try seat.type("\u{1A}")
        try seat.wait(for: "stopped 14")
        #expect(seat.isCooked)
        try seat.type("\r")
        try seat.wait(for: "fg\r\n")
        try seat.wait(until: { !seat.isCooked })
        try seat.type("hello\r")
        try seat.wait(for: "got hello")
        try seat.wait(for: "over 0")
        _ = try seat.waitForEnd()
    }

    /// Lines of a job, as it writes them and with what is ours left out.
    private func shown(_ seat: Seat) -> [String] {
        Screen(seat.text).text.filter { !$0.hasPrefix("supervise: ") }
    }

    @Test(
        "the status line comes below what the job writes and goes without a trace",
        arguments: ["--tty", "--capture"])
    func statusLine(option: String) throws {
        let place = try Place()
        let job = """
            for i in $(seq 40); do echo line $i; sleep 0.005; done
            printf 'half'; sleep 0.1; printf ' a line\\n'
            for i in 1 2 3; do printf '\\r%d %%' $i; sleep 0.05; done; echo
            sleep 0.1; echo end; read x
            """
        let seat = try sit(place, [option], option == "--tty" ? job : job + " < \(place.path)/f")
        if option == "--capture" {
            try systemCall("mkfifo") { mkfifo("\(place.path)/f", 0o600) }
        }
        try seat.wait(for: "end")
        try seat.wait(for: "[it running  attempt 1]")
        #expect(Screen(seat.text).text.last == "[it running  attempt 1]")
        if option == "--tty" {
            try seat.type("\r")
        } else {
            let file = try systemCall("open") { open("\(place.path)/f", O_WRONLY) }
            _ = write(file, "\n", 1)
            close(file)
        }
        #expect(try seat.waitForEnd() == .exited(0))
        // What is typed at the job's terminal is shown there.
        let typed = option == "--tty" ? [""] : []
        let expected = (1...40).map { "line \($0)" } + ["half a line", "3 %", "end"]
        #expect(shown(seat) == expected + typed)
    }

    @Test("a terminal that becomes narrower leaves nothing of the line behind")
    func narrower() throws {
        let place = try Place()
        let seat = try sit(place, ["--tty", "--capture"], "echo ready; read x; echo end")
        // Our own first line and the job's come in any order.
        try seat.wait {
            seat.text.contains("ready") && seat.text.contains("supervise: run it")
                && seat.text.hasSuffix("[it running  attempt 1]")
        }
        seat.resize(TerminalSize(rows: 24, columns: 9))
        try seat.wait { seat.text.hasSuffix("[it runn") }
        try seat.type("\r")
        #expect(try seat.waitForEnd() == .exited(0))
        #expect(shown(seat) == ["ready", "", "end"])
    }

    @Test(
        "there is no status line where others may write to the terminal, or with --quiet"
    )
    func noStatusLine() throws {
        let place = try Place()
        for options in [[], ["--capture", "--quiet"], ["--tty", "--quiet"]] {
            let seat = try sit(place, options + ["--fresh"], "echo end")
            #expect(try seat.waitForEnd() == .exited(0))
            #expect(!seat.text.contains("[it"), "\(options)")
        }
        // Whoever reads the pipe may write to our terminal.
        let pipe = try FileDescriptor.pipe()
        let piped = try sit(
            place, ["--capture", "--fresh"], "echo end",
            output: .descriptor(pipe.write.rawValue))
        #expect(try piped.waitForEnd() == .exited(0))
        #expect(!piped.text.contains("[it"))
        let file = try place.directory.write("out", "")
        let descriptor = FileDescriptor(
            adopting: try systemCall("open") { open(file, O_WRONLY | O_CLOEXEC) })
        let filed = try sit(
            place, ["--capture", "--fresh"], "echo end; sleep 0.1",
            output: .descriptor(descriptor.rawValue))
        #expect(try filed.waitForEnd() == .exited(0))
        #expect(filed.text.contains("[it"))
        #expect(try place.directory.read("out") == "end\n")
    }

    @Test("a job that moves the cursor has the terminal to itself")
    func moving() throws {
        let place = try Place()
        let seat = try sit(
            place, ["--tty"], "printf '\\033[2J\\033[3;1Hmine\\n'; read x; echo end")
        try seat.wait(for: "mine")
        let before = seat.bytes.count
        seat.resize(TerminalSize(rows: 30, columns: 90))
        try seat.type("\r")
        #expect(try seat.waitForEnd() == .exited(0))
        #expect(!String(decoding: seat.bytes[before...], as: UTF8.self).contains("[it"))
    }
}
