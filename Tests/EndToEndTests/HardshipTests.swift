import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Odd starters, odd jobs, odd messages and poor machines: the job goes on, and nothing is lost.
@Suite("Hardship", .onStage)
struct HardshipTests {
    /// Runs a command with a signal ignored or blocked, which a shell cannot do for each.
    private func python(_ preparation: String, _ place: Place, _ command: [String]) throws
        -> Program
    {
        let source =
            "import os, resource, signal, sys; \(preparation); os.execv(sys.argv[1], sys.argv[1:])"
        return try place.start(
            ["python3", "-c", source, place.binary] + place.arguments(["--max-failures", "1"])
                + command, hasInput: true)
    }

    @Test("a starter that ignores SIGCHLD or blocks every signal changes nothing")
    func oddStarter() throws {
        let place = try Place()
        let ignoring = try python(
            "signal.signal(signal.SIGCHLD, signal.SIG_IGN)", place, ["sh", "-c", "exit 3"])
        #expect(try ignoring.waitForEnd() == .exited(3))
        let other = try Place()
        let blocking = try python(
            "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))", other,
            [other.fixture, "puppet"])
        try blocking.line(starting: "ready ")
        try other.stop(blocking)
    }

    @Test("a standard error whose reader has gone, or that is full, stops nothing")
    func brokenErrors() throws {
        let place = try Place()
        let broken = try python(
            "r, w = os.pipe(); os.close(r); os.dup2(w, 2)", place, [place.fixture, "puppet"])
        try broken.line(starting: "ready ")
        try broken.hello(accepts: false)
        try broken.checkpoint(step: 1)
        try place.stop(broken)
        let full = try python(
            "os.dup2(os.open('/dev/full', os.O_WRONLY), 2)", place, [place.fixture, "puppet"])
        try full.line(starting: "ready ")
        try full.hello(accepts: false)
        try full.checkpoint(step: 2)
        try place.stop(full)
    }

    @Test("steps at the ends of what a number holds do no harm")
    func extremeSteps() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        for (step, total) in [(Int64.min, Int64.max), (.max, .min), (-1, .max), (.max, 1), (0, 0)] {
            try program.send(.progress(.init(step: step, total: total)))
            try program.send(.control(.init(command: "status")))
            guard case .status(let status) = try program.message().message else {
                throw program.failure("no status")
            }
            #expect(status.progress.step == step && status.progress.total == total)
        }
        for step in [Int64.min, -1, 0, .max] { try program.checkpoint(step: step) }
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.step == .max)
        try program.send(.progress(.init(step: .min)))
        try place.stop(program)
        #expect(place.checkpoints.count == 4)
    }

    @Test("metadata that is deeply nested or large comes back as it was")
    func deepMetadata() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        var deep: JSONValue = .integer(1)
        for _ in 0..<90 { deep = .array([deep]) }
        let large = JSONValue.string(String(repeating: "ü", count: 400_000))
        let metadata = ["deep": deep, "large": large]
        var tooDeep = deep
        for _ in 0..<400 { tooDeep = .object(["a": tooDeep]) }
        let began = try program.begin(step: 1)
        try program.send(.commit(.init(id: began.id, metadata: ["deep": tooDeep])))
        #expect(try program.refusal().code == .badMessage)
        try program.send(.commit(.init(id: began.id, metadata: metadata)))
        #expect(try program.committed().id == began.id)
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.metadata == metadata)
        try place.stop(program)
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.metadata == metadata)
        try place.stop(again)
    }

    @Test("a job that fails at once and for ever leaves room for signals and operators")
    func crashLoop() throws {
        let place = try Place()
        let program = try place.supervise(["--max-failures", "1000000"], ["false"])
        let openFiles = { try Disk().list("/proc/\(program.pid)/fd").count }
        try program.errorLine(with: "attempt 10,")
        let before = try openFiles()
        #expect(try place.statusOverSocket().attempt >= 10)
        try program.errorLine(with: "attempt 100,")
        #expect(abs(try openFiles() - before) <= 4)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("a job that is stopped by SIGSTOP is ended all the same")
    func stoppedJob() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--checkpoint-timeout", "300ms", "--stop-timeout", "300ms"],
            [place.fixture, "puppet"], hasInput: true)
        let job = try ProcessHandle(opening: program.nextAttempt(1))
        try program.hello()
        try job.signal(19)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try job.waitForEnd(atMost: .zero))
        #expect(try place.status().outcome?.signal == "SIGKILL")
    }

    @Test("a crowd at the socket leaves descriptors for checkpoints, and is told of once")
    func fewDescriptors() throws {
        let place = try Place()
        let program = try python(
            "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))", place,
            [place.fixture, "puppet"])
        try program.line(starting: "ready ")
        try program.hello(accepts: false)
        let peers = try (0..<100).map { _ in try place.connect() }
        for peer in peers { try? peer.send(line: "nonsense") }
        try program.checkpoint(step: 1)
        // Those who were not taken are told so by the end.
        for peer in peers { try? peer.finish() }
        for peer in peers { while (try? peer.readLine()) != nil {} }
        let warnings = program.lines(.errors).filter { $0.contains("was not taken") }
        #expect(warnings.count == 1)
        #expect(try place.statusOverSocket().phase == .running)
        try place.stop(program)
    }

    @Test("what is no file in a checkpoint is refused by name, and the job goes on")
    func oddFiles() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        for (name, make) in [
            ("pipe", "mkfifo"), ("lost", "ln -s /nowhere"),
            (
                "socket",
                "python3 -c 'import socket, sys; "
                    + "socket.socket(socket.AF_UNIX).bind(sys.argv[1])'"
            ),
        ] {
            let began = try program.begin(step: 1)
            try program.say("run cd \(began.path); \(make) \(name); echo made \(name)")
            try program.line(starting: "made \(name)")
            try program.send(.commit(.init(id: began.id)))
            let error = try program.refusal()
            #expect(error.code == .badPath)
            #expect(error.message.contains(name))
        }
        #expect(place.checkpoints.isEmpty)
        try program.checkpoint(step: 2)
        try place.stop(program)
    }

    @Test("links, empty files, deep directories and odd names are kept as they are")
    func oddNames() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 1)
        let make = """
            cd \(began.path); mkdir -p a/b/c/d/e empty; : > a/b/c/d/e/none; echo x > 'new\\nline'; \
            echo y > 'back\\\\slash'; echo z > ' *\"'; ln -s a/b link; chmod 755 state; \
            echo made
            """
        try program.say("run " + make)
        try program.line(starting: "made")
        try program.send(.commit(.init(id: began.id)))
        let committed = try program.committed()
        #expect(try place.isWhole(committed.id.description))
        #expect(try Disk().readLink("\(committed.path)/link") == "a/b")
        #expect(try Disk().status("\(committed.path)/a/b/c/d/e/none").size == 0)
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == committed.id)
        try place.stop(program)
        let again = try place.puppet()
        #expect(try again.hello(accepts: false).resume?.id == committed.id)
        try place.stop(again)
    }

    @Test("a script without a first line of its own is run by the shell, as everywhere")
    func plainScript() throws {
        let place = try Place()
        let script = try place.directory.write("script", "echo from the script $1\n", mode: 0o700)
        let program = try place.supervise([], [script, "x"])
        try program.line(starting: "from the script x")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test(
        "arguments and variables that are no UTF-8 reach the job as they are, and in every attempt")
    func otherBytes() throws {
        let place = try Place()
        let line = "ODD=$(printf 'v\\377'); export ODD; exec \"$@\" \"$(printf 'a\\377')\""
        let job = "printf '%s %s\\n' \"$1\" \"$ODD\" | od -An -tx1; test $SUPERVISE_ATTEMPT = 2"
        let program = try place.start(
            ["sh", "-c", line, "sh", place.binary]
                + place.arguments(["--backoff", "0ms..0ms"]) + ["sh", "-c", job, "sh"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == [" 61 ff 20 76 ff 0a", " 61 ff 20 76 ff 0a"])
    }

    @Test("a directory for sockets that is not there, as without a login, is done without")
    func noRuntimeDirectory() throws {
        let place = try Place()
        let program = try place.supervise(
            [], ["true"], environment: ["XDG_RUNTIME_DIR": "\(place.path)/no/such"])
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("the longest name and a deep state directory leave the socket's path short")
    func longNames() throws {
        let place = try Place()
        let name = String(repeating: "n", count: 64)
        let state = "\(place.path)/" + (0..<20).map { "directory-\($0)" }.joined(separator: "/")
        let program = try place.call(
            ["--state-dir", state, "--name", name, "--", place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        #expect(try program.hello(accepts: false).name == name)
        try program.checkpoint(step: 1)
        try place.stop(program)
    }

    @Test("a working directory that is gone is told in one line")
    func noDirectory() throws {
        let place = try Place()
        let call = [place.binary] + place.arguments([]) + ["true"]
        let program = try place.start(
            ["sh", "-c", "mkdir d; cd d; rmdir ../d; exec \"$@\"", "sh"] + call)
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
    }

    @Test("while nothing happens it does not wake up at all")
    func quiet() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-every", "1h"])
        try program.hello()
        try program.send(.progress(.init(step: 1)))
        try program.checkpoint(step: 1)
        // What was to be published is out after a second.
        try program.silence(for: .milliseconds(1500))
        let before = try wakeUps(program.pid)
        try program.silence(for: .milliseconds(1500))
        #expect(try wakeUps(program.pid) == before)
        try place.stopByControl(program)
        #expect(before > 0)
    }

    /// How often any thread of a process has gone to sleep.
    private func wakeUps(_ pid: Int32) throws -> Int {
        try Disk().list("/proc/\(pid)/task").reduce(0) { sum, thread in
            let text = try readSmallFile("/proc/\(pid)/task/\(thread.name)/status")
            let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
            return sum + (line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0)
        }
    }
}
