import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// /proc is there, and reading it fails for a while.
@Suite(
    "While reading /proc fails", .onStage, .enabled(if: Preload.isUsable, Preload.hindrance))
struct UnreadableProcTests {
    private let place: Place
    private let fault: FaultyProc

    init() throws {
        place = try Place()
        fault = try FaultyProc(in: place)
    }

    private func daemon(_ program: Program) throws -> ProcessHandle {
        let script = "trap \"\" TERM HUP; echo daemon $$; while :; do sleep 1000; done"
        try program.say("run (env -i setsid sh -c '\(script)' &)")
        let told = try program.line(starting: "daemon ")
        return try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
    }

    @Test(
        "nothing is started beside what an attempt has left, whatever the error is",
        arguments: [EIO, EPERM, EACCES, EMFILE, ENFILE, ENOMEM, EINTR])
    func restart(code: Int32) throws {
        let program = try place.supervise(
            [], [place.fixture, "puppet"], environment: fault.environment, hasInput: true)
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        try fault.fail(with: code)
        try program.say("die KILL")
        try program.errorLine(with: "whether something of the job is left cannot be told now")
        #expect(!(try program.passes(.milliseconds(300))))
        #expect(!program.text(.output).contains("ready 2"))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        try fault.fail(with: nil)
        try program.nextAttempt(2)
        #expect(try daemon.waitForEnd(atMost: .zero))
        try place.stop(program)
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("the guard keeps the lock until it can tell", arguments: [EIO, EPERM, ENFILE])
    func guardian(code: Int32) throws {
        let program = try place.supervise(
            [], [place.fixture, "puppet"], environment: fault.environment, hasInput: true)
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        try fault.fail(with: code)
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(300)))
        #expect(try FileLock.holder("\(place.state)/.locks/it") != .nobody)
        try fault.fail(with: nil)
        #expect(try daemon.waitForEnd(atMost: patience))
        try waitBriefly { try FileLock.holder("\(place.state)/.locks/it") == .nobody }
    }

    @Test("a start that is killed while it ends leftovers leaves them to its guard")
    func killedWhileClearing() throws {
        let program = try place.puppet()
        let daemon = try place.orphan(program)
        try fault.holdKills()
        let next = try place.supervise(
            [], [place.fixture, "puppet"], environment: fault.environment, hasInput: true)
        // It is stopped before it is killed.
        try waitBriefly { try place.processState("\(daemon.pid)") == "T" }
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(100)))
        try next.signal(9)
        #expect(try next.waitForEnd() == .signaled(9))
        #expect(try daemon.waitForEnd(atMost: patience))
        try waitBriefly { try FileLock.holder("\(place.state)/.locks/it") == .nobody }
    }

    @Test("a start that is stopped while it waits for /proc leaves the search to its guard")
    func stoppedWhileClearing() throws {
        let program = try place.puppet()
        let daemon = try place.orphan(program)
        try fault.fail(with: EIO)
        let next = try place.supervise(
            ["--stop-timeout", "1s"], [place.fixture, "puppet"], environment: fault.environment,
            hasInput: true)
        try next.errorLine(with: "has left something cannot be told now")
        try next.signal(15)
        #expect(try next.waitForEnd() == .signaled(15))
        #expect(try !daemon.waitForEnd(atMost: .milliseconds(100)))
        try fault.fail(with: nil)
        #expect(try daemon.waitForEnd(atMost: patience))
    }

    @Test(
        "settle changes nothing, and says so; it settles once it can tell",
        arguments: [EIO, ENFILE])
    func settle(code: Int32) throws {
        let program = try place.puppet()
        let daemon = try place.orphan(program)
        let before = try place.fingerprint(of: place.state)
        try fault.fail(with: code)
        let call = ["settle", "it", "--state-dir", place.state]
        let refused = try place.call(call, environment: fault.environment)
        #expect(try refused.waitForEnd() == .exited(125), "\(refused.text(.errors))")
        try refused.errorLine(with: "whether something is left cannot be told (")
        #expect(refused.text(.errors).contains("settle it again"))
        #expect(try !daemon.waitForEnd(atMost: .zero))
        #expect(try place.fingerprint(of: place.state) == before)
        try fault.fail(with: nil)
        let settled = try place.call(call, environment: fault.environment)
        #expect(try settled.waitForEnd() == .exited(0), "\(settled.text(.errors))")
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(try place.status().outcome == .lost)
    }

    @Test("descriptors are held in reserve: a supervisor without any other one sees all of the job")
    func reserve() throws {
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        let daemon = try daemon(program)
        let limit = { (number: Int) in
            let words = ["prlimit", "--pid", "\(program.pid)", "--nofile=\(number):"]
            let call = try place.start(words)
            guard try call.waitForEnd() == .exited(0) else { throw call.failure("prlimit") }
        }
        let used = Set(try Disk().list("/proc/\(program.pid)/fd").compactMap { Int($0.name) })
        // No number below is free.
        try limit(#require((0...1000).first { !used.contains($0) }))
        try program.say("die KILL")
        try program.errorLine(with: "waiting for the machine, trying again")
        #expect(try daemon.waitForEnd(atMost: .zero))
        #expect(!program.text(.errors).contains("cannot be told"))
        try limit(1000)
        try program.nextAttempt(2)
        try place.stop(program)
    }
}
