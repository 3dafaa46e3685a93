import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Whether a command may go on with a run")
struct CommandMatchTests {
    typealias Directory = CommandMatch.Directory
    typealias Verdict = CommandMatch.Verdict

    static let directories: [Directory] = [.same, .other, .gone, .elsewhere, .unknown("no")]

    private func match(
        _ recorded: [String], _ given: [String], _ directory: Directory, isAdopted: Bool = false
    ) -> Verdict {
        CommandMatch(
            recorded: .init(command: recorded, directory: "/a"),
            given: .init(command: given, directory: directory == .same ? "/a" : "/b"),
            directory: directory, isAdopted: isAdopted
        ).verdict
    }

    @Test("another program is refused in every directory", arguments: directories)
    func otherProgram(directory: Directory) {
        let verdict = match(["python3", "train.py"], ["python3", "eval.py"], directory)
        #expect(verdict == .refused(.program(recorded: "train.py", given: "eval.py")))
    }

    @Test("the same program is judged by its directory", arguments: directories)
    func sameProgram(directory: Directory) {
        let expected: Verdict =
            switch directory {
            case .same: .same
            case .other: .refused(.directory(program: "x"))
            case .gone: .moved
            case .elsewhere: .otherCommand
            case .unknown(let reason): .refused(.unknownDirectory(program: "x", reason))
            }
        #expect(match(["x"], ["x"], directory) == expected)
    }

    @Test("with --adopt it goes on, whatever it is", arguments: directories)
    func adopted(directory: Directory) {
        #expect(match(["x"], ["y"], directory, isAdopted: true) == .adopted)
        let same = match(["x"], ["x"], directory)
        let expected: Verdict = if case .refused = same { .adopted } else { same }
        #expect(match(["x"], ["x"], directory, isAdopted: true) == expected)
    }

    @Test(
        "other arguments, another interpreter and another path are the same program",
        arguments: [
            (["python3", "train.py"], ["python3", "train.py", "--lr", "2"]),
            (["python3", "train.py"], ["/opt/venv/bin/python3.12", "-u", "src/train.py"]),
            (["python3", "train.py"], ["./train.py"]),
            (["python3", "train.py"], ["pypy3", "-W", "ignore", "-X", "dev", "train.py"]),
            (["./x.sh"], ["sh", "-e", "x.sh"]),
            (["sh", "x.sh"], ["bash", "-o", "pipefail", "./x.sh"]),
            (["python3", "-m", "pkg.train"], ["python3", "-umpkg.train", "--lr", "2"]),
            (["sh", "-c", "a"], ["bash", "-ec", "b"]), (["python3", "-c", "a"], ["pypy3", "-"]),
            (["node", "--import", "x", "job.js"], ["node", "--inspect=9", "job.js"]),
            (["julia", "-t", "4", "--project=.", "a.jl"], ["julia", "a.jl"]),
            (["perl", "-Ilib", "-MList::Util", "a.pl"], ["perl", "-I", "lib", "a.pl"]),
            (["php", "-f", "a.php"], ["php", "-d", "x=1", "a.php"]),
            (["sh", "--", "x.sh"], ["sh", "x.sh"]), (["train"], ["/usr/bin/train", "x"]),
            (["ruby", "-r", "set", "a.rb"], ["ruby", "-W0", "a.rb"]),
            (["sh"], ["bash", "-s", "x"]),
        ])
    func otherWords(recorded: [String], given: [String]) {
        #expect(match(recorded, given, .same) == .otherCommand)
        #expect(match(given, recorded, .same) == .otherCommand)
        #expect(match(recorded, given, .gone) == .moved)
    }

    @Test(
        "another script, module or program is another program",
        arguments: [
            (["python3", "train.py"], ["python3", "train.sh"]),
            (["python3", "-m", "pkg.train"], ["python3", "-m", "pkg.eval"]),
            (["python3", "-m", "pkg.train"], ["python3", "-c", "pkg.train"]),
            (["python3", "-W", "ignore", "a.py"], ["python3", "-W", "ignore", "b.py"]),
            (["sh", "x.sh"], ["sh", "-c", "x.sh"]), (["train"], ["train2"]), (["sh"], ["perl"]),
            (["torchrun", "train.py"], ["python3", "train.py"]),
            // Two names to a file system, and one to a careless comparison.
            (["./caf\u{e9}"], ["./cafe\u{301}"]),
        ])
    func otherScript(recorded: [String], given: [String]) {
        guard case .refused(.program) = match(recorded, given, .same) else {
            Issue.record("\(recorded) \(given)")
            return
        }
    }
}
