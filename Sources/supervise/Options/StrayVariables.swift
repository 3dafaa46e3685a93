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
