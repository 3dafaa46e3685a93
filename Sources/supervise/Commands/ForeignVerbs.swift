import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

/// Words that people bring from other tools, and what ours is instead.
enum ForeignVerbs {
    /// Completes "there is no command WORD: …"; nil for a word that is none of them.
    static func answer(to word: String) -> String? {
        let word = word.lowercased()
        return answers.first { $0.words.contains(word) }?.answer
    }

    private static let answers: [(words: Set<String>, answer: String)] = [
        (
            ["ls", "ps", "jobs", "runs", "li"], "supervise list lists the runs"
        ),
        (
            ["rm", "remove", "delete", "del", "destroy", "purge", "erase", "forget", "drop"],
            "there is none that removes a run; supervise prune NAME removes the checkpoints that no "
                + "rule keeps, and supervise checkpoints NAME delete ID removes one"
        ),
        (
            [
                "kill", "terminate", "term", "end", "quit", "exit", "halt", "shutdown", "down",
                "cancel", "abort",
            ],
            "supervise stop NAME stops a run after a final checkpoint"
        ),
        (
            ["show", "info", "inspect", "describe", "state", "progress"],
            "supervise status NAME shows how a run is going"
        ),
        (
            ["top", "watch", "monitor", "attach", "follow", "tail", "dashboard"],
            "there is none that stays on the screen; supervise status NAME shows how a run is going, "
                + "and supervise logs NAME --follow what its job writes, where --capture keeps that"
        ),
        (["version", "about"], "supervise --version tells the version"),
        (["man", "usage", "commands"], "supervise --help lists the commands"),
        (
            ["completion", "completions", "complete"],
            "there is none, and no completion for shells; supervise --help lists the commands"
        ),
        (
            ["config", "configure", "configuration", "set", "get", "edit", "options"],
            "there is none; options stand before -- COMMAND, in variables of the environment or in "
                + "the file of --config (supervise run --help)"
        ),
        (
            [
                "start", "up", "launch", "exec", "execute", "create", "new", "submit", "spawn",
                "begin", "add",
            ],
            "supervise -- COMMAND starts a run, and supervise resume NAME goes on with one"
        ),
        (
            ["log", "output", "journal", "stdout", "cat"],
            "supervise logs NAME prints what its job wrote, where --capture keeps that"
        ),
        (["history", "event", "audit"], "supervise events NAME shows what happened in a run"),
        (
            ["save", "snapshot", "backup", "dump"],
            "supervise checkpoint NAME asks for a checkpoint now"
        ),
        (
            ["snapshots", "saves", "backups", "versions"],
            "supervise checkpoints NAME lists the checkpoints of a run"
        ),
        (
            ["reload", "respawn", "reboot"],
            "supervise restart NAME starts a run's job again after a final checkpoint"
        ),
        (
            ["continue", "cont", "recover", "retry", "rerun", "restore"],
            "supervise resume NAME goes on with a run that has ended, and supervise unpause NAME "
                + "with one that is paused"
        ),
        (["suspend", "freeze", "hold"], "supervise pause NAME stops a run's job where it is"),
        (["unfreeze", "thaw", "wake"], "supervise unpause NAME lets a paused job go on"),
        (
            ["clean", "cleanup", "gc", "trim"],
            "supervise prune NAME removes the checkpoints that no rule keeps; with --dry-run it "
                + "only shows which"
        ),
        (
            ["check", "health", "diagnose", "test", "fsck", "ping"],
            "supervise doctor NAME checks the machine and what is kept of a run"
        ),
        (
            ["verify", "export", "pin", "unpin", "path"],
            "it is an action of another one (supervise checkpoints --help)"
        ),
        (
            [
                "update", "upgrade", "install", "uninstall", "enable", "disable", "daemon", "login",
                "rename", "signal", "wait",
            ],
            "there is none; supervise --help lists the commands"
        ),
    ]

    /// Programs that remove or overwrite what they are given: our advice calls none of them.
    static let destructive: Set<String> = [
        "rm", "rmdir", "unlink", "shred", "truncate", "dd", "mv", "wipe", "srm", "mkfs", "fdisk",
        "wipefs", "delete", "remove", "erase", "kill", "pkill", "killall", "reboot", "shutdown",
        "halt", "poweroff",
    ]
}

/// A first word that is no command of ours: a slip, a verb of another tool, or a program without the
/// `--` before it.
///
/// The advice repeats the words behind `--` only where a program with these arguments was plainly
/// meant: `supervise -- rm demo`, copied, would delete a file.
struct UnknownWord {
    /// Options that stand before it.
    var before: [String] = []
    /// The word, and all that follows it.
    let words: [String]
    let surroundings: Surroundings

    private var first: String { words.first ?? "" }

    var complaint: Complaint {
        let shown = HumanText.printable(first)
        if let answer = ForeignVerbs.answer(to: first) {
            return Complaint("there is no command \(shown): \(answer)")
        }
        let known = Command.allCases.map(\.rawValue) + ["help"]
        let near = Suggestion.nearest(to: first, among: known)
        switch (near, isProgram) {
        case (let near?, true):
            return Complaint(
                "unknown command \(shown); did you mean \(near)? (to run a program of that name: "
                    + "\(callWithDashes))")
        case (let near?, false):
            return Complaint("unknown command \(shown); did you mean \(near)? (supervise --help)")
        case (nil, true): return Complaint("put -- before the command: \(callWithDashes)")
        case (nil, false):
            return Complaint(
                "there is no command \(shown) (supervise --help); a program that is to be run stands "
                    + "behind --, as in supervise -- python3 train.py")
        }
    }

    private var callWithDashes: String {
        HumanText.commandLine(["supervise"] + before + ["--"] + words.filter { $0 != "--" })
    }

    /// Its path was written, or it is found in PATH and is given a file that exists.
    private var isProgram: Bool {
        let names = words.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        guard !names.contains(where: ForeignVerbs.destructive.contains) else { return false }
        if first.contains("/") { return exists(first) }
        return surroundings.hasProgram(first)
            && words.dropFirst().contains { !$0.hasPrefix("-") && exists($0) }
    }

    private func exists(_ path: String) -> Bool {
        guard !path.isEmpty, let path = try? surroundings.absolute(path) else { return false }
        return surroundings.exists(path)
    }
}
