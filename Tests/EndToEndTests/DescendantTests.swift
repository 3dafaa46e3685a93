import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Children of the job, in its group, in groups and sessions of their own, and orphans.
@Suite("Descendants of the job", .onStage)
struct DescendantTests {
    /// A child that says its pid and stays, ignoring or telling SIGTERM.
    private func child(_ name: String, ignoring: Bool, detached: Bool = false) -> String {
        let trap = ignoring ? "trap \"\" TERM" : "trap \"echo \(name) SIGTERM; exit\" TERM"
        // `read` from a pipe that nobody writes to can be interrupted by a trap; sleep cannot.
        let wait = "while :; do read x < \(name).fifo; done"
        let body = "mkfifo \(name).fifo; \(trap); echo \(name) $$; \(wait)"
        return detached ? "(setsid sh -c '\(body)' &)" : "sh -c '\(body)'"
    }

    /// Starts one and takes hold of it.
    private func start(
        _ program: Program, _ name: String, ignoring: Bool, detached: Bool = false
    ) throws -> ProcessHandle {
        try program.say("run " + child(name, ignoring: ignoring, detached: detached))
        let line = try program.line(starting: "\(name) ")
        let pid = try #require(Int32(line.dropFirst(name.utf8.count + 1)))
        return try ProcessHandle(opening: pid)
    }

    private func isGone(_ process: ProcessHandle) throws -> Bool {
        try process.waitForEnd(atMost: .zero)
    }

    @Test("in a stop they are left alone until the leader is gone, then told, and at last killed")
    func inStop() throws {
        let place = try Place()
        let program = try place.puppet(["--stop-timeout", "1s"])
        try program.hello()
        let polite = try start(program, "polite", ignoring: false, detached: true)
        let stubborn = try start(program, "stubborn", ignoring: true)
        let daemon = try start(program, "daemon", ignoring: true, detached: true)
        try program.signal(15)
        try program.checkpoint(step: 1, request: program.request().request)
        guard case .stop = try program.message().message else { throw program.failure("no stop") }
        #expect(try !isGone(polite) && !isGone(stubborn) && !isGone(daemon))
        #expect(!program.text(.output).contains("SIGTERM"))
        try program.say("exit 0")
        try program.line(starting: "polite SIGTERM")
        #expect(try program.waitForEnd() == .signaled(15))
        for process in [polite, stubborn, daemon] { #expect(try isGone(process)) }
    }

    @Test("after a crash they are gone before the next attempt starts")
    func afterCrash() throws {
        let place = try Place()
        let program = try place.puppet()
        for attempt in 1...5 {
            let stubborn = try start(program, "stubborn\(attempt)", ignoring: true)
            let daemon = try start(program, "daemon\(attempt)", ignoring: true, detached: true)
            try program.say(attempt % 2 == 0 ? "die KILL" : "exit 1")
            try program.nextAttempt(attempt + 1)
            #expect(try isGone(stubborn) && isGone(daemon))
            if attempt == 4 {
                // Progress, so that the failures before do not add up.
                try program.hello(accepts: false)
                try program.checkpoint(step: 1)
            }
        }
        try place.stop(program)
    }

    @Test("after the job has completed they are told, and at last killed")
    func afterCompletion() throws {
        let place = try Place()
        let program = try place.puppet(["--stop-timeout", "500ms"])
        let polite = try start(program, "polite", ignoring: false, detached: true)
        let stubborn = try start(program, "stubborn", ignoring: true, detached: true)
        try program.say("exit 0")
        try program.line(starting: "polite SIGTERM")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try isGone(polite) && isGone(stubborn))
    }

    @Test("a fork bomb's worth of them is gone at the end, however fast they fork")
    func manyForks() throws {
        let place = try Place()
        let program = try place.puppet(["--stop-timeout", "300ms"])
        // Each one forks a successor in a new session and goes, for ever.
        let script = try place.directory.write(
            "hopper", "#!/bin/sh\ntrap '' TERM\necho hop\nsetsid \"$0\" &\n", mode: 0o700)
        try program.say("run \(script); \(script)")
        try program.line(starting: "hop")
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        // Whoever is left would hold the pipe's other end.
        #expect(try program.outputIsOver())
    }
}
