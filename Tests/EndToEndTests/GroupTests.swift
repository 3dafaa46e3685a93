import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The job's own control group, where ours was left to us.
@Suite(
    "The job's control group", .onStage,
    .enabled(if: PrivateGroup.isPossible, "only root makes control groups, from Linux 5.14 on"))
struct GroupTests {
    private let group: PrivateGroup
    private let place: Place

    init() throws {
        group = try PrivateGroup()
        place = try Place()
    }

    private func start(
        _ options: [String] = [], wrapper: [String] = [], _ command: [String]? = nil
    ) throws -> Program {
        let all = place.arguments(["--backoff", "0ms..0ms"] + options)
        let call = wrapper + [place.binary] + all + (command ?? [place.fixture, "puppet"])
        return try place.start(group.command(call), hasInput: true)
    }

    /// A daemon that has left all by which it could be found: session, parents and environment.
    ///
    /// - Returns: it, once it has no parent but the supervisor.
    private func nameless(of program: Program) throws -> ProcessHandle {
        let daemon = "trap \"\" TERM HUP; echo nameless \\$\\$; while :; do sleep 1000; done"
        try program.say("run env -i sh -c '(setsid env -i sh -c \"\(daemon)\" &)'")
        let line = try program.line(starting: "nameless ")
        let process = try ProcessHandle(opening: try #require(Int32(line.dropFirst(9))))
        try waitBriefly {
            let status = try readSmallFile("/proc/\(process.pid)/status")
            return status.contains("PPid:\t\(program.pid)\n")
        }
        #expect(try !readSmallFile("/proc/\(process.pid)/environ").contains("SUPERVISE"))
        return process
    }

    private func groupOfJob() throws -> String {
        let groups = try group.groups()
        #expect(groups == ["supervise-\(try place.record().runToken)"])
        return try #require(groups.first)
    }

    @Test("the job is born in it, we and the guard are not, and it is removed at the end")
    func life() throws {
        let program = try start()
        let leader = try program.nextAttempt(1)
        let name = try groupOfJob()
        #expect(try group.has(leader, in: name))
        #expect(try !group.has(program.pid, in: name))
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        for child in children.split(separator: " ").compactMap({ Int32($0) }) {
            #expect(try group.has(child, in: name) == (child == leader))
        }
        try program.say("exit 1")
        #expect(try group.has(program.nextAttempt(2), in: name))
        try place.stop(program)
        #expect(try group.groups().isEmpty)
    }

    @Test("who is in it and nowhere else keeps a copy of the run from starting, and is left alone")
    func copied() throws {
        let program = try start()
        try program.nextAttempt(1)
        let daemon = try nameless(of: program)
        try place.killWithGuard(program)
        let there = "\(place.path)/there"
        try place.shell("cp -a '\(place.state)' '\(there)'")
        try place.expectRefusal(
            in: there, unchanged: [there], says: ["still live (pids", "\(daemon.pid)"])
        #expect(try !daemon.waitForEnd(atMost: .zero))
        let next = try start()
        try next.nextAttempt(10)
        #expect(try daemon.waitForEnd(atMost: .zero))
        try place.stop(next)
    }

    @Test("a group that was not left to us stays as it is")
    func notDelegated() throws {
        let others = try PrivateGroup(isDelegated: false)
        let call = [place.binary] + place.arguments([]) + [place.fixture, "puppet"]
        let program = try place.start(others.command(call), hasInput: true)
        #expect(try others.has(program.nextAttempt(1), in: "."))
        #expect(try others.groups().isEmpty)
        try place.stop(program)
    }

    @Test("whoever is in it ends before the next attempt, also who is no child of ours")
    func restart() throws {
        let program = try start()
        try program.nextAttempt(1)
        let daemon = try nameless(of: program)
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try daemon.waitForEnd(atMost: .zero))
        let stranger = try place.start(["sh", "-c", "echo here; read x"], hasInput: true)
        try stranger.line(starting: "here")
        try group.write("\(try groupOfJob())/cgroup.procs", "\(stranger.pid)")
        let process = try ProcessHandle(opening: stranger.pid)
        try program.say("exit 1")
        try program.nextAttempt(3)
        #expect(try process.waitForEnd(atMost: .zero))
        try place.stop(program)
    }

    @Test("when the supervisor is killed, its guard ends all in it, and removes it")
    func supervisorKilled() throws {
        let program = try start()
        try program.nextAttempt(1)
        let daemon = try nameless(of: program)
        let sub = "mkdir \"$0/sub\" && echo $$ > \"$0/sub/cgroup.procs\" && echo below"
        try program.say("run sh -c '\(sub)' \(group.path)/\(try groupOfJob())")
        try program.line(starting: "below")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try daemon.waitForEnd(atMost: patience))
        try waitBriefly { try group.groups().isEmpty }
    }

    @Test("when the guard is killed, too, the next start ends all in it and names them")
    func bothKilled() throws {
        let program = try start()
        let leader = try program.nextAttempt(1)
        let daemon = try nameless(of: program)
        try program.signal(19)
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        for child in children.split(separator: " ").compactMap({ Int32($0) })
        where child != leader && child != daemon.pid {
            try ProcessHandle(opening: child).signal(9)
        }
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(200)))
        let next = try start()
        try next.nextAttempt(10)
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(try next.errorLine(with: "had left").contains("\(daemon.pid)"))
        try place.stop(next)
        #expect(try group.groups().isEmpty)
    }

    @Test("a container's groups are left to us: those of a namespace that begin with ours")
    func namespace() throws {
        let own = try PrivateGroup(isDelegated: false)
        let mount = try place.directory.makeDirectory("cgroup")
        let call = [place.binary] + place.arguments([]) + [place.fixture, "puppet"]
        let line = "mount -t cgroup2 none \(mount) && exec \"$@\""
        let inside = ["unshare", "--cgroup", "--mount", "sh", "-c", line, "sh"] + call
        let program = try place.start(own.command(inside), hasInput: true)
        let leader = try program.nextAttempt(1)
        let name = "supervise-\(try place.record().runToken)"
        #expect(try own.groups() == [name])
        #expect(try own.has(leader, in: name))
        try place.stop(program)
        #expect(try own.groups().isEmpty)
    }

    @Test("where no group can be made the job runs all the same")
    func refused() throws {
        try group.write("cgroup.max.descendants", "0")
        let program = try start()
        #expect(try group.has(program.nextAttempt(1), in: "."))
        try place.stop(program)
        try group.write("cgroup.max.descendants", "max")
    }

    @Test(
        "before Linux 5.7, and in some sandboxes, the job enters it by itself",
        .enabled(if: Strace.isUsable, "there is no strace, or it may not look"))
    func noBirth() throws {
        let log = "\(place.path)/strace"
        let program = try start(
            wrapper: [
                "strace", "-f", "-qq", "-o", log, "-e", "trace=clone3",
                "--inject=clone3:error=ENOSYS",
            ])
        #expect(try group.has(program.nextAttempt(1), in: try groupOfJob()))
        #expect(try readSmallFile(log).contains("INJECTED"))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }
}
