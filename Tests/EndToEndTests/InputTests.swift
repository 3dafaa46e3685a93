import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Standard input of a job that is started again", .onStage)
struct InputTests {
    /// Writes what it reads, and fails the first time.
    private let job = ["sh", "-c", "cat; [ $SUPERVISE_ATTEMPT -gt 1 ]"]

    private func run(
        _ job: [String], _ options: [String] = [], line: String
    ) throws -> (Place, Program) {
        let place = try Place()
        _ = try place.directory.write("in", "one\ntwo\nthree\n")
        let program = try place.supervise(options, job, inLine: line)
        _ = try program.waitForEnd()
        return (place, program)
    }

    @Test(
        "a file is read again from where the first attempt began",
        arguments: [[], ["--capture"], ["--tty"]])
    func file(options: [String]) throws {
        // The shell has read a line before.
        let (_, program) = try run(
            job, options, line: "{ read line; \"$@\"; echo status $?; } < in")
        let lines = program.lines(.output).filter { !$0.hasPrefix("supervise:") }
        #expect(lines == ["two", "three", "two", "three", "status 0"])
        #expect(!program.text(.errors).contains("standard input"))
    }

    @Test("a job that finds its pipe used up does not complete the run, and reads what to do")
    func pipe() throws {
        let (place, program) = try run(job, line: "cat in | \"$@\"; echo status $?")
        #expect(program.lines(.output) == ["one", "two", "three", "status 1"])
        let errors = program.text(.errors)
        #expect(errors.ranges(of: "does not come again").count == 1)
        #expect(errors.contains("(input_used_up)"))
        #expect(errors.contains("supervise -- COMMAND < FILE"))
        let expected = Outcome(kind: .failed, exitCode: 0, reason: .inputUsedUp)
        #expect(try place.record().outcome == expected)
        let shown = try place.call(["status", "--state-dir", place.state, Place.name])
        #expect(try shown.waitForEnd() == .exited(0))
        #expect(shown.text(.output).hasPrefix("it  failed (input used up)  attempt 2"))
        #expect(try place.status().outcome == expected)
    }

    @Test("a pipe that never had a byte, a device and a closed input complete as ever")
    func nothingToRead() throws {
        for line in ["true | { sleep 0.1; \"$@\"; }", "\"$@\" < /dev/null", "\"$@\" <&-"] {
            let (place, program) = try run(job, line: line + "; echo status $?")
            #expect(program.lines(.output) == ["status 0"], "\(line)")
            #expect(!program.text(.errors).contains("standard input"), "\(line)")
            #expect(try place.status().outcome?.kind == .completed)
        }
    }

    @Test("what the job leaves unread, and a writer that lives, use nothing up")
    func leftOver() throws {
        let idle = ["sh", "-c", "[ $SUPERVISE_ATTEMPT -gt 1 ]"]
        let (_, unread) = try run(idle, line: "cat in | \"$@\"; echo status $?")
        #expect(unread.lines(.output) == ["status 0"])
        let part = ["sh", "-c", "read x; echo $x; [ $SUPERVISE_ATTEMPT -gt 1 ]"]
        let (_, open) = try run(
            part, line: "{ \"$@\"; echo status $? >&3; } < <(cat in; exec sleep 1000)")
        #expect(open.lines(.output) == ["one", "two"])
        #expect(open.text(.errors).contains("status 0"))
    }

    @Test("an attempt that went on from a checkpoint completes without its input")
    func resumed() throws {
        let job = """
            cat > /dev/null
            [ $SUPERVISE_ATTEMPT -gt 1 ] && exit 0
            echo state > s.part; mv s.part a.ckpt
            until ls state/it/checkpoints/0* > /dev/null 2>&1; do :; done; exit 1
            """
        let (_, program) = try run(
            ["sh", "-c", job], ["--watch", "*.ckpt"], line: "cat in | \"$@\"; echo status $?")
        #expect(program.lines(.output) == ["status 0"])
    }

    @Test("an operator's restart and one after a hang find the file again")
    func otherRestarts() throws {
        let place = try Place()
        _ = try place.directory.write("in", "one\n")
        let job = "cat; [ $SUPERVISE_ATTEMPT -gt 2 ] || exec sleep 1000"
        let program = try place.supervise(
            ["--heartbeat-timeout", "1s", "--max-failures", "9"], ["sh", "-c", job],
            redirected: "< in")
        for _ in 1...3 { try program.line(starting: "one") }
        #expect(try program.waitForEnd() == .exited(0))
        let again = try place.supervise(["--fresh"], ["sh", "-c", job], redirected: "< in")
        try again.line(starting: "one")
        try place.connect().send(line: #"{"type":"control","command":"restart"}"#)
        try again.line(starting: "one")
        try again.signal(SIGTERM)
        #expect(try again.waitForEnd() == .signaled(SIGTERM))
    }

    @Test("a run that is resumed reads the input of its new supervisor")
    func newSupervisor() throws {
        let place = try Place()
        let first = try place.supervise(
            ["--max-failures", "1"], ["sh", "-c", "cat; [ -e ok ]"],
            inLine: "echo old | \"$@\"; echo status $?")
        #expect(try first.waitForEnd() == .exited(0))
        #expect(first.lines(.output) == ["old", "status 1"])
        _ = try place.directory.write("ok", "")
        let second = try place.start(
            [
                "sh", "-c", "echo new | \"$@\"", "sh", place.binary, "resume", "--state-dir",
                place.state, Place.name,
            ])
        #expect(try second.waitForEnd() == .exited(0))
        #expect(second.lines(.output) == ["new"])
    }
}
