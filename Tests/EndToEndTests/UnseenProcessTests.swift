import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// For a while /proc shows nothing, or the processes of another PID namespace. That nobody can be seen is
/// never taken for that nobody is there.
@Suite(
    "While /proc cannot be read", .onStage,
    .enabled(if: userId() == 0, "only root can hide /proc"))
struct UnseenProcessTests {
    private let place: Place

    init() throws { place = try Place() }

    /// In a mount namespace of its own, so that /proc can be hidden from it and from nobody else.
    private func start(
        _ wrapper: [String] = [], _ options: [String] = [], hidden: Bool = false
    ) throws -> Program {
        let call =
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options)
            + [place.fixture, "puppet"]
        let hide = hidden ? "mount -t tmpfs none /proc && " : ""
        return try place.start(
            ["unshare", "--mount", "sh", "-c", "\(hide)exec \"$@\"", "sh"] + wrapper + call,
            hasInput: true)
    }

    /// Hides /proc from a process that runs, or shows it again.
    private func hide(_ isHidden: Bool, from pid: Int32) throws {
        let change = isHidden ? ["mount", "-t", "tmpfs", "none", "/proc"] : ["umount", "/proc"]
        let call = try place.start(["nsenter", "-t", "\(pid)", "-m"] + change)
        guard try call.waitForEnd() == .exited(0) else { throw call.failure("/proc") }
    }

    private func daemon(_ program: Program) throws -> ProcessHandle {
        let script = "trap \"\" TERM HUP; echo daemon $$; while :; do sleep 1000; done"
        try program.say("run (env -i setsid sh -c '\(script)' &)")
        let told = try program.line(starting: "daemon ")
        return try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
    }

    private func guardian(of program: Program) throws -> Int32 {
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let pids = children.split(separator: " ").compactMap { Int32($0) }
        return try #require(
            pids.first { (try? readSmallFile("/proc/\($0)/comm")) == "supervise-guard\n" })
    }

    /// A process beside the job that looks like part of it while /proc cannot be read.
    enum Beside: String, CaseIterable {
        case nobody, sidecar
    }

    @Test("nothing is started beside what an attempt has left", arguments: Beside.allCases)
    func restart(beside: Beside) throws {
        let script = beside == .sidecar ? "sleep 12345 & exec \"$@\"" : "exec \"$@\""
        let program = try start(["sh", "-c", script, "sh"])
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        try hide(true, from: program.pid)
        try program.say("die KILL")
        let line = try program.errorLine(
            with: "whether something of the job is left cannot be told")
        #expect(line.contains("mount it"))
        #expect(!(try program.passes(.milliseconds(500))))
        #expect(!program.text(.output).contains("ready 2"))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try hide(false, from: program.pid)
        try program.nextAttempt(2)
        #expect(try daemon.waitForEnd(atMost: .zero))
        try place.stop(program)
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("the guard keeps the lock, and ends all when it sees them again")
    func guardian() throws {
        let program = try start()
        let leader = try ProcessHandle(opening: program.nextAttempt(1))
        let daemon = try daemon(program)
        let watcher = try guardian(of: program)
        try hide(true, from: watcher)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try leader.waitForEnd(atMost: patience))
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(500)))
        #expect(try FileLock.holder("\(place.state)/.locks/it") != .nobody)
        try hide(false, from: watcher)
        #expect(try daemon.waitForEnd(atMost: patience))
        try waitBriefly { try FileLock.holder("\(place.state)/.locks/it") == .nobody }
    }

    @Test("the next start waits, and ends what was left once it sees it")
    func nextStart() throws {
        let program = try start()
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        try place.killWithGuard(program)
        let next = try start(hidden: true)
        let line = try next.errorLine(with: "has left something cannot be told now")
        #expect(line.contains("mount it"))
        #expect(!(try next.passes(.milliseconds(500))))
        #expect(!next.text(.output).contains("ready"))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try hide(false, from: next.pid)
        try next.nextAttempt(nil)
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(try next.errorLine(with: "had left").contains("\(daemon.pid)"))
        try place.stop(next)
    }

    @Test("a stop is bounded all the same, and the guard stays")
    func stop() throws {
        let program = try start([], ["--stop-timeout", "1s"])
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        let watcher = try ProcessHandle(opening: guardian(of: program))
        try hide(true, from: program.pid)
        let stop = try place.call(
            ["stop", "it", "--no-checkpoint", "--state-dir", place.state])
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        _ = try stop.waitForEnd()
        #expect(program.text(.errors).contains("is left cannot be told"))
        #expect(try place.record().current != nil)
        #expect(try !watcher.waitForEnd(atMost: .zero) && !daemon.waitForEnd(atMost: .zero))
        try hide(false, from: watcher.pid)
        #expect(try daemon.waitForEnd(atMost: patience))
    }

    @Test("a report about a hang says that nobody can tell")
    func hang() throws {
        let limit = patience / 30
        let program = try start([], ["--heartbeat-timeout", DurationText.format(limit)])
        try program.nextAttempt(1)
        try hide(true, from: program.pid)
        try program.errorLine(with: "killing it (what its 0 threads did")
        // The next attempt needs it.
        try hide(false, from: program.pid)
        // On a busy machine that one may be taken to hang, too.
        try program.nextAttempt(nil)
        let report = try place.directory.read("state/it/output/hang-0001.txt")
        #expect(report.contains("nobody can tell which processes the job has"))
        try program.signal(9)
    }
}
