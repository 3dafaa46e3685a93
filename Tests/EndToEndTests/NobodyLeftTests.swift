import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The supervisor is killed by SIGKILL, and with it whatever it could do.
@Suite("Nobody is left behind", .onStage)
struct NobodyLeftTests {
    /// What a job may leave: a child in its group, one that ignores SIGTERM, a daemon in a session
    /// of its own, and a daemon's child.
    private func startFamily(_ program: Program) throws -> [ProcessHandle] {
        let stay = "while :; do sleep 1000; done"
        let members = [
            ("child", "sh -c 'echo child $$; \(stay)'"),
            ("stubborn", "sh -c 'trap \"\" TERM HUP INT; echo stubborn $$; \(stay)'"),
            ("daemon", "(setsid sh -c 'trap \"\" TERM HUP; echo daemon $$; \(stay)' &)"),
            ("second", "(setsid sh -c '(setsid sh -c \"echo second \\$\\$; \(stay)\" &)' &)"),
        ]
        return try members.map { name, line in
            try program.say("run \(line)")
            let told = try program.line(starting: "\(name) ")
            let pid = try #require(Int32(told.dropFirst(name.utf8.count + 1)))
            return try ProcessHandle(opening: pid)
        }
    }

    private func expectGone(_ processes: [ProcessHandle]) throws {
        for process in processes {
            #expect(try process.waitForEnd(atMost: patience), "\(process.pid) still lives")
        }
    }

    /// The supervisor's child that was forked from it: it has its command line.
    private func guardian(of program: Program, _ place: Place) throws -> ProcessHandle {
        let text = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let pids = try text.split(separator: " ").compactMap { Int32($0) }.filter {
            try readSmallFile("/proc/\($0)/cmdline").hasPrefix(place.binary)
        }
        guard pids.count == 1 else { throw program.failure("guards: \(pids)") }
        return try ProcessHandle(opening: pids[0])
    }

    /// Nothing but the session tells that it is the job's: its parent and its environment are gone.
    @Test("who has cleared its environment and outlived the leader ends with the supervisor, too")
    func clearedEnvironment() throws {
        let place = try Place()
        let stubborn = "trap 'echo asked' TERM; echo child $$; while :; do sleep 0.1; done"
        let program = try place.supervise(
            ["--stop-timeout", "1h"],
            ["sh", "-c", "env -i sh -c \"$1\" & read x", "sh", stubborn], hasInput: true)
        let pid = try #require(Int32(try program.line(starting: "child ").dropFirst(6)))
        let child = try ProcessHandle(opening: pid)
        try program.say("")
        try program.line(starting: "asked")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try expectGone([child])
    }

    @Test("when the supervisor is killed, the job's whole tree ends and the next start resumes")
    func supervisorKilled() throws {
        let place = try Place()
        for round in 1...3 {
            let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
            let leader = try ProcessHandle(opening: program.nextAttempt(round))
            let welcome = try program.hello(accepts: false)
            #expect(welcome.resume?.step == (round == 1 ? nil : Int64(round - 1)))
            let family = try startFamily(program)
            try program.checkpoint(step: Int64(round))
            try program.signal(9)
            #expect(try program.waitForEnd() == .signaled(9))
            try expectGone(family + [leader])
        }
        let last = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try last.nextAttempt(4)
        #expect(try last.hello(accepts: false).resume?.step == 3)
        try place.stop(last)
        let status = try place.status()
        #expect(status.lastFailure?.kind == .machine)
        // The supervisor's own death is no failure of the job's.
        #expect(status.failures == 0)
    }

    @Test("the lock is not free before the tree is gone")
    func lockHeld() throws {
        let place = try Place()
        let program = try place.puppet()
        let family = try startFamily(program)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        for process in family { #expect(try process.waitForEnd(atMost: .zero)) }
        try place.stop(next)
    }

    @Test(
        "when the supervisor and its guard are killed, the next start ends what is left and says so"
    )
    func bothKilled() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let id = try program.checkpoint(step: 1).id
        let family = try startFamily(program)
        // Stopped, it cannot start another guard.
        try program.signal(19)
        try guardian(of: program, place).signal(9)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        // The daemons live on: the probe works.
        #expect(try !family[2].waitForEnd(atMost: .milliseconds(200)))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        // Nobody could note which attempt was the last one.
        try next.nextAttempt(10)
        for process in family { #expect(try process.waitForEnd(atMost: .zero)) }
        #expect(try next.hello(accepts: false).resume?.id == id)
        let line = try next.errorLine(with: "earlier supervisor had left")
        #expect(line.contains("\(family[2].pid)"))
        try place.stop(next)
    }

    @Test("a guard that was killed is replaced, and then does its work")
    func guardKilled() throws {
        let place = try Place()
        let program = try place.puppet()
        let family = try startFamily(program)
        try guardian(of: program, place).signal(9)
        try program.errorLine(with: "guard")
        try program.hello(accepts: false)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        try expectGone(family)
    }

    @Test("a supervisor that is killed between two attempts leaves nobody either")
    func killedInBackoff() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--backoff", "1h..1h"], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        let family = try startFamily(program)
        try program.say("die KILL")
        try program.errorLine(with: "starting again")
        try expectGone(family)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        try place.stop(next)
    }

    @Test("processes of others with the same name, and other runs, are left alone")
    func others() throws {
        let place = try Place()
        let other = try place.call(
            place.arguments([], name: "other") + [place.fixture, "puppet"], hasInput: true)
        try other.nextAttempt(1)
        let stranger = try place.start(["sh", "-c", "echo here; read x"], hasInput: true)
        try stranger.line(starting: "here")
        let program = try place.puppet()
        _ = try startFamily(program)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        let next = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try next.nextAttempt(2)
        try other.hello(accepts: false)
        try stranger.say("")
        #expect(try stranger.waitForEnd() == .exited(0))
        try place.stop(next)
        try place.stop(other)
    }
}
