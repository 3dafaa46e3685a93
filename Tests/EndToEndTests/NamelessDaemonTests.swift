import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Daemons that lose all by which a process is usually told: parents, session and environment.
@Suite("A daemon that loses its environment", .onStage)
struct NamelessDaemonTests {
    /// How a daemon loses it.
    enum Way: String, CaseIterable {
        /// An empty environment from its exec on, after a double fork.
        case cleared
        /// It writes over its environment, as setproctitle(3) and redis do.
        case overwritten
        /// It becomes another user, and no other user may read its environment.
        case anotherUser
        /// It starts others without an environment and ends, again and again, until the third.
        case hops

        /// A script for Python that prints `daemon PID` and stays.
        var script: String {
            let stay = """
                import ctypes, os, signal, sys
                python = os.readlink("/proc/self/exe")
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                def daemonize():
                    if os.fork(): os._exit(0)
                    os.setsid()
                    if os.fork(): os._exit(0)
                def stay():
                    print("daemon", os.getpid(), flush=True)
                    while True: signal.pause()
                daemonize()

                """
            return switch self {
            case .cleared:
                stay + """
                    if len(sys.argv) == 1:
                        os.execve(python, ["python3", __file__, "again"], {})
                    stay()
                    """
            case .overwritten:
                stay + """
                    with open("/proc/self/stat") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                    start, end = int(fields[47]), int(fields[48])
                    ctypes.memset(start, 0, end - start)
                    stay()
                    """
            case .anotherUser:
                stay + """
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                    stay()
                    """
            case .hops:
                stay + """
                    hop = int(sys.argv[1]) if len(sys.argv) > 1 else 0
                    if hop < 3:
                        os.execve(python, ["python3", __file__, str(hop + 1)], {})
                    stay()
                    """
            }
        }
    }

    private func start(_ way: Way, _ place: Place, _ program: Program) throws -> ProcessHandle {
        let file = try place.directory.write("daemon.py", way.script)
        try program.say("run python3 \(file)")
        let told = try program.line(starting: "daemon ")
        let daemon = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        try waitBriefly { try ProcessFindings.parent(of: daemon.pid) == program.pid }
        if userId() != 0 || way != .anotherUser {
            #expect(try !readSmallFile("/proc/\(daemon.pid)/environ").contains("SUPERVISE"))
        }
        return daemon
    }

    private static var ways: [Way] {
        Way.allCases.filter { $0 != .anotherUser || userId() == 0 }
    }

    @Test("ends with the supervisor: its guard finds it by the mark of the run", arguments: ways)
    func supervisorKilled(way: Way) throws {
        let place = try Place()
        let program = try place.puppet()
        let daemon = try start(way, place, program)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try daemon.waitForEnd(atMost: patience))
    }

    @Test(
        "that outlives supervisor and guard is ended and named by the next start", arguments: ways)
    func bothKilled(way: Way) throws {
        let place = try Place()
        let program = try place.puppet()
        let daemon = try start(way, place, program)
        try place.killWithGuard(program)
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(50)))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(nil)
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(try next.errorLine(with: "had left").contains("\(daemon.pid)"))
        try place.stop(next)
    }

    @Test("keeps a copy of the run from starting, and is left alone by it")
    func copied() throws {
        let place = try Place()
        let program = try place.puppet()
        let daemon = try start(.cleared, place, program)
        try place.killWithGuard(program)
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'")
        try place.expectRefusal(
            in: there, unchanged: [there], says: ["still live (pid", "\(daemon.pid)"])
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try daemon.signal(9)
    }

    @Test("of another run is left alone")
    func anotherRun() throws {
        let place = try Place()
        let other = try place.call(
            place.arguments([], name: "other") + [place.fixture, "puppet"], hasInput: true)
        try other.nextAttempt(1)
        let daemon = try start(.cleared, place, other)
        let program = try place.puppet()
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(nil)
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try place.stop(next)
        try place.stop(other)
        #expect(try daemon.waitForEnd(atMost: .zero))
    }

    @Test("a limit that the job was given takes the place of the mark")
    func ownLimit() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--rlimit", "locks=77:88"], ["sh", "-c", "grep locks /proc/self/limits"])
        #expect(try program.waitForEnd() == .exited(0))
        let words = program.text(.output).split(separator: " ")
        #expect(words.contains("77") && words.contains("88"))
    }

    @Test("the guard of a supervisor that is itself a job has no mark of the outer run")
    func nested() throws {
        let place = try Place()
        let inner = [place.binary] + place.arguments([], name: "inner") + [place.fixture, "puppet"]
        let program = try place.call(place.arguments([], name: "outer") + inner, hasInput: true)
        let leader = try program.nextAttempt(1)
        let limit = { (pid: Int32) in
            let text = try readSmallFile("/proc/\(pid)/limits")
            let line = text.split(separator: "\n").first { $0.hasPrefix("Max file locks") }
            return line?.split(separator: " ").dropFirst(3).first.map(String.init)
        }
        let supervisor = try #require(try ProcessFindings.parent(of: leader))
        let children = try readSmallFile("/proc/\(supervisor)/task/\(supervisor)/children")
        let watcher = try children.split(separator: " ").compactMap { Int32($0) }.first {
            try readSmallFile("/proc/\($0)/comm") == "supervise-guard\n"
        }
        let own = try #require(try limit(leader))
        #expect(own != "unlimited")
        // Each run has its own.
        #expect(try limit(supervisor) != own && limit(supervisor) != "unlimited")
        #expect(try limit(#require(watcher)) == "unlimited")
        #expect(try limit(program.pid) == "unlimited")
    }
}
