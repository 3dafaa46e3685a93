import Glibc
import SuperviseSystem
import Testing

@Suite("Spawning")
struct SpawnTests {
    @Test("a command that is not found is 127, and the error names what was asked for")
    func notFound() throws {
        let scene = try Scene(command: ["no-such-command-anywhere"])
        guard case .failed(let error) = try scene.execResult() else {
            Issue.record("it runs")
            return
        }
        #expect(error.description == "execve no-such-command-anywhere: No such file or directory")
        #expect(error.commandStatus == 127)
        #expect(try scene.waitForEnd() == .exited(127))
    }

    @Test("a file that must not be executed is 126, also when PATH leads to it")
    func notExecutable() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("tool", "#!/bin/sh\n", mode: 0o644)
        for command in [file, "tool"] {
            let scene = try Scene(
                command: [command], environment: ["PATH=/nowhere:\(directory.path):/usr/bin"])
            #expect(
                try scene.execResult()
                    == .failed(SystemError(call: "execve", code: EACCES, subject: file)))
        }
        #expect(SystemError(call: "execve", code: EACCES, subject: file).commandStatus == 126)
    }

    @Test("PATH is searched past what cannot be executed, and past a directory of that name")
    func searchGoesOn() throws {
        let directory = try TemporaryDirectory()
        mkdir(directory.path + "/a", 0o700)
        mkdir(directory.path + "/b", 0o700)
        mkdir(directory.path + "/b/tool", 0o700)
        mkdir(directory.path + "/c", 0o700)
        _ = try directory.write("a/tool", "#!/bin/sh\n", mode: 0o600)
        _ = try directory.write("c/tool", "#!/bin/sh\nexit 9\n", mode: 0o700)
        let path = ["a", "b", "c"].map { directory.path + "/" + $0 }.joined(separator: ":")
        let scene = try Scene(command: ["tool"], environment: ["PATH=\(path)"])
        #expect(try scene.execResult() == .running)
        #expect(try scene.waitForEnd() == .exited(9))
    }

    @Test("a directory of the name in PATH alone is as good as nothing")
    func onlyADirectory() throws {
        let directory = try TemporaryDirectory()
        mkdir(directory.path + "/tool", 0o700)
        let scene = try Scene(command: ["tool"], environment: ["PATH=\(directory.path)"])
        #expect(
            try scene.execResult()
                == .failed(SystemError(call: "execve", code: ENOENT, subject: "tool")))
    }

    @Test("a script whose interpreter is missing is told apart from a missing command")
    func missingInterpreter() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("script", "#!/no/such/python\n", mode: 0o755)
        let scene = try Scene(command: [file])
        guard case .failed(let error) = try scene.execResult() else {
            Issue.record("it runs")
            return
        }
        #expect(error.description == "interpreter of \(file): No such file or directory")
        #expect(error.commandStatus == 126)
    }

    @Test("a script without #! is run by the shell, with its arguments")
    func plainScript() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("script", "echo \"$1 $2\"\n", mode: 0o755)
        let scene = try Scene(command: [file, "one", "two"])
        #expect(try scene.readLine() == "one two")
    }

    @Test("a file that is neither program nor script is 126")
    func wrongFormat() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("program", "\u{7f}ELF\u{0}\u{0}\u{0}", mode: 0o755)
        let scene = try Scene(command: [file])
        #expect(
            try scene.execResult()
                == .failed(SystemError(call: "execve", code: ENOEXEC, subject: file)))
    }

    @Test("a working directory that is gone is reported as such")
    func missingDirectory() throws {
        let scene = try Scene(command: ["true"], directory: "/no/such/place")
        #expect(
            try scene.execResult()
                == .failed(SystemError(call: "chdir", code: ENOENT, subject: "/no/such/place")))
    }

    @Test("a relative program is looked for in the directory of the request")
    func relativeProgram() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write("job", "#!/bin/sh\npwd\n", mode: 0o755)
        let scene = try Scene(command: ["./job"], directory: directory.path)
        #expect(try scene.readLine() == directory.path)
    }

    @Test("an empty command and a zero byte in a word are refused")
    func refused() throws {
        for command in [[], ["true", "a\u{0}b"]] {
            #expect(throws: SystemError.self) { try Scene(command: command) }
        }
        #expect(try Scene(command: [""]).execResult() != .running)
    }

    @Test("the child leads a session and a group of its own")
    func session() throws {
        let scene = try Scene(command: ["sh", "-c", "cut -d' ' -f5,6 /proc/$$/stat; read line"])
        #expect(try scene.readLine() == "\(scene.child.pid) \(scene.child.pid)")
    }

    @Test("no signal is ignored, handled or blocked in the child, not even 32 and 33")
    func signals() throws {
        ignoreBrokenPipes()
        var blocked = SignalSet([SIGUSR1, SIGTERM, 40]).masked
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let scene = try Scene(command: ["cat", "/proc/self/status"])
        let none = String(repeating: "0", count: 16)
        let masks = try scene.readLines().filter {
            $0.hasPrefix("SigBlk") || $0.hasPrefix("SigIgn") || $0.hasPrefix("SigCgt")
        }
        #expect(masks == ["SigBlk:\t\(none)", "SigIgn:\t\(none)", "SigCgt:\t\(none)"])
    }

    @Test("the child has its three streams and nothing else of ours")
    func descriptors() throws {
        // One that is not closed on exec, as a starter may leave one.
        let leaked = open("/dev/null", O_RDONLY)
        defer { close(leaked) }
        let scene = try Scene(command: ["ls", "/proc/self/fd"])
        // 3 is the directory that ls reads.
        #expect(try scene.readLines() == ["0", "1", "2", "3"])
    }

    @Test("streams may be exchanged for one another")
    func exchangedStreams() throws {
        let pipe = try FileDescriptor.pipe()
        let child = try spawn(
            SpawnRequest(
                command: ["sh", "-c", "echo out; echo error >&2"], environment: Scene.environment,
                standardInput: .null, standardOutput: .descriptor(2),
                standardError: .descriptor(pipe.write.rawValue)))
        _ = try child.process.waitForEnd(atMost: nil)
        var raw: Int32 = 0
        waitpid(child.pid, &raw, 0)
        var bytes: [UInt8] = []
        _ = try readAvailable(pipe.read.rawValue, into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "error\n")
    }

    @Test("a child that nobody asks about any more starts with all that it was given")
    func forgottenChild() throws {
        let word = String(repeating: "word ", count: 100)
        for round in 0..<100 {
            let pipe = try FileDescriptor.pipe()
            let pid = try spawn(
                SpawnRequest(
                    command: ["sh", "-c", "echo \"$1\"; echo $ROUND", "sh", word],
                    environment: Scene.environment + ["ROUND=\(round)"], standardInput: .null,
                    standardOutput: .descriptor(pipe.write.rawValue))
            ).pid
            // Takes what is free of the memory that the child may still read.
            let others = (0..<100).map { String(repeating: "x", count: $0 * 7) }
            var raw: Int32 = 0
            waitpid(pid, &raw, 0)
            var bytes: [UInt8] = []
            _ = try readAvailable(pipe.read.rawValue, into: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == "\(word)\n\(round)\n")
            #expect(others.count == 100)
        }
    }

    @Test("a thousand children leave no descriptor behind")
    func noLeak() throws {
        let line = try #require(try Scene("spawn-many").readLine())
        let counts = line.split(separator: " ")
        #expect(counts.count == 2 && counts[0] == counts[1], "\(line)")
    }

    @Test("a child dies with the process that started it")
    func parentDeath() throws {
        let scene = try Scene("parent-death")
        let pid = try #require(Int32(try scene.readLine() ?? ""))
        let child = try ProcessHandle(opening: pid)
        try scene.child.process.signal(SIGKILL)
        #expect(try child.waitForEnd(atMost: .seconds(20)))
        #expect(try scene.waitForEnd() == .signaled(SIGKILL))
    }
}

@Suite("Processes")
struct ProcessTests {
    @Test("a signal for a process that was reaped says that it is gone")
    func goneProcess() throws {
        let scene = try Scene(command: ["true"])
        try scene.waitForEnd()
        #expect(try scene.child.process.signal(SIGTERM) == false)
        #expect(throws: SystemError(call: "pidfd_open", code: ESRCH, subject: "\(scene.child.pid)"))
        {
            try ProcessHandle(opening: scene.child.pid)
        }
    }

    @Test("children and orphans are reaped, and the last one is known")
    func reaping() throws {
        let scene = try Scene("reap")
        #expect(try scene.readLine() == "child exited(3)")
        #expect(try scene.readLine() == "none yet: true, any: true")
        #expect(try scene.readLine() == "go")
        try scene.send("go")
        #expect(try scene.readLine() == "orphan exited(5), any: false")
    }

    @Test("a process dies by the very signal, without handlers and masks in the way")
    func dieBySignal() throws {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1] {
            let scene = try Scene("die-by-signal", signalName(signal))
            #expect(try scene.waitForEnd() == .signaled(signal))
        }
    }

    @Test("where the signal does not kill, the caller goes on")
    func survivedSignal() throws {
        #expect(try Scene("die-by-signal", "SIGCONT").readLine() == "still alive")
    }

    @Test("a standard stream that the starter closed is no other file's number")
    func closedStreams() throws {
        let command = "\"$0\" standard-descriptors <&- >&- 2>&-"
        let scene = try Scene(command: ["sh", "-c", command, try Scene.fixture()])
        #expect(try scene.waitForEnd() == .exited(7))
    }
}

extension SignalSet {
    fileprivate var masked: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}
