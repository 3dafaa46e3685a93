import SuperviseFormats
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

/// A script that knows nothing of us is wrapped, and killed in any way at random moments. `KILL_SEED`
/// replays, `KILL_ROUNDS` sets how often.
@Suite("A job that speaks no protocol", .onStage)
struct WatchTests {
    enum Writing: String, CaseIterable { case rename, plain }

    private enum Victim: CaseIterable { case job, supervisor, both }

    private static let firstSeed = number("KILL_SEED") ?? UInt64.random(in: 0..<1_000_000_000)
    private static let seeds = (0..<(number("KILL_ROUNDS") ?? 4)).map { firstSeed + $0 }

    private static func number(_ name: String) -> UInt64? {
        environmentVariable(name).flatMap { UInt64($0) }
    }

    private static let options = [
        "--watch", "out/ckpt-*.pt", "--resume-args", "--resume '{checkpoint}'",
        "--max-failures", "1000",
    ]

    private func start(_ place: Place, _ arguments: [String], _ options: [String]) throws -> Program
    {
        try place.directory.write("job.py", UnawareJob.script)
        return try place.supervise(options, ["python3", "job.py"] + arguments)
    }

    @Test(
        "kill as you like: the result is that of a run that nobody disturbed",
        arguments: Writing.allCases, seeds)
    func killed(writing: Writing, seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let place = try Place()
        let arguments = ["--how", writing.rawValue, "--total", "400"]
        var supervisor = try start(place, arguments, Self.options)
        for _ in 0..<12 {
            let moment = Duration.milliseconds(Int64.random(in: 0..<700, using: &numbers))
            let victim = Victim.allCases.randomElement(using: &numbers) ?? .job
            if try supervisor.passes(moment) { break }
            try kill(victim, place, supervisor)
            if victim != .job {
                let end = try supervisor.waitForEnd()
                // It may have ended just before the signal.
                if end == .exited(0) { break }
                #expect(end == .signaled(9))
                supervisor = try start(place, arguments, Self.options)
            }
        }
        let ending = try supervisor.waitForEnd()
        guard ending == .exited(0) else {
            throw supervisor.failure("it has \(ending); KILL_SEED=\(seed) KILL_ROUNDS=1")
        }
        let result = try place.directory.read("result")
        #expect(result == UnawareJob.result(steps: 400), "replay with KILL_SEED=\(seed)")
        #expect(!pathExists("\(place.path)/garbage"), "it was given a half written file")
        for id in place.checkpoints { #expect(try place.isWhole(id)) }
        #expect(place.names(in: "set-aside").isEmpty)
    }

    private func kill(_ victim: Victim, _ place: Place, _ supervisor: Program) throws {
        let path = "/proc/\(supervisor.pid)/task/\(supervisor.pid)/children"
        if victim == .both { try supervisor.signal(9) }
        for word in ((try? readSmallFile(path)) ?? "").split(separator: " ") {
            guard victim != .supervisor, let pid = Int32(word),
                let command = try? readSmallFile("/proc/\(pid)/cmdline"),
                command.contains("job.py"), !command.contains("--watch")
            else { continue }
            _ = try? ProcessHandle(opening: pid).signal(9)
        }
        if victim == .supervisor { try supervisor.signal(9) }
    }

    @Test("a file that the death of its writer closes is not taken, and that is said")
    func halfAFile() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("out")
        try place.directory.write(
            "half.sh",
            """
            test $SUPERVISE_ATTEMPT -gt 1 && exit 0
            exec python3 -c '
            import os, sys
            open("out/tmp", "w").write("whole"); os.rename("out/tmp", "out/ckpt-1.pt")
            f = open("out/ckpt-2.pt", "w"); f.write("half"); f.flush()
            os.kill(os.getpid(), 9)'
            """)
        let program = try place.supervise(Self.options, ["sh", "half.sh"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000001-step-1"])
        #expect(program.text(.errors).contains("out/ckpt-2.pt was closed when the job died"))
    }

    @Test("the signal asks for a checkpoint, for operators and at the end; SIGTERM comes after it")
    func requestSignal() throws {
        let place = try Place()
        let options = Self.options + ["--request-signal", "USR1", "--checkpoint-signal", "none"]
        let program = try start(place, ["--how", "plain", "--asked"], options)
        try program.line(starting: "ready")
        let call = ["--state-dir", place.state, "it"]
        let asked = try place.call(["checkpoint"] + call)
        #expect(try asked.waitForEnd() == .exited(0), "\(asked.text(.errors))")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        let reasons = try place.checkpoints.map { try place.manifest($0).reason }
        #expect(reasons == [.manual, .shutdown])
        let requests = try place.status().requests
        #expect(requests.made == 2 && requests.committed == 2)
    }

    @Test("a job without a handler for the signal is not ended by it, and who asks is told")
    func noHandler() throws {
        let place = try Place()
        let program = try place.supervise(
            Self.options + ["--request-signal", "USR1"], ["sh", "-c", "echo up; exec sleep 1000"])
        try program.line(starting: "up")
        try waitForChange(in: place.file("")) { try place.status().jobPID != nil }
        let asked = try place.call(["checkpoint", "--state-dir", place.state, "it"])
        #expect(try asked.waitForEnd() != .exited(0))
        #expect(asked.text(.errors).contains("no handler for SIGUSR1"))
        #expect(try place.status().attempt == 1)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("what a job writes when it gets SIGTERM is its final checkpoint")
    func savesAtSigterm() throws {
        let place = try Place()
        let line =
            "trap 'mkdir out; echo state > out/ckpt-7.pt; exit 143' TERM; echo up; "
            + "while :; do sleep 0.1; done"
        let program = try place.supervise(Self.options, ["sh", "-c", line])
        try program.line(starting: "up")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == ["000001-step-7"])
    }

    @Test("the arguments come after the command where there is a checkpoint; a resume knows them")
    func resumeArguments() throws {
        let place = try Place()
        let options = [
            "--watch", "out/*.pt", "--watch", "other/*", "--watch-mode", "copy",
            "--resume-args", "--from '{checkpoint}' {id}:{step}",
        ]
        try place.directory.write(
            "job.sh",
            "echo \"$#\" \"$@\"; mkdir -p other; echo x > other/a-4.x; mv other/a-4.x other/b-5; "
                + "test $# -gt 1 || kill -9 $$; trap 'exit 0' TERM; sleep 1000 & wait")
        let program = try place.supervise(options, ["sh", "job.sh", "own words"])
        try program.line(starting: "1 own words")
        let path = place.file("checkpoints/000001-step-5/data/b-5")
        try program.line(starting: "4 own words --from \(path) 000001-step-5:5")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        let again = try place.call(["resume", "--state-dir", place.state, "it"])
        try again.line(starting: "4 own words --from")
        try again.signal(15)
        try again.waitForEnd()
    }

    @Test("a directory is taken when it has been quiet, and given back as one")
    func directory() throws {
        let place = try Place()
        let line =
            "test -n \"$1\" && { cat $1/a/x; exit 0; }; mkdir -p out/step-3/a; "
            + "echo state > out/step-3/a/x; exec sleep 1000"
        let options = ["--watch", "out/step-*", "--resume-args", "{checkpoint}"]
        let program = try place.supervise(options, ["sh", "-c", line, "job"])
        try waitForChange(in: place.path) { pathExists(place.state) }
        try waitForChange(in: place.state) { pathExists(place.file("")) }
        try waitForChange(in: place.file("")) { !place.checkpoints.isEmpty }
        try ProcessHandle(opening: Int32(try #require(try place.status().jobPID))).signal(9)
        try program.line(starting: "state")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints.first == "000001-step-3")
    }

    @Test("nobody wakes up while nothing is written")
    func quiet() throws {
        let place = try Place()
        let line = "mkdir out; echo 1 > out/ckpt-1.pt; echo up; exec sleep 1000"
        let program = try place.supervise(Self.options, ["sh", "-c", line])
        try program.line(starting: "up")
        try waitForChange(in: place.file("")) { try place.status().checkpoints == 1 }
        #expect(try !program.passes(.milliseconds(1_500)))
        let before = try wakeUps(of: program.pid)
        #expect(try !program.passes(.seconds(3)))
        #expect(try wakeUps(of: program.pid) == before)
        try program.signal(15)
        try program.waitForEnd()
    }

    private func wakeUps(of pid: Int32) throws -> [String] {
        try Disk().list("/proc/\(pid)/task").map { thread in
            let text = try readSmallFile("/proc/\(pid)/task/\(thread.name)/status")
            let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary") }
            return "\(thread.name) \(line ?? "")"
        }
    }

    @Test(
        "more directories than may be watched are told once, and the job goes on",
        .enabled(if: userId() == 0, "only root makes a user namespace everywhere"))
    func limit() throws {
        let place = try Place()
        let job = """
            for n in 1 2 3 4 5 6; do mkdir -p out/$n; done; echo made; read x
            echo state > out/1/part; mv out/1/part out/1/state-1; echo moved; read x
            """
        // Of our own, as the limit is that of a user namespace.
        let namespace = [
            "unshare", "--user", "--map-root-user", "sh", "-c",
            "echo 4 > /proc/sys/user/max_inotify_watches && exec \"$@\"", "sh",
        ]
        let program = try place.start(
            namespace + [place.binary]
                + place.arguments(["--watch", "out/*/state-*", "--watch", "./*.pt"])
                + ["sh", "-c", job], hasInput: true)
        try program.line(starting: "made")
        try program.errorLine(with: "raise fs.inotify.max_user_watches, or let the pattern fit")
        try program.say("go")
        try program.line(starting: "moved")
        try waitForChange(in: "\(place.state)/it") { try place.status().checkpoint != nil }
        try program.say("go")
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.text(.errors).ranges(of: "cannot be watched").count == 1)
    }
}

/// A program that saves into `out/` and goes on from what `--resume` names, and knows no more.
private enum UnawareJob {
    static let script = """
        import json, os, signal, sys, time
        resume, how, total, asked = None, "rename", 400, False
        words = sys.argv[1:]
        while words:
            word = words.pop(0)
            if word == "--resume": resume = words.pop(0)
            elif word == "--how": how = words.pop(0)
            elif word == "--total": total = int(words.pop(0))
            elif word == "--asked": asked = True
        step, value = 0, 1
        if resume:
            text = open(resume).read()
            if not text.endswith("end"):
                open("garbage", "w").write(resume)
                sys.exit(9)
            step, value = json.loads(text.split("\\n")[0])
        os.makedirs("out", exist_ok=True)
        def save():
            name = "out/ckpt-%06d.pt" % step
            place = name + ".tmp" if how == "rename" else name
            with open(place, "w") as file:
                file.write(json.dumps([step, value]) + "\\n")
                for _ in range(10):
                    file.write("x" * 10000)
                    file.flush()
                    time.sleep(0.001)
                file.write("end")
            if how == "rename": os.rename(place, name)
        wanted = []
        if asked:
            signal.signal(signal.SIGUSR1, lambda *_: wanted.append(1))
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            total = 1 << 60
            print("ready", flush=True)
        while step < total:
            step += 1
            value = (value * 6364136223846793005 + step) % (1 << 61)
            time.sleep(0.003)
            if wanted.pop() if wanted else not asked and step % 10 == 0: save()
        open("result", "w").write("%d %d" % (step, value))

        """

    static func result(steps: UInt64) -> String {
        var value: UInt64 = 1
        for step in 1...steps {
            value = (value &* 6_364_136_223_846_793_005 &+ step) & ((1 << 61) - 1)
        }
        return "\(steps) \(value)"
    }
}
