import SuperviseSystem
import TestSupport
import Testing

/// Calls that cannot be carried out: one line on standard error, the exit status of the table, and
/// nothing is made or changed.
@Suite("Bad calls", .onStage)
struct BadCallTests {
    struct Call: CustomTestStringConvertible, Sendable {
        var arguments: [String]
        /// What the one line must have in it.
        var says: [String]

        init(_ arguments: String..., says: String...) {
            self.arguments = arguments
            self.says = says
        }

        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let calls = [
        Call("--keep-lst", "3", "--", "true", says: "--keep-lst", "did you mean --keep-last?"),
        Call("--zzz", "--", "true", says: "unknown option --zzz"),
        Call("--checkpoint-every", "5x", "--", "true", says: "--checkpoint-every", "5x"),
        Call("--checkpoint-every", "-1s", "--", "true", says: "--checkpoint-every", "-1s"),
        Call("--stop-timeout", "10", "--", "true", says: "--stop-timeout", "10"),
        Call("--stop-timeout", "9999999999999d", "--", "true", says: "--stop-timeout"),
        Call("--checkpoint-timeout", "--", "true", says: "--checkpoint-timeout", "value"),
        Call("--backoff", "5s..1s", "--", "true", says: "--backoff", "5s..1s"),
        Call("--keep-last", "0", "--", "true", says: "--keep-last", "0"),
        Call("--max-failures", "many", "--", "true", says: "--max-failures", "many"),
        Call("--name", "a/b", "--", "true", says: "--name", "a/b"),
        Call("--name", "", "--", "true", says: "--name"),
        Call("--resume-from", "newest", "--", "true", says: "--resume-from", "newest"),
        Call("--when-completed", "never", "--", "true", says: "--when-completed", "never"),
        Call("--checkpoint-signal", "SIGKILL", "--", "true", says: "--checkpoint-signal"),
        Call("--config", "no/such/file", "--", "true", says: "no/such/file"),
        Call("--", says: "no command"),
        Call("--keep-last", "3", says: "no command"),
        Call(says: "no command"),
        Call("python3", "train.py", says: "there is no command python3", "stands behind --"),
        Call("run", "--fresh", "train", says: "there is no command train"),
        Call("sh", "r", says: "put -- before the command: supervise -- sh r"),
        Call("rm", "r", says: "there is no command rm: there is none that removes a run"),
        Call("run", "rm", "r", says: "there is no command rm"),
        Call("--max-bytes", "5000000000", "--", "true", says: "--max-bytes", "its unit", "10MB"),
        Call("statsu", says: "did you mean status?"),
    ]

    @Test("is told in one line, and nothing is made", arguments: calls)
    func refused(call: Call) throws {
        let place = try Place()
        let before = try place.fingerprint(of: place.path)
        let program = try place.call(call.arguments)
        #expect(try program.waitForEnd() == .exited(125))
        let lines = program.lines(.errors)
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.hasPrefix("supervise: "))
        for part in call.says { #expect(line.contains(part)) }
        #expect(program.text(.output).isEmpty)
        #expect(try place.fingerprint(of: place.path) == before)
    }

    @Test(
        "a configuration file that cannot be used is told in one line that names it",
        arguments: ["{", "[]", "{\"keep-lst\": 3}", "{\"keep-last\": \"many\"}"])
    func badConfiguration(text: String) throws {
        let place = try Place()
        let path = try place.directory.write("config.json", text)
        let program = try place.supervise(["--config", path], ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains(path))
    }

    @Test("a bad variable of the environment is told by its name")
    func badVariable() throws {
        let place = try Place()
        let program = try place.supervise(
            [], ["true"], environment: ["SUPERVISE_KEEP_LAST": "few"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("SUPERVISE_KEEP_LAST"))
    }

    @Test("a socket's path that would be too long is told before anything is made")
    func longSocketPath() throws {
        let place = try Place()
        let long = try place.directory.makeDirectory(String(repeating: "l", count: 90))
        let program = try place.supervise([], ["true"], environment: ["XDG_RUNTIME_DIR": long])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("XDG_RUNTIME_DIR"))
        #expect(place.names(in: "checkpoints").isEmpty)
    }

    @Test("a state directory that cannot be made is told in one line")
    func noPlaceForState() throws {
        let place = try Place()
        // Not even root makes a directory there.
        let program = try place.call(["--state-dir", "/sys/supervise", "--", "true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("/sys/supervise"))
    }

    @Test("a state directory that is a file is told in one line")
    func stateIsFile() throws {
        let place = try Place()
        try place.directory.write("state", "mine")
        let program = try place.supervise([], ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(try place.directory.read("state") == "mine")
    }
}
