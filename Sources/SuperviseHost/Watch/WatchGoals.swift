import SuperviseCore
import SuperviseFormats

/// What directories are looked at for: how far their paths have fitted each pattern.
struct WatchGoals {
    struct Goal: Hashable {
        let pattern: Int
        /// How many parts of the pattern the directory's path has fitted.
        let depth: Int
    }

    /// What a name in a directory means for one of its goals.
    enum Answer {
        case none
        /// It fits the whole pattern.
        case reached
        /// It is to be entered, with this goal.
        case leads(Goal)
    }

    /// The parts of each pattern from the root on, and where looking begins.
    private let patterns: [(parts: [NamePattern], start: Int)]

    /// - Parameter directory: what relative patterns are relative to; an absolute path.
    init(_ patterns: [WatchPattern], in directory: String) {
        let base = FilePath(directory).components.map { NamePattern(literal: $0.text) }
        self.patterns = patterns.map { pattern in
            let leading = pattern.parts.dropLast().prefix { $0.literal != nil }.count
            return pattern.isAbsolute
                ? (pattern.parts, max(0, leading - 1)) : (base + pattern.parts, base.count)
        }
    }

    /// For each pattern where looking begins, and then what is above that, up to the root.
    func starts() -> [[(path: FilePath, goal: Goal)]] {
        patterns.enumerated().map { number, pattern in
            (0...pattern.start).reversed().map { depth in
                let names = pattern.parts[..<depth].map { $0.literal ?? "" }
                return (
                    FilePath("/" + names.joined(separator: "/")),
                    Goal(pattern: number, depth: depth)
                )
            }
        }
    }

    func answer(_ goal: Goal, to name: String) -> Answer {
        guard part(of: goal).fits(name) else { return .none }
        return isLast(goal) ? .reached : .leads(next(goal))
    }

    /// The goal of the directory above, where the pattern goes on there (`..`).
    func above(_ goal: Goal) -> Goal? {
        part(of: goal).literal == ".." ? next(goal) : nil
    }

    /// What fits it is what is looked for, and no directory on the way there.
    func isLast(_ goal: Goal) -> Bool {
        goal.depth == patterns[goal.pattern].parts.count - 1
    }

    private func part(of goal: Goal) -> NamePattern { patterns[goal.pattern].parts[goal.depth] }

    private func next(_ goal: Goal) -> Goal { Goal(pattern: goal.pattern, depth: goal.depth + 1) }
}
