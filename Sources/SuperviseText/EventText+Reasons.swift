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
            signs.append("an attempt of \(HumanText.limit(time)) (\(OptionName.healthyAfter))")
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

extension EventText {
    /// What there was none of, and for how long.
    package static func hang(_ hung: RunEvent.Hung) -> String {
        let time = HumanText.duration(hung.silent)
        switch hung.cause {
        case .heartbeat:
            return hung.never
                ? "the job has given no sign of life in the \(time) since it was started (one that "
                    + "does not speak the protocol gives none)"
                : "the job has given no sign of life for \(time)"
        case .progress:
            return hung.never
                ? "the job has told of no step in the \(time) since it was started"
                : "the job has made no step forward for \(time)"
        case .checkpoint:
            return "the job has begun a checkpoint, and written nothing of it for \(time)"
        }
    }

    /// - Parameter state: the run's directory, as a person writes it; nil names the file in it.
    package static func hungAndKilled(_ hung: RunEvent.Hung, state: String? = nil) -> String {
        let threads = HumanText.count(hung.threads, "thread")
        let report = (state.map { HumanText.printable($0) + "/" } ?? "") + hung.report
        return "\(hang(hung)); killing it (what its \(threads) did: \(HumanText.printable(report)))"
    }
}

extension EventText {
    static func logsRemoved(_ removed: RunEvent.LogsRemoved) -> String {
        var parts: [String] = []
        if removed.outputFiles > 0 {
            parts.append("\(HumanText.count(removed.outputFiles, "file")) of old output")
        }
        if removed.eventFiles > 0 {
            parts.append("\(HumanText.count(removed.eventFiles, "file")) of old events")
        }
        return "the disk is full: removed \(parts.joined(separator: " and ")) "
            + "(\(SizeText.format(removed.bytes)))"
    }
}

/// That the machine is taken away, in words.
extension EventText {
    /// What came of a notice, behind the place that the run has come to; empty without one.
    static func saved(_ notice: Status.Notice?) -> String {
        guard let lost = notice?.lostSeconds else { return "" }
        guard lost >= 0.05 else { return ", all of it saved" }
        let from = notice?.saved.map { " (the newest checkpoint is \($0))" } ?? ""
        return "; \(HumanText.duration(lost)) of work lost\(from)"
    }

    static func noticed(_ notice: RunEvent.Noticed) -> String {
        let source = HumanText.printable(notice.source)
        let doubt = notice.doubt.map { " (\(HumanText.printable($0)))" } ?? ""
        guard let left = notice.left else {
            let what =
                switch notice.action {
                case "hibernate": "this machine is about to sleep"
                default: "this machine may be taken away"
                }
            return "\(source): \(what); asking for a checkpoint, and going on\(doubt)"
        }
        let what = notice.action == "stop" ? "switched off" : "taken away"
        return "\(source): this machine is \(what) in \(HumanText.limit(left))\(doubt)"
    }

    static func withdrawn(_ notice: RunEvent.NoticeWithdrawn) -> String {
        let follows =
            switch notice.follows {
            case .goesOn: ": this machine stays, and the job goes on"
            case .ends:
                ", but the job was told to end: the run ends, and the same command goes on with it"
            case .anotherCounts: ", but another one still counts"
            }
        return "\(HumanText.printable(notice.source)): the notice is withdrawn\(follows)"
    }
}

extension EventText {
    static func settledText(_ settled: RunEvent.Settled) -> String {
        let who = "the supervisor (pid \(settled.supervisorPID)) is gone"
        guard settled.outcome.isLost else {
            return "\(who); by its record the run is \(settled.outcome.kind.rawValue)"
        }
        return "\(who) without having finished; the run is lost, and can be resumed"
    }
}
