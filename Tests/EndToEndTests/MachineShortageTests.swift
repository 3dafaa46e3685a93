import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The machine has no process, no descriptor or no thread left for a while: prlimit(1) takes them from a
/// supervisor that runs, and gives them back.
@Suite("A shortage of the machine", .onStage, .enabled(if: userId() == 0, "only root may do that"))
struct MachineShortageTests {
    private let place: Place
    private let fixture: String
    private let binary: String
    /// Its own for each test, as the kernel counts the processes of a user.
    private let user: Int

    /// A place of another user, as root has no limit of processes.
    init() throws {
        place = try Place()
        fixture = "\(place.path)/fixture"
        binary = "\(place.path)/supervise"
        let number = try #require(Int(randomHex(bytes: 2), radix: 16))
        user = 70_000 + number
        let make =
            "install -m 755 \"$2\" \"$4\" && install -m 755 \"$3\" \"$5\" && chown -R \"$6\" \"$1\""
        let prepared = try place.start(
            [
                "sh", "-c", make, "sh", place.path, place.fixture, place.binary, fixture, binary,
                "\(user)",
            ])
        #expect(try prepared.waitForEnd() == .exited(0), "\(prepared.text(.errors))")
    }

    private func asUser(_ words: [String]) -> [String] {
        ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"] + words
    }

    private func supervise(_ options: [String] = [], _ command: [String]) throws -> Program {
        let all = place.arguments(["--backoff", "0ms..0ms", "--max-failures", "2"] + options)
        return try place.start(asUser([binary] + all + command), hasInput: true)
    }

    private func limit(_ what: String, _ program: Program) throws {
        // Only the soft one, which the user may raise again.
        let call = try place.start(asUser(["prlimit", "--pid", "\(program.pid)", "\(what):"]))
        guard try call.waitForEnd() == .exited(0) else { throw call.failure(what) }
    }

    @Test(
        "between two attempts is waited out, reported once at each end, and counted by nobody",
        arguments: ["nproc", "nofile"])
    func between(limit name: String) throws {
        let program = try supervise(["--checkpoint-every", "off"], [fixture, "puppet"])
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        // With a checkpoint there is something to be read before the next start: by a thread.
        let id = name == "nofile" ? try program.checkpoint(step: 1).id : nil
        try limit("--\(name)=\(name == "nproc" ? 1 : 4)", program)
        try program.say("die KILL")
        try program.errorLine(with: "waiting for the machine, trying again")
        // Long enough for more than one refusal.
        #expect(!(try program.passes(.milliseconds(800))))
        if name == "nproc" {
            let status = try place.statusOverSocket()
            #expect(status.phase == .backoff && status.attempt == 1)
            #expect(status.progress.message?.contains("clone") == true)
        }
        try limit("--\(name)=1000", program)
        try program.errorLine(with: "the machine's shortage is over after")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == id)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let record = try place.record()
        #expect(record.failures.total == 1 && record.experience.failures == 1)
        for told in ["waiting for the machine", "shortage is over"] {
            #expect(program.lines(.errors).count { $0.contains(told) } == 1)
        }
    }

    @Test("of threads: a checkpoint is read once there is one, and gone on from")
    func reading() throws {
        let program = try supervise([], [fixture, "puppet"])
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 1).id
        try limit("--nproc=1", program)
        try program.say("die KILL")
        try program.errorLine(with: "no thread can be started")
        try limit("--nproc=1000", program)
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == id)
        try place.stop(program)
    }

    @Test("of descriptors: nothing is started while nobody can tell what the last attempt has left")
    func unseen() throws {
        let program = try supervise([], [fixture, "puppet"])
        try program.nextAttempt(1)
        let script = "trap \"\" TERM; echo daemon $$; while :; do sleep 1000; done"
        try program.say("run (env -i setsid sh -c '\(script)' &)")
        let told = try program.line(starting: "daemon ")
        let daemon = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        try limit("--nofile=4", program)
        try program.say("die KILL")
        let line = try program.errorLine(
            with: "whether something of the job is left cannot be told now")
        #expect(line.contains("Too many open files"))
        #expect(!(try program.passes(.milliseconds(500))))
        #expect(!program.text(.output).contains("ready 2"))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try limit("--nofile=1000", program)
        try program.nextAttempt(2)
        #expect(try daemon.waitForEnd(atMost: .zero))
        try place.stop(program)
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("of processes: a guard that was killed is replaced once there is one, and does its work")
    func guardian() throws {
        let program = try supervise([], [fixture, "puppet"])
        let leader = try ProcessHandle(opening: program.nextAttempt(1))
        try program.say("run (setsid sh -c 'trap \"\" TERM; echo daemon $$; read x < /dev/zero' &)")
        let told = try program.line(starting: "daemon ")
        let daemon = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        try limit("--nproc=1", program)
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let guards = try children.split(separator: " ").compactMap { Int32($0) }.filter {
            try readSmallFile("/proc/\($0)/comm") == "supervise-guard\n"
        }
        try ProcessHandle(opening: #require(guards.first)).signal(9)
        try program.errorLine(with: "the guard was killed and cannot be started again")
        try limit("--nproc=1000", program)
        try program.errorLine(with: "the guard was killed by somebody; started another")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try leader.waitForEnd(atMost: patience) && daemon.waitForEnd(atMost: patience))
    }

    @Test("is no reason not to stop")
    func stop() throws {
        let program = try supervise([], [fixture, "puppet"])
        try program.nextAttempt(1)
        try limit("--nproc=1", program)
        try program.say("die KILL")
        try program.errorLine(with: "waiting for the machine, trying again")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome?.kind == .stopped)
    }

    @Test("at the very start is waited out for a while, and says what to do")
    func start() throws {
        let all = place.arguments(["--max-failures", "1"]) + ["sh", "-c", "echo ran"]
        let program = try place.start(
            asUser(["prlimit", "--nproc=1:1000", binary] + all), hasInput: true)
        let line = try program.errorLine(with: "trying again for up to 30 s")
        #expect(line.contains("clone guard") && line.contains("raise the limit of processes"))
        try limit("--nproc=1000", program)
        try program.line(starting: "ran")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("the job has its caller's soft limit of open files, and we the hard one")
    func openFiles() throws {
        let all = place.arguments([]) + ["sh", "-c", "ulimit -Sn; ulimit -Hn; read x"]
        let line = "ulimit -Sn 300; ulimit -Hn 4000; exec \"$@\""
        let program = try place.start(["sh", "-c", line, "sh", place.binary] + all, hasInput: true)
        try program.line(starting: "300")
        try program.line(starting: "4000")
        let limits = try readSmallFile("/proc/\(program.pid)/limits")
        let own = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        #expect(own?.split(separator: " ").dropFirst(3).prefix(2) == ["4000", "4000"])
        try program.say("")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("what --rlimit gives the job is not touched by that")
    func ownLimit() throws {
        let program = try place.supervise(
            ["--rlimit", "nofile=77:88"], ["sh", "-c", "ulimit -Sn; ulimit -Hn"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == ["77", "88"])
    }

    @Test("of threads: what waits for one is done once there is one, and in order")
    func threads() throws {
        let program = try supervise([], [fixture, "puppet"])
        try program.nextAttempt(1)
        try program.hello(accepts: false)
        try limit("--nproc=1", program)
        // The threads that make and commit it have not been started yet.
        try program.send(.begin(.init(step: 1)))
        try program.errorLine(with: "no thread can be started")
        try program.send(.control(.init(command: "status")))
        guard case .status = try program.message().message else {
            throw program.failure("it waits for the thread, too")
        }
        try limit("--nproc=1000", program)
        let began = try program.began()
        try program.say("write \(began.path)/state s")
        try program.line(starting: "written ")
        try program.send(.commit(.init(id: began.id)))
        _ = try program.committed()
        try place.stop(program)
    }
}
