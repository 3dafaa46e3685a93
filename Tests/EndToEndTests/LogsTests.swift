import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("supervise logs", .onStage)
struct LogsTests {
    private func logs(_ place: Place, _ more: [String] = []) throws -> Program {
        try place.call(["logs", Place.name, "--state-dir", place.state] + more)
    }

    @Test("shows the newest attempt, or the one that is asked for, as it was")
    func attempts() throws {
        let place = try Place()
        let job = "printf \"attempt $SUPERVISE_ATTEMPT\\377\\n\"; exit 1"
        let run = try place.supervise(["--capture", "--max-failures", "3"], ["sh", "-c", job])
        #expect(try run.waitForEnd() == .exited(1))
        for (options, number) in [([], 3), (["--attempt", "1"], 1), (["--follow"], 3)] {
            let program = try logs(place, options)
            #expect(try program.waitForEnd() == .exited(0))
            let expected = Array("attempt \(number)".utf8) + [0xFF, 0x0A]
            #expect(program.bytes(.output) == expected && program.text(.errors).isEmpty)
        }
        let missing = try logs(place, ["--attempt", "7"])
        #expect(try missing.waitForEnd() == .exited(1))
        #expect(missing.text(.errors).contains("there is something of 1 to 3"))
    }

    @Test("says where nothing is kept")
    func nothing() throws {
        let place = try Place()
        #expect(try place.supervise([], ["true"]).waitForEnd() == .exited(0))
        let program = try logs(place)
        #expect(try program.waitForEnd() == .exited(1))
        #expect(program.text(.errors).contains("is not kept; start it with --capture"))
    }

    @Test("follows a run across files and attempts, and ends with it")
    func following() throws {
        let place = try Place()
        let run = try place.puppet(["--capture", "--capture-max", "64KiB", "--max-failures", "9"])
        let follower = try logs(place, ["--follow"])
        try follower.line(starting: "ready 1 ")
        // More than a file holds, in pieces that the follower has seen before the next comes.
        for round in 1...6 {
            try run.say("run head -c 40000 /dev/zero | tr '\\0' x; echo; echo round \(round)")
            try follower.line(starting: "round \(round)")
        }
        #expect(place.names(in: "output").count > 2)
        try run.say("exit 1")
        try run.nextAttempt(2)
        try follower.line(starting: "ready 2 ")
        let second = try logs(place, ["--follow", "--attempt", "2"])
        try second.line(starting: "ready 2 ")
        let old = try logs(place, ["--follow", "--attempt", "1"])
        #expect(try old.waitForEnd() == .exited(0))
        try run.say("exit 0")
        #expect(try run.waitForEnd() == .exited(0))
        #expect(try follower.waitForEnd() == .exited(0))
        #expect(try second.waitForEnd() == .exited(0))
        #expect(follower.text(.output).filter { $0 == "x" }.count == 240_000)
        #expect(follower.text(.errors).isEmpty)
    }

    @Test("ends when the supervisor was killed, and when nobody reads any more")
    func ends() throws {
        let place = try Place()
        let run = try place.puppet(["--capture"])
        let follower = try logs(place, ["--follow"])
        try follower.line(starting: "ready 1 ")
        let piped = try place.start(
            [
                "sh", "-c", "exec 3>&2; { \"$@\" 2>&3 3>&-; echo status $? >&3; } | head -n 1",
                "sh",
                place.binary, "logs", Place.name, "--state-dir", place.state, "--follow",
            ])
        #expect(try piped.errorLine(with: "status ").hasSuffix("status 0"))
        #expect(try piped.waitForEnd() == .exited(0))
        try run.signal(SIGKILL)
        #expect(try follower.waitForEnd() == .exited(0))
    }
}
