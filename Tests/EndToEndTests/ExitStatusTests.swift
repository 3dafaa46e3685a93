import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Exit statuses", .onStage)
struct ExitStatusTests {
    @Test("a job that completes ends in 0")
    func completed() throws {
        let place = try Place()
        let program = try place.supervise([], ["true"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.status().outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(try place.record().outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(program.lines(.errors).last == "supervise: completed")
    }

    /// All of them, some in each test case.
    @Test(
        "every status of a job that failed for good is handed on, each of the 256",
        arguments: Array(stride(from: Int32(0), to: 256, by: 32)))
    func ownStatus(first: Int32) throws {
        let place = try Place()
        for code in first..<(first + 32) {
            let program = try place.supervise(
                ["--fresh", "--max-failures", "1"], ["sh", "-c", "exit \(code)"])
            #expect(try program.waitForEnd() == .exited(code))
            let kind = code == 0 ? Outcome.Kind.completed : .failed
            #expect(try place.status().outcome == Outcome(kind: kind, exitCode: Int(code)))
        }
    }

    /// SIGCHLD, SIGCONT, SIGURG and SIGWINCH do nothing by default, and the three of a terminal do
    /// nothing to a session that has none.
    private static let harmless: Set<Int32> = [17, 18, 20, 21, 22, 23, 28]
    private static let sigstop: Int32 = 19

    @Test(
        "a job that a signal has ended for good gives 128 and its number, by each of the 64",
        arguments: Array(stride(from: Int32(1), to: 64, by: 16)))
    func ownSignal(first: Int32) throws {
        let place = try Place()
        for number in first..<(first + 16)
        where number != Self.sigstop && !Self.harmless.contains(number) {
            let program = try place.supervise(
                ["--fresh", "--max-failures", "1"],
                ["sh", "-c", "ulimit -c 0; kill -\(number) $$"])
            #expect(try program.waitForEnd() == .exited(128 + number))
            let name = signalName(number)
            #expect(try place.status().outcome == Outcome(kind: .failed, signal: name))
            #expect(program.text(.errors).contains("the job was killed by \(name) after"))
        }
    }

    @Test("signals that end no process end no run, and a job that is stopped goes on")
    func harmlessSignals() throws {
        let place = try Place()
        let line = """
            for number in 17 18 20 21 22 23 28; do kill -$number $$; done
            (until grep -q '^State:.T' /proc/$$/status; do :; done; kill -CONT $$) &
            kill -STOP $$
            wait; exit 6
            """
        let program = try place.supervise(["--max-failures", "1"], ["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(6))
    }

    @Test(
        "asked to stop by a signal, it stops and dies by the same one",
        arguments: ["SIGINT", "SIGTERM", "SIGHUP"])
    func sameSignal(name: String) throws {
        let place = try Place()
        let number = try #require(signalNumber(name))
        let program = try place.puppet()
        try program.signal(number)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(number))
        #expect(try place.status().outcome == Outcome(kind: .stopped, exitCode: 0))
    }

    @Test("a SIGHUP that was ignored at the start stays ignored, as under nohup")
    func nohup() throws {
        let place = try Place()
        let call = [place.binary] + place.arguments([]) + [place.fixture, "puppet"]
        let program = try place.start(
            ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"] + call, hasInput: true)
        try program.line(starting: "ready 1 ")
        try program.signal(1)
        // What comes after it is handled, so it was too.
        try program.signal(28)
        try program.line(starting: "signal SIGWINCH")
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(!program.text(.errors).contains("SIGHUP"))
        #expect(!program.text(.output).contains("SIGHUP"))
    }

    @Test("a command that is not found gives 127, at once and for good")
    func notFound() throws {
        let place = try Place()
        let program = try place.supervise([], ["no-such-command", "x"])
        #expect(try program.waitForEnd() == .exited(127))
        #expect(program.lines(.errors).count == 1)
        let line = try #require(program.lines(.errors).first)
        #expect(line.contains("command not found") && line.contains("no-such-command"))
        #expect(try place.status().outcome == Outcome(kind: .failed, exitCode: 127))
    }

    @Test(
        "a command that cannot be executed gives 126, at once and for good",
        arguments: ["plain", "directory", "lost-interpreter"])
    func notExecutable(kind: String) throws {
        let place = try Place()
        let path = "\(place.path)/\(kind)"
        switch kind {
        case "plain": try place.directory.write(kind, "text")
        case "directory": _ = try place.directory.makeDirectory(kind)
        default: try place.directory.write(kind, "#!/no/such/interpreter\n", mode: 0o700)
        }
        let program = try place.supervise([], [path])
        #expect(try program.waitForEnd() == .exited(126))
        let lines = program.lines(.errors).filter { $0.contains(path) }
        #expect(lines.contains { $0.contains("cannot be executed") })
    }

    @Test("a command that cannot be found later any more is a failure that counts")
    func notFoundLater() throws {
        let place = try Place()
        let job = try place.directory.write("job", "#!/bin/sh\nrm \"$0\"\nexit 3\n", mode: 0o700)
        let program = try place.supervise(["--max-failures", "3"], [job])
        #expect(try program.waitForEnd() == .exited(127))
        let status = try place.status()
        #expect(status.attempt == 3)
        #expect(status.failures == 3)
        #expect(status.lastFailure?.kind == .spawn)
    }
}
