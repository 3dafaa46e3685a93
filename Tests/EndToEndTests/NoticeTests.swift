import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Both ends of sd_notify: jobs that speak nothing else, and what a service manager hears.
@Suite("Notices", .onStage)
struct NoticeTests {
    /// As programs do that know nothing of us.
    private static let sdNotify = """
        import os, socket, sys, time
        def notify(text):
            address = os.environ["NOTIFY_SOCKET"]
            address = "\\0" + address[1:] if address[0] == "@" else address
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(text.encode(), address)
        print("watchdog", os.environ.get("WATCHDOG_USEC"), flush=True)
        """

    private func job(_ body: String) -> [String] { ["python3", "-c", "\(Self.sdNotify)\n\(body)"] }

    @Test("a job that speaks only sd_notify is shown with what it does")
    func status() throws {
        let place = try Place()
        let program = try place.supervise(
            [], job("notify('READY=1\\nSTATUS=warming up')\nsys.stdin.read()"), hasInput: true)
        try program.line(starting: "watchdog None")
        try waitForChange(in: "\(place.state)/it") {
            try place.status().progress.message == "warming up"
        }
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.names(in: "../../r/supervise").isEmpty)
    }

    @Test("its WATCHDOG=1 are signs of life, and without them it hangs")
    func watchdog() throws {
        let place = try Place()
        let limit = patience / 30
        let program = try place.supervise(
            ["--heartbeat-timeout", DurationText.format(limit), "--max-failures", "1"],
            job(
                """
                usec = int(os.environ["WATCHDOG_USEC"])
                for _ in range(6):
                    time.sleep(usec / 2e6)
                    notify("WATCHDOG=1")
                print("silent now", flush=True)
                time.sleep(1000)
                """))
        try program.line(starting: "watchdog \(Int64(limit.seconds * 1_000_000))")
        // Three times the limit have passed by then.
        try program.line(starting: "silent now")
        try program.errorLine(with: "the job has given no sign of life")
        #expect(try program.waitForEnd() == .exited(137))
        let hung = try place.events().compactMap {
            if case .hung(let hung) = $0 { hung } else { nil }
        }
        #expect(hung.first.map { $0.cause == .heartbeat && !$0.never } == true)
    }

    @Test(
        "what another user says is not heard", .enabled(if: userId() == 0, "only root can do that"))
    func stranger() throws {
        let place = try Place()
        let program = try place.supervise(
            [],
            job(
                """
                path = os.environ["NOTIFY_SOCKET"]
                os.chmod(path, 0o777)
                for _ in range(4):
                    path = os.path.dirname(path)
                    os.chmod(path, 0o755)
                if os.fork() == 0:
                    os.setuid(65534)
                    notify("STATUS=a stranger")
                    os._exit(0)
                assert os.wait()[1] == 0
                print("said", flush=True)
                sys.stdin.readline()
                notify("STATUS=a friend")
                print("said too", flush=True)
                sys.stdin.read()
                """), hasInput: true)
        try program.line(starting: "said")
        #expect(try place.statusOverSocket().progress.message == nil)
        try program.say("")
        try program.line(starting: "said too")
        #expect(try place.statusOverSocket().progress.message == "a friend")
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("garbage changes nothing")
    func garbage() throws {
        let place = try Place()
        let program = try place.supervise(
            ["--heartbeat-timeout", "1h"],
            job(
                """
                import random
                chance = random.Random(1)
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.connect(os.environ["NOTIFY_SOCKET"])
                for size in [0, 1, 4096, 4097, 60000] + [chance.randrange(4000) for _ in range(500)]:
                    s.send(chance.randbytes(size))
                notify("STATUS=all said")
                sys.stdin.read()
                """), hasInput: true)
        try program.line(starting: "watchdog")
        try waitForChange(in: "\(place.state)/it") {
            let message = try place.status().progress.message
            #expect(message == nil || message == "all said")
            return message == "all said"
        }
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a socket for notices that was removed is there again")
    func removed() throws {
        let place = try Place()
        let program = try place.supervise(
            [],
            job(
                """
                path = os.environ["NOTIFY_SOCKET"]
                os.unlink(path)
                while not os.path.exists(path):
                    time.sleep(0.01)
                while True:
                    try:
                        notify("STATUS=found")
                        break
                    except ConnectionRefusedError:
                        pass
                sys.stdin.read()
                """), hasInput: true)
        try program.line(starting: "watchdog")
        try waitForChange(in: "\(place.state)/it") {
            try place.status().progress.message == "found"
        }
        program.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("a service manager hears all there is, from ready to the end, and the job not of it")
    func manager() throws {
        let place = try Place()
        let manager = try NoticeSocket(path: "\(place.path)/manager")
        let environment = ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "40000000"]
        let program = try place.puppet(environment: environment)
        try program.hello()
        let job = try #require(try place.status().jobPID)
        #expect(
            try !readSmallFile("/proc/\(job)/environ")
                .contains(manager.path))
        let before = try heard(manager)
        #expect(before.contains("READY=1"))
        #expect(before.last { $0.hasPrefix("STATUS=") } == "STATUS=running, attempt 1")
        try program.signal(15)
        _ = try program.request()
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        let stopping = try heard(manager)
        #expect(stopping.contains("STOPPING=1"))
        // As long as the checkpoint and the end may take.
        #expect(stopping.contains("EXTEND_TIMEOUT_USEC=73000000"))
        #expect(stopping.last == "STATUS=stopped, attempt 1")
    }

    @Test("a manager that watches hears signs of life, and an idle supervisor sleeps without one")
    func signs() throws {
        let place = try Place()
        let manager = try NoticeSocket(path: "\(place.path)/manager")
        let loop = try EventLoop()
        var signs = 0
        let watch = try loop.watch(manager.descriptor, for: .read) { _ in
            while let datagram = try? manager.receive() {
                signs += datagram.bytes == Array("WATCHDOG=1".utf8) ? 1 : 0
            }
            if signs >= 5 { loop.stop() }
        }
        let limit = try TimerSource(on: loop) { loop.stop() }
        limit.set(MonotonicTime.now() + patience)
        let program = try place.puppet(
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
        try loop.run()
        #expect(signs >= 5)
        loop.cancel(watch)
        withExtendedLifetime(program) {}
    }

    @Test("a run that has completed is ready, and over, for whoever waits for it")
    func completed() throws {
        let place = try Place()
        #expect(try place.supervise([], ["true"]).waitForEnd() == .exited(0))
        let manager = try NoticeSocket(path: "\(place.path)/manager")
        let again = try place.supervise(
            ["--when-completed", "exit"], ["true"], environment: ["NOTIFY_SOCKET": manager.path])
        #expect(try again.waitForEnd() == .exited(0))
        #expect(try heard(manager).first == "READY=1")
    }

    @Test("a manager is told why there is no supervisor, in the words that stand on standard error")
    func refused() throws {
        let place = try Place()
        let manager = try NoticeSocket(path: "\(place.path)/manager")
        let refused = try place.call(
            ["--state-dir", "/dev/null/state", "--", "true"],
            environment: ["NOTIFY_SOCKET": manager.path])
        #expect(try refused.waitForEnd() == .exited(125))
        let line = try #require(refused.lines(.errors).first)
        #expect(try heard(manager) == ["STATUS=\(line.dropFirst("supervise: ".count))"])
    }

    @Test("a manager that cannot be reached stops nothing, and is told of only where all is told")
    func unreachable() throws {
        let place = try Place()
        let gone = ["NOTIFY_SOCKET": "\(place.path)/none"]
        let quiet = try place.supervise([], ["true"], environment: gone)
        #expect(try quiet.waitForEnd() == .exited(0))
        #expect(!quiet.text(.errors).contains("service manager"))
        let told = try place.supervise(["--verbose"], ["true"], environment: gone)
        #expect(try told.waitForEnd() == .exited(0))
        let lines = told.lines(.errors).filter { $0.contains("service manager cannot be told") }
        #expect(lines.count == 1)
    }

    /// The assignments that have come so far.
    private func heard(_ manager: NoticeSocket) throws -> [String] {
        var lines: [String] = []
        while let datagram = try manager.receive() {
            lines += String(decoding: datagram.bytes, as: UTF8.self).split(separator: "\n")
                .map(String.init)
        }
        return lines
    }
}
