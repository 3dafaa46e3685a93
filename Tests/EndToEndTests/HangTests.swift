import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Real jobs that hang, each in its own way: what was found out about them, and that they are gone.
@Suite("A job that hangs, end to end", .onStage)
struct HangTests {
    /// Enough for a job to start in, also on a slow machine.
    private let limit = patience / 30

    private var heartbeat: [String] {
        ["--heartbeat-timeout", DurationText.format(limit), "--max-failures", "1"]
    }

    /// The end of a run whose job hung once, and was given up.
    private func hung(_ program: Program, in place: Place) throws -> (RunEvent.Hung, String) {
        #expect(try program.waitForEnd() == .exited(137))
        let hung = try place.events().compactMap {
            if case .hung(let hung) = $0 { hung } else { nil }
        }
        let failure = try #require(try place.status().lastFailure)
        #expect(failure.kind == .hang && failure.signal == "SIGKILL")
        #expect(failure.report == "output/hang-0001.txt" && place.names(in: "output").count == 1)
        #expect(program.text(.errors).contains("/state/it/output/hang-0001.txt)"))
        #expect(program.text(.errors).contains("the job hung, and was ended after"))
        let report = try Disk().readFile(place.file("output/hang-0001.txt"), limit: 1 << 20)
        return (try #require(hung.first), String(decoding: report, as: UTF8.self))
    }

    @Test("one that is silent from its start is looked at, killed and started again")
    func silent() throws {
        let place = try Place()
        let program = try place.puppet(["--heartbeat-timeout", DurationText.format(limit)])
        let first = try #require(try place.status().jobPID)
        try program.errorLine(with: "the job has given no sign of life in the ")
        let pid = try program.nextAttempt(2)
        #expect(pid != Int32(first))
        let report = try place.directory.read("state/it/output/hang-0001.txt")
        #expect(report.contains("process \(first), parent \(program.pid): \(place.fixture) puppet"))
        #expect(report.contains("thread \(first) FixtureJob: S, sleeping"))
        if geteuid() == 0 { #expect(report.contains("[<0>] ") && report.contains("epoll")) }
        #expect(try Disk().status(place.file("output/hang-0001.txt")).mode & 0o777 == 0o600)
    }

    @Test("one that gives signs of life and makes no step forward")
    func noProgress() throws {
        let place = try Place()
        let program = try place.puppet(
            ["--heartbeat-timeout", "1h", "--progress-timeout", DurationText.format(limit)]
                + ["--restart", "never"])
        try program.hello(accepts: false)
        try program.send(.progress(.init(step: 7)))
        let isHung = { program.text(.errors).contains("no step forward") }
        while !isHung(), try !program.passes(.milliseconds(50)) {
            try? program.send(.progress(.init(step: 7)))
            try? program.send(.heartbeat)
        }
        let (hung, _) = try hung(program, in: place)
        #expect(hung.cause == .progress && !hung.never)
        #expect(hung.silent >= limit.seconds && hung.silent < limit.seconds + 1)
    }

    @Test("one that somebody has stopped")
    func stopped() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat)
        try program.hello(accepts: false)
        let pid = Int32(try #require(try place.status().jobPID))
        kill(pid, SIGSTOP)
        let (hung, report) = try hung(program, in: place)
        #expect(hung.cause == .heartbeat && !hung.never)
        #expect(report.contains("thread \(pid) FixtureJob: T, stopped by a signal"))
        #expect(report.contains("the job has given no sign of life for"))
    }

    /// Who waits for a child of vfork is in the state in which others wait for a disk.
    @Test("one that sleeps in the kernel, where signals do not reach it")
    func uninterruptible() throws {
        let place = try Place()
        let script = """
            import ctypes
            library = ctypes.CDLL(None)
            if library.vfork() == 0:
                library.pause()
            """
        let program = try place.supervise(heartbeat, ["python3", "-c", script])
        let (hung, report) = try hung(program, in: place)
        #expect(hung.processes == 2)
        #expect(report.contains(": D, waiting for a disk or a driver"))
    }

    @Test("one that begins a checkpoint and comes to no end with it")
    func inCheckpoint() throws {
        let place = try Place()
        let program = try place.puppet(
            ["--progress-timeout", "1h", "--checkpoint-timeout", DurationText.format(limit)]
                + ["--max-failures", "1"])
        try program.hello(accepts: false)
        let began = try program.begin(step: 1)
        let isHung = { program.text(.errors).contains("begun a checkpoint, and written nothing") }
        while !isHung(), try !program.passes(.milliseconds(50)) {
            try? program.send(.heartbeat)
        }
        let (hung, _) = try hung(program, in: place)
        #expect(hung.cause == .checkpoint)
        // The first look saw the file that is there.
        #expect(hung.silent >= limit.seconds && place.checkpoints.isEmpty)
        #expect(!pathExists(began.path))
    }

    @Test("one with 20 threads and with descendants that have left it")
    func threads() throws {
        let place = try Place()
        let script = """
            import os, subprocess, threading, time
            subprocess.Popen(["setsid", "-f", "sleep", "1234"]).wait()
            for number in range(20):
                threading.Thread(target=time.sleep, args=(1000,)).start()
            """
        let program = try place.supervise(heartbeat, ["python3", "-c", script])
        let (hung, report) = try hung(program, in: place)
        #expect(hung.threads == 22 && hung.processes == 2)
        #expect(report.split(separator: "\n").count { $0.hasPrefix("  thread ") } == 22)
        #expect(report.contains("parent \(program.pid): sleep 1234"))
        #expect(report.contains("      the stack of thread ") == (geteuid() == 0))
    }

    @Test("the command of --on-hang is told the pid, and what it writes is kept")
    func onHang() throws {
        let place = try Place()
        let program = try place.puppet(
            heartbeat + [
                "--on-hang", "sh -c 'readlink /proc/{pid}/exe; env; echo oops >&2; exit 3'",
            ])
        let (hung, report) = try hung(program, in: place)
        #expect(report.contains(": ended with status 3 after "))
        #expect(report.contains("\n\(place.fixture)\n") && report.contains("\noops\n"))
        #expect(hung.text.contains("\noops\n"))
        // It is none of the job's: else it would be ended as a part of it.
        #expect(!report.contains("SUPERVISE_TOKEN"))
        #expect(program.text(.errors).contains("before it is killed, sh -c "))
    }

    @Test("a command of --on-hang that hangs itself is ended, and what it wrote is kept")
    func onHangHangs() throws {
        let place = try Place()
        let program = try place.puppet(
            heartbeat + ["--on-hang-timeout", "500ms"]
                + [
                    "--on-hang",
                    "sh -c 'echo $$ > \(place.path)/looker; echo begun; exec sleep 1000'",
                ])
        let (_, report) = try hung(program, in: place)
        #expect(
            report.contains(": had not ended after ") && report.hasSuffix("and was ended\nbegun\n"))
        let pid = try #require(Int32(try place.directory.read("looker").dropLast()))
        #expect(kill(pid, 0) == -1)
    }

    @Test("a command of --on-hang that is not there is told of at the start, and changes nothing")
    func onHangMissing() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat + ["--on-hang", "no-such-program-at-all {pid}"])
        #expect(
            program.text(.errors).contains("no-such-program-at-all of --on-hang is not in PATH"))
        let (_, report) = try hung(program, in: place)
        #expect(report.contains(": command not found\n"))
    }

    @Test("a command of --on-hang that floods us is ended, and the beginning is kept")
    func onHangFloods() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat + ["--on-hang", "yes", "--on-hang-timeout", "1h"])
        let (hung, report) = try hung(program, in: place)
        #expect(report.contains("yes: wrote more than 256 KiB, and was ended\ny\ny\n"))
        #expect(report.utf8.count < 300_000 && hung.text.utf8.count < 20_000)
    }

    @Test("while it is looked at the supervisor answers, and obeys a stop at once")
    func stopMeanwhile() throws {
        let place = try Place()
        let program = try place.puppet(
            heartbeat + ["--stop-timeout", "1h", "--checkpoint-timeout", "1h"]
                + ["--on-hang", "sh -c 'echo $$ > \(place.path)/looker; exec sleep 1000'"]
                + ["--on-hang-timeout", "1h"])
        try program.hello()
        try waitForChange(in: place.path) { try place.directory.read("looker").hasSuffix("\n") }
        #expect(try place.statusOverSocket().phase == .running)
        try program.signal(15)
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try place.status().outcome?.kind == .stopped)
        #expect(place.names(in: "output").isEmpty && !program.text(.output).contains("request"))
        let pid = try #require(Int32(try place.directory.read("looker").dropLast()))
        #expect(kill(pid, 0) == -1)
    }

    @Test("time in which it was stopped with us does not count")
    func stoppedWithUs() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat)
        try program.hello(accepts: false)
        try program.signal(20)
        try program.waitUntilStopped()
        #expect(try !program.passes(limit + .milliseconds(500)))
        try program.signal(18)
        try program.line(starting: "signal SIGCONT")
        try program.send(.heartbeat)
        // Had the time counted, this would be its end already.
        try program.silence(for: limit / 2)
        let (hung, _) = try hung(program, in: place)
        #expect(hung.silent < limit.seconds + 1)
    }

    @Test("a sign that has arrived counts, also where we come to read it after the time is over")
    func unread() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat)
        let start = MonotonicTime.now()
        try program.signal(SIGSTOP)
        // Its connection has not even been accepted when the time is over.
        try program.say("hello 1 ")
        // Not so late that we would know that we had been stopped.
        #expect(try !program.passes(limit + .milliseconds(300) - (MonotonicTime.now() - start)))
        try program.signal(SIGCONT)
        try program.line(starting: "1< {")
        #expect(try !program.passes(limit / 2))
        let (hung, _) = try hung(program, in: place)
        #expect(!hung.never && hung.silent < limit.seconds + 1)
    }

    @Test("a pause does not count")
    func paused() throws {
        let place = try Place()
        let program = try place.puppet(heartbeat)
        try program.hello(accepts: false)
        let peer = try place.connect()
        try peer.send(line: #"{"type":"control","command":"pause"}"#)
        #expect(try peer.readLine() == #"{"type":"ok"}"#)
        #expect(try !program.passes(limit + .milliseconds(500)))
        try peer.send(line: #"{"type":"control","command":"unpause"}"#)
        #expect(try peer.readLine() == #"{"type":"ok"}"#)
        try program.send(.heartbeat)
        #expect(try !program.passes(limit / 2))
        let (hung, _) = try hung(program, in: place)
        #expect(hung.silent < limit.seconds + 1)
    }

    /// There a clock that counts the time of a suspended machine shows something else than the one
    /// that stands still: nothing may compare one with the other.
    @Test(
        "time-outs go by the clock that stands still while the machine sleeps",
        .enabled(if: geteuid() == 0))
    func clocks() throws {
        let place = try Place()
        let words = ["unshare", "--time", "--fork", "--boottime", "100000000", place.binary]
        let program = try place.start(
            words + place.arguments(heartbeat) + ["sleep", "1000"])
        let (hung, _) = try hung(program, in: place)
        #expect(hung.silent >= limit.seconds && hung.silent < limit.seconds + 1)
    }
}
