import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Jobs that leave as many processes behind as they can, in every way that there is.
@Suite("Attacks of a job", .onStage)
struct AttackTests {
    private let place: Place

    init() throws {
        place = try Place()
    }

    /// 500 descendants that hear nothing: children, grandchildren whose parents are gone, daemons in
    /// sessions of their own, and some that have stopped themselves.
    private static let bomb = """
        import os, signal, sys
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        told, tell = os.pipe()
        for index in range(500):
            if os.fork():
                continue
            if index % 2 and os.fork():
                os._exit(0)
            if index % 3 == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
            os.write(tell, b".")
            if index % 7 == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            while True:
                signal.pause()
        count = 0
        while count < 500:
            count += len(os.read(told, 500))
        print("all there", flush=True)
        """

    private func startBomb(_ program: Program) throws {
        let script = try place.directory.write("bomb.py", Self.bomb)
        try program.say("run python3 \(script)")
        try program.line(starting: "all there")
    }

    /// How many processes carry the run's token.
    private func remaining() throws -> Int {
        let token = "SUPERVISE_TOKEN=\(try place.record().runToken)"
        return try Disk().list("/proc").filter { entry in
            guard Int32(entry.name) != nil else { return false }
            let path = "/proc/\(entry.name)/environ"
            return (try? readSmallFile(path))?.contains(token) ?? false
        }.count
    }

    @Test("500 descendants that hear nothing are gone before the next attempt, and after a stop")
    func bombBetweenAttempts() throws {
        let program = try place.puppet(["--stop-timeout", "500ms"])
        try startBomb(program)
        // The probe works.
        #expect(try remaining() > 500)
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try remaining() == 1)
        try startBomb(program)
        try place.stop(program)
        #expect(try remaining() == 0)
        #expect(try program.outputIsOver())
    }

    @Test("500 descendants that hear nothing are gone when the supervisor is killed")
    func bombWithoutSupervisor() throws {
        let program = try place.puppet()
        try startBomb(program)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        #expect(try remaining() == 1)
        #expect(try program.outputIsOver())
        try place.stop(next)
    }

    /// Ten that fork a successor in a session of its own and go, every 5 ms; after a minute they tire.
    private static let hoppers = """
        import os, time
        end = time.monotonic() + 60
        for index in range(10):
            if os.fork() == 0:
                while time.monotonic() < end:
                    if os.fork():
                        os._exit(0)
                    os.setsid()
                    time.sleep(0.005)
                os._exit(0)
        print("hopping", flush=True)
        """

    @Test("who forks faster than /proc is read is caught up with between two attempts")
    func hoppersBetweenAttempts() throws {
        let script = try place.directory.write("hoppers.py", Self.hoppers)
        let program = try place.puppet()
        let start = MonotonicTime.now()
        try program.say("run python3 \(script)")
        try program.line(starting: "hopping")
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try remaining() == 1)
        #expect(MonotonicTime.now() - start < .seconds(45))
        try place.stop(program)
    }

    @Test(
        "who forks faster than /proc is read is caught up with when the supervisor is killed",
        .enabled(if: userId() == 0, "only root makes a PID namespace"))
    func hoppersWithoutSupervisor() throws {
        let script = try place.directory.write("hoppers.py", Self.hoppers)
        // The first process there reaps at once what the supervisor leaves, as not every machine's does.
        let first = """
            import os, subprocess, sys, time
            start = time.monotonic()
            supervisor = subprocess.Popen(sys.argv[1:], stdout=-1, text=True)
            assert supervisor.stdout.readline() == "hopping\\n"
            supervisor.kill()
            try:
                while True:
                    os.wait()
            except ChildProcessError:
                print("nobody left", time.monotonic() - start < 45)
            """
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        let job = ["sh", "-c", "python3 \(script); exec sleep 1000"]
        let program = try place.start(
            namespace + ["python3", "-c", first, place.binary] + place.arguments([]) + job)
        try program.line(starting: "nobody left True")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test(
        "the guard stays as long as there is one that is gone whenever it is looked at",
        .enabled(if: userId() == 0, "only root makes a PID namespace"))
    func fastestHopper() throws {
        // Where it has a processor to itself nobody may catch it, and it tires after three seconds.
        let first = """
            import os, subprocess, sys, time
            def guard_of(pid):
                for child in open(f"/proc/{pid}/task/{pid}/children").read().split():
                    if open(f"/proc/{child}/comm").read() == "supervise-guard\\n":
                        return int(child)
            for round in range(4):
                supervisor = subprocess.Popen(sys.argv[1:], stdout=-1, text=True)
                assert supervisor.stdout.readline() == "hopping\\n"
                guard = guard_of(supervisor.pid)
                supervisor.kill()
                left = None
                try:
                    while True:
                        if os.wait()[0] == guard:
                            left = time.monotonic()
                except ChildProcessError:
                    took = time.monotonic() - left
                    if took > 1:
                        sys.exit(f"round {round}: it left {took} s before the hopper")
            print("stayed")
            """
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        let line =
            // Not in real time, which would stop everything else here for seconds.
            "nice -n -15 true 2> /dev/null && first='nice -n -15'; "
            + "$first \"$1\" hop 3; echo hopping; exec sleep 1000"
        let job = ["sh", "-c", line, "sh", place.fixture]
        let program = try place.start(
            namespace + ["python3", "-c", first, place.binary] + place.arguments([]) + job)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors).suffix(300))")
        #expect(program.text(.output) == "stayed\n")
    }

    @Test("who calls itself a guard is ended like everybody else")
    func falseGuard() throws {
        let program = try place.puppet(["--stop-timeout", "500ms"])
        let copy = "cp $(command -v sleep) supervise-guard && echo copied"
        try program.say("run \(copy)")
        try program.line(starting: "copied")
        let start = "(setsid ./supervise-guard 1000 & echo false $!)"
        try program.say("run \(start)")
        let first = try process(named: program.line(starting: "false "))
        try waitBriefly { try readSmallFile("/proc/\(first.pid)/comm") == "supervise-guard\n" }
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try first.waitForEnd(atMost: .zero))
        try program.say("run \(start)")
        let second = try process(named: program.line(starting: "false "))
        try place.stop(program)
        #expect(try second.waitForEnd(atMost: .zero))
        #expect(!program.text(.errors).contains("does not end"))
    }

    private func process(named line: String) throws -> ProcessHandle {
        try ProcessHandle(opening: try #require(Int32(line.split(separator: " ").last ?? "")))
    }

    @Test("its zombies by the thousand, and orphans, are reaped")
    func zombies() throws {
        let script = try place.directory.write(
            "zombies.py",
            """
            import os, sys
            for index in range(1000):
                if os.fork() == 0:
                    # Its own child becomes an orphan, and nobody asks for either.
                    if index % 3 == 0:
                        os.fork()
                    os._exit(0)
            print("made", flush=True)
            sys.stdin.readline()
            os._exit(1)
            """)
        let program = try place.supervise([], ["python3", script], hasInput: true)
        for _ in 1...2 {
            try program.line(starting: "made")
            try program.say("on")
        }
        try program.line(starting: "made")
        // Of the third attempt's own none is ours, and of the others none is left.
        try waitBriefly {
            let list = "/proc/\(program.pid)/task/\(program.pid)/children"
            return try readSmallFile(list).split(separator: " ").count == 2
        }
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("a job that stops itself is ended by a stop all the same")
    func stopsItself() throws {
        let program = try place.supervise(
            ["--stop-timeout", "300ms"], ["sh", "-c", "echo here; kill -STOP $$; echo awake"])
        try program.line(starting: "here")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try remaining() == 0)
    }

    @Test(
        "a job that dies between fork and exec is a failure like any other",
        .enabled(if: Strace.isUsable, "there is no strace, or it may not look"))
    func diesBeforeExec() throws {
        let trace = [
            "strace", "-f", "-qq", "-o", "/dev/null", "-P", place.fixture, "-e", "trace=execve",
            "-e", "inject=execve:signal=KILL",
        ]
        let options = ["--backoff", "0ms..0ms", "--max-failures", "3"]
        let program = try place.start(
            trace + [place.binary] + place.arguments(options) + [place.fixture, "puppet"])
        #expect(try program.waitForEnd() == .exited(137))
        let status = try place.status()
        #expect(status.outcome == Outcome(kind: .failed, signal: "SIGKILL"))
        #expect(status.attempt == 3)
        #expect(!program.text(.output).contains("ready"))
    }

    @Test(
        "a job that the kernel kills for its memory is started again",
        .enabled(if: MemoryLimit.isPossible, "only root limits memory, by groups of version 1"))
    func outOfMemory() throws {
        let limit = try MemoryLimit(bytes: 64 << 20)
        let hog = "echo $$ > \"$0\" && exec python3 -c 'x = bytearray(1 << 30)'"
        let line = "if [ $SUPERVISE_ATTEMPT = 1 ]; then \(hog); fi; echo small now"
        let program = try place.supervise([], ["sh", "-c", line, "\(limit.path)/cgroup.procs"])
        try program.line(starting: "small now")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try limit.kills() == 1)
        #expect(try place.status().lastFailure?.signal == "SIGKILL")
    }

    @Test("a job that closes or replaces all its descriptors harms nobody")
    func descriptors() throws {
        let script = try place.directory.write(
            "closer.py",
            """
            import os, sys
            attempt = int(os.environ["SUPERVISE_ATTEMPT"])
            if attempt == 1:
                os.closerange(0, 1 << 16)
            else:
                null = os.open("/dev/null", os.O_RDWR)
                for number in range(64):
                    if number != null:
                        os.dup2(null, number)
            os._exit(0 if attempt == 3 else attempt)
            """)
        let program = try place.supervise([], ["python3", script])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.status().attempt == 3)
    }

    @Test("the job is born with the three streams, and none of ours")
    func inherited() throws {
        let program = try place.supervise([], ["sh", "-c", "ls -l /proc/$$/fd"], hasInput: true)
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output).filter { $0.contains("->") }.count == 3)
    }
}
