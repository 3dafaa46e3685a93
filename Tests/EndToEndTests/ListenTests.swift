import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Descriptors that our starter, or a service manager, has left open for the job.
@Suite("Descriptors for the job", .onStage)
struct ListenTests {
    private static let job = """
        echo "$LISTEN_FDS $LISTEN_FDNAMES $((LISTEN_PID == $$))"
        for n in 3 4 5; do [ -e /proc/self/fd/$n ] && readlink /proc/self/fd/$n; done
        [ $SUPERVISE_ATTEMPT -gt 1 ]
        """

    /// Called as a service manager does, with two sockets and one more descriptor.
    private func run(_ options: [String], pid: String = "$$") throws -> (Place, Program) {
        let place = try Place()
        for name in ["a", "b", "c"] { _ = try place.directory.write(name, "") }
        let line =
            "LISTEN_PID=\(pid) LISTEN_FDS=2 LISTEN_FDNAMES=web:admin exec \"$@\" 3<a 4<b 5<c"
        let program = try place.start(
            ["sh", "-c", line, "sh", place.binary]
                + place.arguments(["--backoff", "0ms..0ms"] + options) + ["sh", "-c", Self.job])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        return (place, program)
    }

    @Test(
        "with --pass-listen each attempt gets the sockets, their names and its own pid in LISTEN_PID"
    )
    func passes() throws {
        let (place, program) = try run(["--pass-listen"])
        let once = ["2 web:admin 1", "\(place.path)/a", "\(place.path)/b", "\(place.path)/c"]
        #expect(program.lines(.output) == once + once)
    }

    @Test("without it the job gets neither sockets nor variables, but what else it inherits")
    func removes() throws {
        let (place, program) = try run([])
        let once = ["  0", "\(place.path)/c"]
        #expect(program.lines(.output) == once + once)
    }

    @Test("sockets that were meant for another process are none, and --pass-listen says so")
    func foreign() throws {
        let (place, program) = try run(["--pass-listen"], pid: "1")
        let once = ["  0", "\(place.path)/a", "\(place.path)/b", "\(place.path)/c"]
        #expect(program.lines(.output) == once + once)
        #expect(program.text(.errors).contains("no service manager has given us sockets"))
    }

    @Test("with --user the job's pid is in LISTEN_PID, too", .enabled(if: userId() == 0))
    func user() throws {
        let place = try Place()
        _ = try place.directory.write("a", "")
        let line =
            "chmod 755 . && LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<a"
        let program = try place.start(
            ["sh", "-c", line, "sh", place.binary]
                + place.arguments(["--user", "65534:65534", "--chdir", "/", "--pass-listen"])
                + ["sh", "-c", "echo $((LISTEN_PID == $$)) $(id -u)"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.lines(.output) == ["1 65534"])
    }

    @Test("what the job inherits is held over a restart, and closed when a stop is asked for")
    func closes() throws {
        let place = try Place()
        _ = try place.directory.write("a", "")
        let program = try place.start(
            ["sh", "-c", "exec \"$@\" 7<a", "sh", place.binary]
                + place.arguments(["--backoff", "0ms..0ms", "--checkpoint-timeout", "1h"])
                + [place.fixture, "puppet"], hasInput: true)
        try program.nextAttempt(1)
        try program.say("exit 3")
        let job = try program.nextAttempt(2)
        try program.hello()
        #expect(pathExists("/proc/\(program.pid)/fd/7") && pathExists("/proc/\(job)/fd/7"))
        try program.signal(15)
        _ = try program.request()
        try waitBriefly { !pathExists("/proc/\(program.pid)/fd/7") }
        #expect(pathExists("/proc/\(job)/fd/7"))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
    }
}
