import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// All that stops, ends or names the job's processes means the same ones, and no inherited one.
@Suite("One definition of the job's tree", .onStage)
struct InheritedTreeTests {
    private struct Scene {
        let place: Place
        let program: Program
        /// The leader, a child of it, and a daemon that only its descent and its mark name.
        var job: [ProcessHandle] = []
        /// A sidecar from before the exec, and a child that it started later.
        var inherited: [ProcessHandle] = []

        init(_ options: [String]) throws {
            place = try Place()
            let script = """
                mkfifo go
                (echo sidecar $BASHPID >&2; read x < go; sleep 12345 & echo below $! >&2; wait) &
                exec "$@"
                """
            let call =
                [place.binary] + place.arguments(["--backoff", "0ms..0ms"] + options)
                + [place.fixture, "puppet"]
            program = try place.start(["bash", "-c", script, "bash"] + call, hasInput: true)
            inherited = [try take("sidecar", .errors)]
            job = [try ProcessHandle(opening: program.nextAttempt(1))]
            try program.say("run echo > go")
            inherited.append(try take("below", .errors))
            try program.say("run sh -c 'echo child $$; exec sleep 1000' &")
            job.append(try take("child", .output))
            try program.say("run (env -i setsid sh -c 'echo daemon $$; exec sleep 1000' &)")
            job.append(try take("daemon", .output))
        }

        private func take(_ name: String, _ stream: Program.Stream) throws -> ProcessHandle {
            let told = try program.line(stream, starting: "\(name) ")
            return try ProcessHandle(opening: #require(Int32(told.dropFirst(name.utf8.count + 1))))
        }

        /// Which of all these processes are stopped.
        func stopped() throws -> [Int32] {
            try (job + inherited).map(\.pid).filter { try place.processState("\($0)") == "T" }
        }

        func control(_ command: String) throws {
            let call = try place.call([command, "it", "--state-dir", place.state])
            guard try call.waitForEnd() == .exited(0) else { throw call.failure(command) }
        }

        /// Waits until all of the job are gone, and no other one is.
        func expectJobGone() throws {
            for process in job { #expect(try process.waitForEnd(atMost: patience)) }
            for process in inherited { #expect(try !process.waitForEnd(atMost: .zero)) }
        }

        func end() {
            for process in inherited { _ = try? process.signal(9) }
        }
    }

    @Test("a pause, Ctrl-Z and a stop mean the same processes")
    func stops() throws {
        let scene = try Scene(["--stop-timeout", "1s"])
        defer { scene.end() }
        let job = scene.job.map(\.pid)
        try waitForChange(in: scene.place.file("")) { try scene.place.status().jobPID != nil }
        try scene.control("pause")
        try waitBriefly { try scene.stopped() == job }
        try scene.control("unpause")
        try scene.program.line(starting: "signal SIGCONT")
        try waitBriefly { try scene.stopped().isEmpty }
        try scene.program.signal(20)
        try scene.program.waitUntilStopped()
        try waitBriefly { try scene.stopped() == job }
        try scene.program.signal(18)
        try scene.program.line(starting: "signal SIGCONT")
        try waitBriefly { try scene.stopped().isEmpty }
        try scene.place.stop(scene.program)
        try scene.expectJobGone()
    }

    @Test("a report about a hang and what ends the job after it mean the same processes")
    func hang() throws {
        let scene = try Scene(["--heartbeat-timeout", DurationText.format(patience / 30)])
        defer { scene.end() }
        try scene.program.nextAttempt(2)
        try scene.expectJobGone()
        let report = try scene.place.directory.read("state/it/output/hang-0001.txt")
        let named = (scene.job + scene.inherited).map(\.pid).filter {
            report.contains("process \($0), ")
        }
        #expect(named == scene.job.map(\.pid))
        try scene.program.signal(9)
    }

    @Test("the guard means the same processes")
    func guardian() throws {
        let scene = try Scene([])
        defer { scene.end() }
        try scene.program.signal(9)
        #expect(try scene.program.waitForEnd() == .signaled(9))
        try scene.expectJobGone()
        try waitBriefly { try FileLock.holder("\(scene.place.state)/.locks/it") == .nobody }
        try scene.expectJobGone()
    }

    /// A shell that leaves a process with the run's token to the next start of the run.
    enum Bearer: String, CaseIterable {
        /// Below a sidecar that was born without it.
        case below
        /// Beside us, and the shell was itself born with the token.
        case beside

        var script: String {
            switch self {
            case .below: "(SUPERVISE_TOKEN=$0 sleep 12345 & echo bearer $! >&2; wait) & exec \"$@\""
            case .beside: "sleep 12345 & echo bearer $! >&2; exec \"$@\""
            }
        }
    }

    @Test(
        "the search for what an earlier supervisor has left spares what is inherited, too",
        arguments: Bearer.allCases)
    func search(bearer: Bearer) throws {
        let place = try Place()
        let program = try place.puppet()
        try program.say("run echo token $SUPERVISE_TOKEN")
        let token = String(try program.line(starting: "token ").dropFirst(6))
        let left = try place.orphan(program)
        let call =
            [place.binary] + place.arguments(["--backoff", "0ms..0ms"])
            + [place.fixture, "puppet"]
        let next = try place.start(
            ["bash", "-c", bearer.script, token] + call,
            environment: bearer == .beside ? ["SUPERVISE_TOKEN": token] : [:], hasInput: true)
        let told = try next.errorLine(with: "bearer ")
        let inherited = try ProcessHandle(opening: #require(Int32(told.dropFirst(7))))
        defer { _ = try? inherited.signal(9) }
        try next.nextAttempt(nil)
        #expect(try left.waitForEnd(atMost: .zero))
        #expect(try !inherited.waitForEnd(atMost: .zero))
        try place.stop(next)
        #expect(try !inherited.waitForEnd(atMost: .zero))
    }
}
