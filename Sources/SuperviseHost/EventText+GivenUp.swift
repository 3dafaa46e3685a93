import SuperviseFormats

/// The part of the last line that says what would have counted as progress.
extension EventText {
    static func wanted(_ givenUp: Status.GivenUp?) -> String {
        guard let givenUp else { return "" }
        let failures = HumanText.count(givenUp.failures, "failure")
        let what =
            switch givenUp.reason {
            case .sameEachTime: "\(failures) in a row with the same status after the same time"
            case .maxFailures, .restartNever, .fatalExitCode, .gaveUp:
                "\(failures) in a row without progress"
            }
        return ", after \(what) (\(signs(givenUp)) would have counted as progress)"
    }

    /// What the run has shown before, a step further; for one that has shown nothing, what it could.
    private static func signs(_ givenUp: Status.GivenUp) -> String {
        var signs: [String] = []
        if let step = givenUp.reportedStep { signs.append("a reported step above \(step)") }
        if let step = givenUp.committedStep {
            signs.append("a checkpoint above step \(step)")
        } else if givenUp.commits > 0 || givenUp.reportedStep != nil {
            signs.append("a checkpoint")
        }
        if signs.isEmpty {
            if let time = givenUp.healthyAfter, givenUp.reason != .sameEachTime {
                signs.append("\(HumanText.limit(time)) of work (--healthy-after)")
            }
            signs += ["a reported step", "a checkpoint"]
        }
        guard signs.count > 1 else { return signs.joined() }
        return signs.dropLast().joined(separator: ", ") + " or " + (signs.last ?? "")
    }
}
