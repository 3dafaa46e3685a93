import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A stop in the first moments of a start, whatever the start waits for.
@Suite("A stop before the job is started", .onStage)
struct EarlySignalTests {
    private static let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]

    /// A user that nobody else is, with so many processes at most.
    private func limited(_ place: Place, processes: Int, _ more: [String] = []) throws -> [String] {
        let user = 2_100_000_000 + Int.random(in: 0..<40_000_000)
        try place.shell(
            "chmod 711 . && install -m 755 '\(place.binary)' . && install -d -o \(user) s")
        return ["setpriv", "--reuid=\(user)", "--regid=65533", "--clear-groups"]
            + ["prlimit", "--nproc=\(processes)", "./supervise", "--state-dir", "\(place.path)/s"]
            + ["--name", "it"] + more + ["--", "sh", "-c", "echo ran"]
    }

    private func sentence(_ signal: String) -> String {
        "supervise: stopped by \(signal) before the job was started"
    }

    /// A configuration whose reader waits; returns when there is one.
    private func readConfiguration(
        _ place: Place, _ command: [String]
    ) throws -> (Program, Program) {
        try place.shell("mkfifo config")
        let options = place.arguments(["--config", "config"])
        let call = [place.binary] + options + ["sh", "-c", "echo ran"]
        let program = try place.start(command + call)
        let writer = try place.start(
            ["sh", "-c", "exec 3> config; echo open; read x"], hasInput: true)
        try writer.line(starting: "open")
        return (program, writer)
    }

    @Test(
        "ends it as PID 1 while it still reads its options",
        .enabled(if: userId() == 0, "only root makes a PID namespace"),
        arguments: [(SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")])
    func readingOptions(number: Int32, name: String) throws {
        let place = try Place()
        let (program, writer) = try readConfiguration(place, Self.namespace)
        let text = try readSmallFile("/proc/\(program.pid)/task/\(program.pid)/children")
        let child = try #require(text.split(separator: " ").first.flatMap { Int32($0) })
        #expect(kill(child, number) == 0)
        #expect(try program.waitForEnd() == .exited(128 + number))
        #expect(program.lines(.errors) == [sentence(name)])
        withExtendedLifetime(writer) {}
    }

    @Test("ends it by the signal elsewhere, and one that was ignored stays ignored")
    func notFirst() throws {
        let place = try Place()
        let ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
        let (program, writer) = try readConfiguration(place, ignoring)
        try program.signal(SIGHUP)
        #expect(!(try program.passes(.milliseconds(100))))
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
        #expect(program.lines(.errors) == [sentence("SIGTERM")])
        withExtendedLifetime(writer) {}
    }

    @Test(
        "ends it while it waits for a process that the machine refuses",
        .enabled(if: userId() == 0, "only root can be another user"), arguments: ["text", "json"])
    func shortage(format: String) throws {
        let place = try Place()
        let options = ["--log-format", format]
        let program = try place.start(try limited(place, processes: 1, options))
        try program.errorLine(with: "trying again for up to 30 s")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        let last = try #require(program.lines(.errors).last)
        #expect(last.contains("stopped by SIGTERM before the job was started"))
        #expect(format == "text" || last.hasPrefix("{"))
        #expect(try Disk().list("\(place.path)/s/.locks").map(\.name) == ["it"])
    }

    @Test(
        "ends a run that can have no thread and no job, with --watch too",
        .enabled(if: userId() == 0, "only root can be another user"),
        arguments: [[], ["--watch", "*.ckpt"]])
    func noThread(options: [String]) throws {
        let place = try Place()
        let program = try place.start(try limited(place, processes: 2, options))
        try program.errorLine(with: "no thread can be started")
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(!program.text(.output).contains("ran"))
    }

    @Test(
        "a signal that asks for a checkpoint in that time does not end it",
        .enabled(if: userId() == 0, "only root can be another user"),
        arguments: [SIGUSR1, SIGUSR2])
    func request(signal: Int32) throws {
        let place = try Place()
        let program = try place.start(try limited(place, processes: 1))
        try program.errorLine(with: "trying again for up to 30 s")
        try program.signal(signal)
        #expect(!(try program.passes(.milliseconds(200))))
        try program.signal(SIGTERM)
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
    }
}
