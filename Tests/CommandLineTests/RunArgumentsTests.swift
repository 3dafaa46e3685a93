import SuperviseCore
import SuperviseFormats
import SuperviseHost
import Testing

@testable import supervise

@Suite("the arguments of run")
struct RunArgumentsTests {
    @Test("what stands behind -- is the command, whatever it looks like")
    func command() throws {
        let plain = try request(["--", "python3", "train.py", "--keep-last", "x", "--", "--help"])
        #expect(plain.command == ["python3", "train.py", "--keep-last", "x", "--", "--help"])
        #expect(plain.directory == "/work")
        #expect(try request(["run", "--", "status"]).command == ["status"])
    }

    @Test("the directory is the one that the shell names, where that leads here")
    func shellsDirectory() throws {
        var shell = place(["PWD": "/srv/current"])
        shell.isSameDirectory = { one, other in
            one.hasPrefix("/srv/current") && other == "/work" + one.dropFirst("/srv/current".count)
        }
        let plain = try request(["--", "true"], shell)
        #expect(plain.directory == "/srv/current" && plain.otherDirectory == "/work")
        let below = try request(["--chdir", "a/./b", "--", "true"], shell)
        #expect(below.directory == "/srv/current/a/b" && below.otherDirectory == "/work/a/b")
        // A value that was given as a whole is unchanged.
        let whole = try request(["--chdir", "/work", "--", "true"], shell)
        #expect(whole.directory == "/work" && whole.otherDirectory == nil)
        // Other paths keep to the directory without links.
        #expect(try request(["--state-dir", "s", "--", "true"], shell).stateDirectory == "/work/s")
    }

    @Test(
        "a PWD that leads elsewhere, or is no plain path, counts for nothing",
        arguments: ["/elsewhere", "current", "", "/srv/./current", "/srv/x/../current", "/work"])
    func wrongShellsDirectory(path: String) throws {
        var shell = place(["PWD": path])
        shell.isSameDirectory = { one, _ in one != "/elsewhere" }
        let plain = try request(["--", "true"], shell)
        #expect(plain.directory == "/work" && plain.otherDirectory == nil)
    }

    @Test("the last of several values holds")
    func lastHolds() throws {
        let request = try request(["--keep-last", "2", "--keep-last=3", "--", "true"])
        #expect(request.settings.retention.keepLast == 3)
    }

    @Test(
        "a call without a usable command is refused",
        arguments: [
            ([], "no command: supervise -- python3 train.py (supervise --help)"),
            (["--"], "no command after --, as in supervise -- python3 train.py"),
            (["run"], "no command: put it after --, as in supervise -- python3 train.py"),
            (
                ["--keep-last", "3"],
                "no command: put it after --, as in supervise --keep-last 3 -- python3 train.py"
            ),
            (
                ["--state-dir", "/a b", "status", "--json"],
                "options of status come after it: supervise status --state-dir '/a b' --json "
                    + "(supervise status --help)"
            ),
            (
                ["--name", "it", "stop"],
                "options of stop come after it, and some of these are not its own "
                    + "(supervise stop --help)"
            ),
            (["statsu"], "unknown command statsu; did you mean status? (supervise --help)"),
        ])
    func noCommand(arguments: [String], message: String) {
        #expect(complaint(arguments) == Complaint(message, status: 125))
    }

    @Test(
        "an unknown option names the nearest one",
        arguments: [
            (
                ["--keep-lst", "3", "--", "true"],
                "unknown option --keep-lst; did you mean --keep-last? (supervise run --help)"
            ),
            (
                ["--keep-lst=3", "--", "true"],
                "unknown option --keep-lst; did you mean --keep-last? (supervise run --help)"
            ),
            (
                ["--keep-lst", "3", "--", "true"],
                "unknown option --keep-lst; did you mean --keep-last? (supervise run --help)"
            ),
            (["--hlep"], "unknown option --hlep; did you mean --help? (supervise run --help)"),
            (["--gpus", "3", "--", "true"], "unknown option --gpus (supervise run --help)"),
            (["-n", "x", "--", "true"], "unknown option -n (supervise run --help)"),
            (["--mirror", "x", "--", "true"], "unknown option --mirror (supervise run --help)"),
            (["--json", "--", "true"], "unknown option --json (supervise run --help)"),
            (
                ["status", "--jsno"],
                "unknown option --jsno; did you mean --json? (supervise status --help)"
            ),
            (["list", "--no\u{1B}[31m"], "unknown option --no\\u{1b}[31m (supervise list --help)"),
        ])
    func unknownOption(arguments: [String], message: String) {
        #expect(complaint(arguments) == Complaint(message, status: 125))
    }

    @Test(
        "a forgotten value does not swallow what follows",
        arguments: [
            (["--keep-last"], "--keep-last needs a value: --keep-last N (supervise run --help)"),
            (
                ["--keep-last", "--", "true"],
                "--keep-last needs a value: --keep-last N (supervise run --help)"
            ),
            (
                ["--resume-args", "--", "true"],
                "--resume-args needs a value: --resume-args ARGS (supervise run --help)"
            ),
            (
                ["--name", "--fresh", "--", "true"],
                "--name needs a value: --name NAME (supervise run --help)"
            ),
        ])
    func missingValue(arguments: [String], message: String) {
        #expect(complaint(arguments) == Complaint(message, status: 125))
    }

    @Test("what may be given several times comes together, and looks like options where it must")
    func severalTimes() throws {
        let request = try request([
            "--watch", "a/*", "--resume-args", "--from {id}", "--watch=b c", "--", "true",
        ])
        #expect(request.settings.watch.map(\.text) == ["a/*", "b c"])
        #expect(request.options["watch"] == "a/*\nb c")
        #expect(request.resumeArguments?.templates == ["--from", "{id}"])
    }

    @Test("a long bad value is shown in part, and nothing in it reaches the terminal")
    func oddValue() {
        let long = String(repeating: "9", count: 70)
        let accepted = "--keep-last takes a whole number from 1 to 999999999"
        let shown = String(repeating: "9", count: 60)
        #expect(
            complaint(["--keep-last", long, "--", "true"])
                == Complaint("\(accepted), not \"\(shown)…\""))
        #expect(
            complaint(["--keep-last", "\u{1B}]0;x\u{7}\n", "--", "true"])
                == Complaint("\(accepted), not \"\\u{1b}]0;x\\u{7}\\n\""))
    }

    @Test("numbers are written with plain digits only", arguments: ["+5", "５", "1e3", " 5", ""])
    func numbers(text: String) {
        #expect(complaint(["--keep-last=\(text)", "--", "true"]) != nil)
    }

    @Test(
        "a signal with a meaning of its own cannot be the checkpoint signal",
        arguments: [
            "SIGKILL", "SIGSTOP", "SIGCHLD", "SIGINT", "SIGHUP", "SIGTSTP", "SIGCONT", "SIGSEGV",
            "nonsense",
            "0", "9", "",
        ])
    func takenSignals(text: String) {
        #expect(complaint(["--checkpoint-signal=\(text)", "--", "true"]) != nil)
    }

    @Test("two wishes that exclude each other are refused")
    func contradictions() {
        #expect(
            complaint(["--quiet", "--verbose", "--", "true"])
                == Complaint("--quiet and --verbose exclude each other: leave out one"))
        #expect(
            complaint(["--fresh", "--resume-from", "000003", "--", "true"])
                == Complaint(
                    "--fresh begins anew and --resume-from 000003 does not: leave out one"))
    }

    @Test("of quiet and verbose the one from the stronger source holds")
    func strongerVerbosity() throws {
        let loud = try request(["--verbose", "--", "true"], place(["SUPERVISE_QUIET": "1"]))
        #expect(loud.verbosity == .verbose)
        let silent = try request(["--quiet", "--", "true"], place(["SUPERVISE_VERBOSE": "1"]))
        #expect(silent.verbosity == .quiet)
        let off = try request(["--quiet=false", "--", "true"], place(["SUPERVISE_QUIET": "1"]))
        #expect(off.verbosity == .normal)
    }

    @Test("what was given is recorded for resume, wherever it came from")
    func recorded() throws {
        let surroundings = place(
            ["SUPERVISE_KEEP_LAST": "3"],
            files: ["/work/c.json": #"{"stop-timeout": "5s", "max-failures": 7, "quiet": true}"#])
        let request = try request(
            [
                "--config", "c.json", "--name", "a", "--fresh", "--resume-from", "none",
                "--backoff", "0s..1s", "--", "true",
            ], surroundings)
        #expect(
            request.options == [
                "keep-last": "3", "stop-timeout": "5s", "max-failures": "7", "quiet": "true",
                "backoff": "0s..1s",
            ])
        #expect(request.settings.maxFailures == 7)
        #expect(request.verbosity == .quiet)
        #expect(request.fresh)
    }
}
