import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The host as a whole, in a process of its own, as signals and children belong to all of it.
@Suite("Conductor")
struct ConductorTests {
    private let place: Place

    init() throws {
        place = try Place()
    }

    private func number(_ name: String) throws -> Int32 { try #require(signalNumber(name)) }

    private func end(_ program: Program) throws {
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a supervisor that was stopped and goes on passes SIGCONT, and nothing else has changed")
    func stoppedAndContinued() throws {
        // What passes through the supervisor stands still with it.
        let program = try place.puppet(["--output", "inherit"])
        try program.hello()
        // As a session of its own it is not stopped by the terminal's SIGTSTP.
        try program.signal(try number("STOP"))
        try waitUntilStopped(program)
        // The job goes on meanwhile.
        try program.say("environment")
        try program.line(starting: "end of environment")
        try program.signal(try number("CONT"))
        try program.line(starting: "signal SIGCONT")
        try program.checkpoint(step: 1)
        try end(program)
    }

    @Test("a starter that ignores SIGCHLD does not make us deaf to the end of the job")
    func ignoredChildSignal() throws {
        let line =
            "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
            + "os.execv(sys.argv[1], sys.argv[1:])"
        let arguments = place.arguments([]) + ["sh", "-c", "exit 7"]
        let limits = ["--max-failures", "1"] + arguments
        let program = try place.start(["python3", "-c", line, place.binary] + limits)
        #expect(try program.waitForEnd() == .exited(7))
    }

    @Test("without descriptors nobody is let in, which is told once, and later everybody is")
    func fewDescriptors() throws {
        let call = place.arguments(["--backoff", "0ms..0ms"]) + [place.fixture, "puppet"]
        let line = "ulimit -n 40; exec \"$0\" \"$@\""
        let program = try place.start(["sh", "-c", line, place.binary] + call, hasInput: true)
        try program.line(starting: "ready ")
        try program.hello()
        try waitForChange(in: place.file("")) { try place.status().socket != nil }
        do {
            let crowd = try (0..<60).map { _ in try place.connect() }
            try program.errorLine(with: "a connection to the socket was not taken")
            // Who was let in is served.
            try program.checkpoint(step: 1)
            withExtendedLifetime(crowd) {}
        }
        // It takes a moment until it knows that the others have gone.
        try waitBriefly {
            let peer = try place.connect()
            try peer.send(line: #"{"type":"control","command":"status"}"#)
            return try peer.readLine()?.contains(#""type":"status""#) == true
        }
        let told = program.lines(.errors).filter { $0.contains("was not taken") }
        #expect(told.count == 1)
        try end(program)
    }

    @Test("a disk that does not answer holds up nobody's end")
    func diskHangs() throws {
        let program = try place.puppet()
        try program.hello(accepts: false)
        try waitForChange(in: place.file("")) { try place.status().phase == .running }
        // Whoever opens this to write waits until somebody reads.
        let path = place.file("status.json.tmp")
        try #require(try place.start(["mkfifo", path]).waitForEnd() == .exited(0))
        try program.signal(try number("TERM"))
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("a job that is asked to stop in the same moment as it ends is reaped, as is all it left")
    func nobodyIsLeft() throws {
        let program = try place.puppet()
        try program.say("run (trap '' TERM; sleep 1000) & (sleep 1000 &)")
        try program.say("exit 3")
        try program.nextAttempt(2)
        try end(program)
        #expect(try program.outputIsOver())
    }

    @Test("what happens before its end is in the files at its end")
    func filesAreComplete() throws {
        let program = try place.puppet()
        try program.hello(accepts: false)
        for step in 1...7 { try program.checkpoint(step: Int64(step)) }
        // Nobody waits for a removal, not even the end.
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints.count == 5 }
        try end(program)
        let events = try place.events()
        #expect(
            events.filter { if case .checkpointCommitted = $0 { true } else { false } }.count == 7)
        #expect(try place.status().phase == .finished)
        #expect(try place.record().outcome?.kind == .completed)
    }

    @Test("the guard that somebody kills is replaced, and ends the job when we are killed")
    func guardIsReplaced() throws {
        let program = try place.puppet()
        let children = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let job = try place.status().jobPID
        let guards = children.split(separator: " ").compactMap { Int32($0) }
        let guardian = try #require(guards.first { Int($0) != job })
        try ProcessHandle(opening: guardian).signal(9)
        try program.errorLine(with: "the guard was killed by somebody; started another")
        try program.say("run sleep 1000")
        try program.signal(9)
        #expect(try program.waitForEnd() == .signaled(9))
        // The guard has the lock until all of them are gone.
        withExtendedLifetime(try FileLock.takeWaiting("\(place.state)/.locks/it")) {}
        #expect(try program.outputIsOver())
    }

    /// The kernel tells us, as its parent.
    private func waitUntilStopped(_ program: Program) throws {
        var info = siginfo_t()
        try systemCall("waitid") { waitid(P_PID, id_t(program.pid), &info, WSTOPPED) }
    }
}
