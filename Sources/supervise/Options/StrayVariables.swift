import SuperviseFormats
import SuperviseHost
import SuperviseText

/// Variables in `SUPERVISE_` that are none of ours, and look like one of an option.
struct StrayVariables {
    let command: Command
    let environment: [String: String]

    /// What a job finds of ours: a supervisor that runs below another one has these.
    private static let ofJobs: Set<String> = [
        "SUPERVISE_SOCKET", "SUPERVISE_NAME", "SUPERVISE_ATTEMPT", "SUPERVISE_TOKEN",
        "SUPERVISE_CHECKPOINT", "SUPERVISE_CHECKPOINT_ID", "SUPERVISE_CHECKPOINT_STEP",
        "SUPERVISE_LAST_FAILURE", "SUPERVISE_STATE_DIR",
    ]

    /// A line for each, in order of their names.
    var notes: [String] {
        let ours = environment.keys.filter {
            $0.hasPrefix(OptionSpec.variablePrefix) && !Self.ofJobs.contains($0)
        }
        if ours.isEmpty { return [] }
        let all = Set(OptionTable.all.map(\.variable))
        let known = OptionTable.options(of: command).filter {
            $0.mayBeInEnvironment(of: command)
        }.map(\.variable)
        return ours.filter { !all.contains($0) }.sorted().compactMap { name in
            nearest(to: name, among: known).map {
                "there is no variable \(HumanText.printable(name)), and it changes nothing; did you "
                    + "mean \($0)?"
            }
        }
    }

    private func nearest(to name: String, among known: [String]) -> String? {
        let letters = Self.letters(of: name)
        if let same = known.first(where: { Self.letters(of: $0) == letters }) { return same }
        // The prefix is as long as many a name, and would hide how different two are.
        let start = OptionSpec.variablePrefix.count
        let short = known.map { String($0.dropFirst(start)) }
        return Suggestion.nearest(to: String(name.dropFirst(start)).uppercased(), among: short)
            .map { OptionSpec.variablePrefix + $0 }
    }

    private static func letters(of name: String) -> String {
        name.uppercased().filter { $0 != "_" && $0 != "-" }
    }
}

/// Finds the word that was probably meant.
enum Suggestion {
    /// The nearest of `words`, at most one slip for every three letters away, or else the only one
    /// that begins with what was written.
    static func nearest(to text: String, among words: [String]) -> String? {
        let scored = words.map { (word: $0, distance: distance(text, $0)) }
        if let best = scored.min(by: { $0.distance < $1.distance }),
            best.distance <= max(1, best.word.count / 3)
        {
            return best.word
        }
        let longer = words.filter { text.count >= 3 && $0.hasPrefix(text) }
        return longer.count == 1 ? longer.first : nil
    }

    /// How many letters have to be put in, left out, changed or swapped with their neighbour
    /// (Damerau and Levenshtein's distance, no letter being touched twice).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(last[j] + (letter == other ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other {
                    best = min(best, beforeLast[j - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}

/// What to do about a name that is none.
enum NameHint {
    /// About the instance of a unit that was escaped by systemd-escape(1), which names of runs do not need.
    ///
    /// - Parameter text: a name, or the path of a configuration that is called after it.
    /// - Returns: a half sentence with its separator in front; nil if nothing in it is escaped.
    static func escaped(_ text: String) -> String? {
        var name = FilePath(text).name
        if name.hasSuffix(".json") { name.removeLast(5) }
        guard let plain = EscapedName.plain(name) else { return nil }
        let shown = HumanText.printable(plain)
        guard RunName(plain) != nil else {
            return "; that is \"\(shown)\" as systemd-escape writes it: give the unit a name of "
                + "letters, digits and . _ -"
        }
        return
            "; that is \(shown) as systemd-escape writes it, and names of runs need no escapes: "
            + "call the unit supervise@\(shown), and its configuration \(shown).json"
    }
}
