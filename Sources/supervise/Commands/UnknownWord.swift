import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

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
