import Glibc
import SuperviseSystem
import Testing

/// A job as bad as they come: says its pids, a line each, and none of them hears SIGTERM.
private let stubbornTree = """
    import os, signal, sys
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    def say(name):
        os.write(1, f"{name} {os.getpid()}\\n".encode())
    def child(name, body):
        if os.fork() == 0:
            body(name)
    def stay(name):
        say(name)
        while True:
            signal.pause()
    def daemon(name):
        os.setsid()
        if os.fork():
            os._exit(0)
        # With an environment of its own: only its descent tells where it comes from.
        if os.fork() == 0:
            os.setsid()
            os.execve("/bin/sh", ["sh", "-c", "trap '' TERM; echo nameless $$; exec sleep 1000"], {})
        stay(name)
    child("child", stay)
    child("daemon", daemon)
    stay("leader")
    """

@Suite("Process trees")
struct TreeTests {
    @Test("when the supervisor is killed its guard ends everybody, then the lock is free")
    func supervisorKilled() throws {
        let directory = try TemporaryDirectory()
        let lock = directory.path + "/lock"
        let bystander = try Scene(
            command: ["sleep", "1000"],
            environment: Scene.environment + ["SUPERVISE_TOKEN=\(try randomHex(bytes: 16))"])
        let scene = try Scene(
            "guarded", lock, try randomHex(bytes: 16), "python3", "-c", stubbornTree)
        let people = try scene.people(6)
        #expect(
            Set(people.keys)
                == ["supervisor", "guard", "leader", "child", "daemon", "nameless"])
        #expect(try FileLock.holder(lock) == .process(scene.child.pid))
        try scene.child.process.signal(SIGKILL)
        for (name, process) in people {
            #expect(try process.waitForEnd(atMost: .seconds(30)), "\(name)")
        }
        #expect(try FileLock.holder(lock) == .nobody)
        #expect(try !bystander.child.process.waitForEnd(atMost: .zero))
    }

    @Test("the guard holds nothing but its pipe and the lock, and is found by no token")
    func guardKeepsToItself() throws {
        let directory = try TemporaryDirectory()
        let token = try randomHex(bytes: 16)
        let scene = try Scene(
            command: [
                try Scene.fixture(), "guarded", directory.path + "/lock", try randomHex(bytes: 16),
                "sleep", "1000",
            ], environment: Scene.environment + ["SUPERVISE_TOKEN=\(token)"])
        let people = try scene.people(2)
        let pid = try #require(people["guard"]).pid
        // The last thing that it does before it goes to sleep.
        #expect(try eventually { try !readSmallFile("/proc/\(pid)/environ").contains(token) })
        #expect(try readSmallFile("/proc/\(pid)/comm") == "supervise-guard\n")
        let files = try Scene(command: ["ls", "/proc/\(pid)/fd"]).readLines()
        #expect(files.count == 5, "\(files)")
        #expect(try readSmallFile("/proc/\(scene.child.pid)/environ").contains(token))
        let status = try readSmallFile("/proc/\(pid)/status")
        #expect(status.contains("SigIgn:\tfffffffffffbfeff"))
        // Not the session of the supervisor, which the terminal and others signal as a whole.
        #expect(getsid(pid) == pid)
    }

    @Test("signals do not make the guard leave its post")
    func guardStays() throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(
            "guarded", directory.path + "/lock", try randomHex(bytes: 16), "python3", "-c",
            stubbornTree)
        let people = try scene.people(6)
        let watcher = try #require(people["guard"])
        for signal in Int32(1)...64 where signal != SIGKILL && signal != SIGSTOP {
            _ = try? watcher.signal(signal)
        }
        try scene.child.process.signal(SIGKILL)
        for (name, process) in people {
            #expect(try process.waitForEnd(atMost: .seconds(30)), "\(name)")
        }
    }

    @Test("a guard that was released leaves at once and touches nobody")
    func released() throws {
        let directory = try TemporaryDirectory()
        let lock = directory.path + "/lock"
        let scene = try Scene(
            "guarded", lock, try randomHex(bytes: 16), "python3", "-c", stubbornTree)
        let people = try scene.people(6)
        try scene.send("release")
        #expect(try scene.readLine() == "released")
        #expect(try scene.waitForEnd() == .exited(0))
        #expect(try FileLock.holder(lock) == .nobody)
        for name in ["child", "daemon", "nameless"] {
            let process = try #require(people[name])
            #expect(try !process.waitForEnd(atMost: .zero), "\(name)")
            try process.signal(SIGKILL)
        }
    }

    @Test("a supervisor under a supervisor: the outer one's death ends the inner one's tree, too")
    func nested() throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(
            "guarded", directory.path + "/outer", try randomHex(bytes: 16),
            try Scene.fixture(), "guarded", directory.path + "/inner", try randomHex(bytes: 16),
            "python3", "-c", stubbornTree)
        let people = try scene.people(8)
        try scene.child.process.signal(SIGKILL)
        for (name, process) in people {
            #expect(try process.waitForEnd(atMost: .seconds(30)), "\(name)")
        }
        #expect(try eventually { try FileLock.holder(directory.path + "/inner") == .nobody })
    }

    @Test(
        "a session's number that a stranger got meanwhile is no reason to end the stranger",
        .enabled(if: userId() == 0, "only root makes a PID namespace"))
    func numberUsedAgain() throws {
        let directory = try TemporaryDirectory()
        // Some time before the leader is reaped, as the kernel tells starts by hundredths of a second.
        let first = """
            import os, subprocess, sys, time
            scene = subprocess.Popen(sys.argv[1:], stdin=-1, stdout=-1, text=True)
            people = dict(scene.stdout.readline().split() for _ in range(3))
            time.sleep(0.2)
            print("reap", file=scene.stdin, flush=True)
            assert scene.stdout.readline() == f"reaped {people['leader']}\\n"
            with open("/proc/sys/kernel/ns_last_pid", "w") as file:
                file.write(str(int(people["leader"]) - 1))
            stranger = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            print(stranger.pid == int(people["leader"]))
            scene.kill()
            scene.wait()
            os.waitpid(int(people["guard"]), 0)
            print(stranger.poll())
            """
        let scene = try Scene(
            command: [
                "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "python3", "-c",
                first,
                try Scene.fixture(), "guarded", directory.path + "/lock", try randomHex(bytes: 16),
                "sh", "-c", "echo leader $$",
            ])
        let lines = try scene.readLines()
        #expect(lines == ["True", "None"], "\(lines)")
    }

    @Test("a guard that was killed is noticed, and another one starts beside other threads")
    func guardAgain() throws {
        #expect(
            try Scene("guard-again").readLines()
                == ["reaped: true", "left: false"])
    }

    @Test("what a run has left is found by the run's half of the token, and ended")
    func leftovers() throws {
        let run = try randomHex(bytes: 8)
        let another = try Scene(
            command: ["sleep", "1000"],
            environment: Scene.environment + ["SUPERVISE_TOKEN=0\(run)", "OTHER=\(run)"])
        let scene = try Scene(
            command: ["python3", "-c", stubbornTree],
            environment: Scene.environment + ["SUPERVISE_TOKEN=\(run)0123456789abcdef"])
        let people = try scene.people(4)
        let lines = try Scene("end-leftovers", run).readLines()
        for process in people.values {
            #expect(lines.contains { $0.hasPrefix("\(process.pid) ") })
        }
        let daemon = try #require(people["daemon"])
        #expect(lines.contains { $0.hasPrefix("\(daemon.pid) ") && $0.contains("python3 -c") })
        for (name, process) in people {
            #expect(try process.waitForEnd(atMost: .zero), "\(name)")
        }
        #expect(try !another.child.process.waitForEnd(atMost: .zero))
        #expect(try Scene("end-leftovers", run).readLines() == ["0 found"])
    }

    @Test("a large environment hides no token")
    func largeEnvironment() throws {
        let run = try randomHex(bytes: 8)
        // The variable lies across the borders of what is read at once.
        let padding = (0..<300).map { "P\($0)=" + String(repeating: "x", count: 997 + $0 % 7) }
        let scene = try Scene(
            command: ["sleep", "1000"],
            environment: padding + ["PATH=/usr/bin:/bin", "SUPERVISE_TOKEN=\(run)"] + padding)
        #expect(try scene.execResult() == .running)
        let lines = try Scene("end-leftovers", run).readLines()
        #expect(lines == ["\(scene.child.pid) sleep 1000", "1 found"])
    }

    @Test("who looks for leftovers from inside one does not end itself or those it lives in")
    func ancestors() throws {
        let run = try randomHex(bytes: 8)
        let scene = try Scene(
            command: [
                "sh", "-c", "(sleep 1000 &); \"$0\" end-leftovers \(run); echo survived",
                try Scene.fixture(),
            ],
            environment: Scene.environment + ["SUPERVISE_TOKEN=\(run)"])
        #expect(try scene.readLines().suffix(2) == ["1 found", "survived"])
    }

    @Test("between attempts all descendants are ended and reaped, but no helper")
    func descendants() throws {
        let scene = try Scene("descendants", "python3", "-c", stubbornTree)
        let lines = try scene.readLines()
        #expect(lines.count == 5, "\(lines)")
        #expect(lines.first == "without a job: false")
        #expect(lines.dropFirst().first == "with a job: true")
        #expect(lines.suffix(2) == ["the helper lives: true", "the job is gone: true"])
    }
}

extension Scene {
    /// The next lines, each a name and a pid, as processes.
    func people(_ count: Int) throws -> [String: ProcessHandle] {
        var people: [String: ProcessHandle] = [:]
        for _ in 0..<count {
            let words = try #require(try readLine()).split(separator: " ")
            let pid = try #require(Int32(words.last ?? ""))
            let name = String(words[0])
            let unique = people[name] == nil ? name : "other \(name)"
            people[unique] = try ProcessHandle(opening: pid)
        }
        return people
    }
}

/// Asks again and again, without end where the answer stays false but for the test's own time limit.
func eventually(_ condition: () throws -> Bool) throws -> Bool {
    let deadline = MonotonicTime.now() + .seconds(30)
    while try !condition() {
        if MonotonicTime.now() > deadline { return false }
        sched_yield()
    }
    return true
}
