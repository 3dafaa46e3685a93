/// Which of the job's streams pass through the supervisor, and which readers hold up the job.
package struct OutputPlan: Equatable, Sendable {
    /// What `--output` says.
    package enum Mode: String, Sendable, CaseIterable {
        /// A pipe's bytes pass through us; all else is the job's as it is.
        case auto
        /// All passes through us.
        case pass
        /// The job has our streams as they are.
        case inherit
        /// All passes through us and is kept.
        case keep
    }

    /// Where a stream of ours leads to.
    package enum Place: Equatable, Sendable {
        case pipe, terminal, file, socket
        /// It cannot be written to.
        case unwritable
    }

    /// What becomes of a stream of the job's.
    package enum Route: Equatable, Sendable {
        /// The job has ours.
        case inherited
        /// The job has one of ours in between; with `holds` a slow reader holds it up.
        case passed(holds: Bool)
    }

    package let output: Route
    package let errors: Route
    /// Both lead to one place, and one pipe carries both, so that the order stays.
    package let isOne: Bool

    /// - Parameters:
    ///   - hasTerminal: the job gets a terminal of its own, whose output goes to standard output.
    ///   - isSame: both lead to the same place.
    package init(
        _ mode: Mode, hasTerminal: Bool, output: Place, errors: Place, isSame: Bool
    ) {
        self.output = Self.route(mode, hasTerminal, output)
        self.errors = Self.route(mode, hasTerminal, errors)
        isOne = isSame && output != .unwritable && errors != .unwritable
    }

    private static func route(_ mode: Mode, _ hasTerminal: Bool, _ place: Place) -> Route {
        let isPipe = place == .pipe
        switch mode {
        case .inherit: return .inherited
        case .auto where !isPipe && !hasTerminal: return .inherited
        case .auto, .pass, .keep:
            return place == .unwritable ? .inherited : .passed(holds: isPipe)
        }
    }

    /// Nothing of the job's comes our way.
    package var passesNothing: Bool { output == .inherited && errors == .inherited }
}
