import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// `supervise events` of a run in which a great deal has happened.
@Suite("Many events", .onStage)
struct EventsCommandTests {
    private let place: Place

    /// Four files with 120,000 events of 300 bytes in all.
    init() throws {
        place = try Place()
        try place.stoppedRun(saving: [1])
        let script = """
            import sys
            base = sys.argv[1] + "/events.jsonl"
            number = 0
            for name in (base + ".3", base + ".2", base + ".1"):
                with open(name, "w") as file:
                    for _ in range(40000):
                        number += 1
                        text = "number %d " % number + "x" * 220
                        file.write('{"at":"2026-11-21T05:04:01.000Z","event":"warning",'
                                   '"message":"%s"}\\n' % text)
            """
        let program = try place.start(["python3", "-c", script, place.file("")])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("no events") }
    }

    private let call = ["events", "it"]

    @Test("are printed in order and to the last, in little memory", arguments: [[], ["--json"]])
    func memory(options: [String]) throws {
        let script = """
            import resource, subprocess, sys
            child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
            lines = last = 0
            for line in child.stdout:
                lines += 1
                if b"number " in line:
                    number = int(line.split(b"number ")[1].split()[0])
                    assert number == last + 1
                    last = number
            assert child.wait() == 0
            print(last, lines > last, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
            """
        let words = [place.binary] + call + options + ["--state-dir", place.state]
        let program = try place.start(["python3", "-c", script] + words)
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        let answer = program.text(.output).split(whereSeparator: \.isWhitespace)
        #expect(answer.prefix(2) == ["120000", "True"], "\(answer)")
        // 36 MB of events.
        let kilobytes = try #require(answer.last.flatMap { Int($0) })
        #expect(kilobytes < 64_000, "\(kilobytes) kB")
    }

    @Test(
        "end without a word when nobody reads them any more, as behind head",
        arguments: [["events", "it"], ["events", "it", "--json"]])
    func head(words: [String]) throws {
        let script = """
            import signal, subprocess, sys
            # As under a service manager: EPIPE, and no signal.
            child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
            child.stdout.readline()
            child.stdout.close()
            errors = child.stderr.read()
            print(child.wait(), errors)
            """
        let call = [place.binary] + words + ["--state-dir", place.state]
        let program = try place.start(["python3", "-c", script] + call)
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.lines(.output) == ["-13 b''"])
    }
}
