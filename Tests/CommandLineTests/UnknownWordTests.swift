import Testing

@testable import supervise

@Suite("A first word that is no command")
struct UnknownWordTests {
    /// PATH has rm, sh and python3; the working directory has demo and train.py.
    private var here: Surroundings {
        let files = [
            "/bin/rm", "/bin/sh", "/bin/python3", "/bin/stat", "/bin/shred", "/bin/sudo",
            "/work/demo", "/work/train.py", "/work/tools/run me", "/data/x",
        ]
        return place(
            ["PATH": "/bin"], files: Dictionary(uniqueKeysWithValues: files.map { ($0, "") }))
    }

    private func message(_ arguments: [String]) -> String {
        complaint(arguments, here)?.message ?? "no complaint"
    }

    @Test(
        "a verb of another tool is answered with ours, and never put behind --",
        arguments: [
            "rm", "remove", "delete", "ls", "ps", "kill", "show", "top", "version", "completion",
            "config", "start", "log", "DELETE",
        ])
    func verbs(verb: String) {
        // There is a file of that name, and a program.
        let calls = [
            [verb], [verb, "demo"], ["run", verb, "demo"], ["--fresh", verb, "demo"],
        ]
        for arguments in calls {
            let message = message(arguments)
            #expect(message.hasPrefix("there is no command \(verb): "), "\(arguments)")
            #expect(!message.contains("-- \(verb)"), "\(message)")
        }
    }

    @Test("every command that an answer names is one of ours, with options that it has")
    func answersAreTrue() throws {
        let words = [
            "ls", "rm", "kill", "show", "top", "version", "man", "completion", "config", "start",
            "log", "history", "save", "snapshots", "reload", "continue", "suspend", "thaw", "clean",
            "check", "verify", "update",
        ]
        for word in words {
            let answer = try #require(ForeignVerbs.answer(to: word))
            for part in answer.split(separator: "supervise ").dropFirst() {
                let named = part.split(separator: " ").map {
                    String($0.filter { $0 != ";" && $0 != ")" })
                }
                let first = try #require(named.first)
                if first.hasPrefix("-") { continue }
                let command = try #require(Command(rawValue: first), "\(answer)")
                for option in named.prefix(4) where option.hasPrefix("--") && option != "--help" {
                    let known = OptionTable.options(of: command).map(\.dashed)
                    #expect(known.contains(option) || option == "--", "\(answer)")
                }
            }
        }
    }

    @Test("no verb is a command of ours: the answer would never be seen")
    func verbsAreNoCommands() {
        for command in Command.allCases {
            #expect(ForeignVerbs.answer(to: command.rawValue) == nil, "\(command)")
        }
    }

    @Test(
        "a program that was plainly meant is put behind --",
        arguments: [
            (["python3", "train.py"], "supervise -- python3 train.py"),
            (["python3", "-u", "/work/train.py"], "supervise -- python3 -u /work/train.py"),
            (["./tools/run me", "--epochs", "3"], "supervise -- './tools/run me' --epochs 3"),
            (["/bin/sh", "-c", "x"], "supervise -- /bin/sh -c x"),
            (
                ["--keep-last", "3", "python3", "train.py", "--lr=1"],
                "supervise --keep-last 3 -- python3 train.py --lr=1"
            ),
            (["run", "python3", "--", "train.py"], "supervise -- python3 train.py"),
        ])
    func programs(arguments: [String], call: String) {
        #expect(message(arguments) == "put -- before the command: \(call)")
    }

    @Test(
        "a word that may be anything is not put behind --",
        arguments: [
            ["python3"], ["python3", "-m", "http.server"], ["python3", "missing.py"], ["train"],
            ["./missing"], ["demo"], ["shred", "demo"], ["sudo", "rm", "demo"],
            ["/bin/rm", "demo"],
            ["sh", "rm"], [""],
        ])
    func anything(arguments: [String]) {
        let message = message(arguments)
        #expect(message.hasSuffix("stands behind --, as in supervise -- python3 train.py"))
        #expect(message.hasPrefix("there is no command "))
    }

    @Test("a slip is told; a program that exists and is given a file may also be meant")
    func slips() {
        #expect(
            message(["statsu"]) == "unknown command statsu; did you mean status? (supervise --help)"
        )
        #expect(
            message(["stats", "demo"])
                == "unknown command stats; did you mean status? (supervise --help)")
        #expect(
            message(["stat", "demo"])
                == "unknown command stat; did you mean status? (to run a program of that name: "
                + "supervise -- stat demo)")
    }

    @Test("help on a verb of another tool names ours")
    func help() {
        #expect(
            message(["help", "rm"]).hasPrefix("there is no command rm: there is none that removes"))
        #expect(message(["help", "xyz"]) == "there is no command xyz (supervise --help)")
    }
}
