import SuperviseFormats

/// The part of the last line that says what would have counted as progress.
extension EventText {
    static func wanted(_ givenUp: Status.GivenUp?) -> String {
        givenUp.map { ", \(reason($0))" } ?? ""
    }

    /// Such as `after 5 failures in a row without progress; what would have counted: …`.
    package static func reason(_ givenUp: Status.GivenUp) -> String {
        let failures = HumanText.count(givenUp.failures, "failure")
        let what =
            switch givenUp.reason {
            case .sameEachTime: "\(failures) in a row with the same status after the same time"
            case .maxFailures, .restartNever, .fatalExitCode, .gaveUp:
                "\(failures) in a row without progress"
            }
        return "after \(what); what would have counted: \(list(signs(givenUp)))"
    }

    /// What the run has shown before, a step further; for one that has shown nothing, what it could.
    private static func signs(_ givenUp: Status.GivenUp) -> [String] {
        var signs: [String] = []
        if let time = givenUp.healthyAfter {
            signs.append("an attempt of \(HumanText.limit(time)) (--healthy-after)")
        }
        signs.append(
            givenUp.reportedStep.map { "a reported step above \($0)" } ?? "a reported step")
        signs.append(
            givenUp.committedStep.map { "a checkpoint above step \($0)" } ?? "a checkpoint")
        return signs
    }

    private static func list(_ signs: [String]) -> String {
        signs.dropLast().joined(separator: ", ") + " or " + (signs.last ?? "")
    }
}
