import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// In a PID namespace of its own, as in a container. Only root can make one.
@Suite("As PID 1", .onStage, .enabled(if: userId() == 0, "only root makes a PID namespace"))
struct FirstProcessTests {
    private func start(_ place: Place, _ command: [String]) throws -> Program {
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        let call = [place.binary] + place.arguments(["--max-failures", "1"]) + command
        return try place.start(namespace + call, hasInput: true)
    }

    @Test(
        "it cannot die by a signal, and exits with the number that a shell would show",
        arguments: ["SIGTERM", "SIGINT"])
    func number(name: String) throws {
        let place = try Place()
        let number = try #require(signalNumber(name))
        let program = try start(place, [place.fixture, "puppet"])
        try program.line(starting: "ready 1 ")
        try program.say("run kill -\(number) 1")
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(128 + number))
        #expect(try place.status().supervisorPID == 1)
    }

    @Test("it reaps every orphan while the job runs")
    func orphans() throws {
        let place = try Place()
        let program = try start(place, [place.fixture, "puppet"])
        try program.line(starting: "ready 1 ")
        let many = "for i in $(seq 50); do (sh -c 'exit 7' &); done"
        // No zombie is left; the puppet reaps its own.
        let look = "while grep -qs '^State:.Z' /proc/[0-9]*/status; do :; done; echo none left"
        try program.say("run \(many); \(look)")
        try program.line(starting: "none left")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("between two attempts nothing is left")
    func betweenAttempts() throws {
        let place = try Place()
        let orphan = try place.directory.write(
            "orphan", "trap '' TERM\necho up > fifo\nwhile :; do sleep 1000; done\n")
        // In a file, as our own command line would be found, too.
        let job = try place.directory.write(
            "job",
            """
            look() { grep -qs "[o]rphan" /proc/[0-9]*/cmdline && echo somebody || echo nobody; }
            if [ $SUPERVISE_ATTEMPT = 1 ]; then mkfifo fifo; (setsid sh \(orphan) &); read up < fifo; fi
            look
            exit $((SUPERVISE_ATTEMPT % 2))
            """)
        let namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        let options = place.arguments(["--backoff", "0ms..0ms"])
        let program = try place.start(
            namespace + [place.binary] + options + ["sh", job])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == ["somebody", "nobody"])
    }

    @Test("a /proc of another namespace is told of and not believed")
    func foreignProc() throws {
        let place = try Place()
        let namespace = ["unshare", "--pid", "--fork", "--kill-child"]
        let options = place.arguments(["--backoff", "0ms..0ms", "--stop-timeout", "1h"])
        let job = "test $SUPERVISE_ATTEMPT = 2"
        let program = try place.start(
            namespace + [place.binary] + options + ["sh", "-c", job])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.errors).filter { $0.contains("/proc does not show") }.count == 1)
        #expect(!program.text(.errors).contains("does not end"))
    }

    @Test("what an attempt left is waited for, also where /proc shows nobody")
    func foreignOrphan() throws {
        let place = try Place()
        let job = """
            if [ $SUPERVISE_ATTEMPT = 2 ]; then echo second; exit 0; fi
            mkfifo hold up
            (setsid sh -c 'echo up > up; read x < hold; echo orphan ends' &)
            read up < up; exit 1
            """
        let namespace = ["unshare", "--pid", "--fork", "--kill-child"]
        let options = place.arguments(["--backoff", "0ms..0ms"])
        let program = try place.start(namespace + [place.binary] + options + ["sh", "-c", job])
        try program.errorLine(with: "whether something of the job is left cannot be told now")
        #expect(!program.text(.output).contains("second"))
        let free = try place.start(["sh", "-c", "echo > hold"])
        #expect(try free.waitForEnd() == .exited(0))
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == ["orphan ends", "second"])
    }

    @Test("statuses of the job are handed on, and its orphans end with it")
    func statuses() throws {
        let place = try Place()
        let orphan = "(setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' &); exit 7"
        let program = try start(place, ["sh", "-c", orphan])
        #expect(try program.waitForEnd() == .exited(7))
    }
}
