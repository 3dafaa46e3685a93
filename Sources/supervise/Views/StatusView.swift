import SuperviseFormats
import SuperviseHost
import SuperviseText

/// A run's status for a person.
struct StatusView {
    let glance: Glance
    let now: Timestamp
    /// The columns that there are.
    let width: Int
    /// Draw with plain characters: the terminal may have no others.
    let isPlain: Bool
    /// Also tell why the next checkpoint is when it is.
    var isVerbose = false
    /// What another command has to be given to find the same run.
    var placeOption: [String] = []

    private var status: Status { glance.status }

    /// A line that says which run it is and where it stands, and a row for each thing to know.
    func render() -> String {
        var rows: [(label: String, left: String, right: String?)] = []
        rows.append(("progress", progress, nil))
        if let message = status.progress.message {
            rows.append(("message", HumanText.printable(message), nil))
        }
        rows.append(("checkpoint", checkpoint, next))
        if isVerbose, let schedule = status.schedule {
            rows += ScheduleView(schedule: schedule).rows.map { ($0.label, $0.text, nil) }
        }
        rows.append(("failures", failures, goodput))
        if let report = status.lastFailure?.report {
            rows.append(("hang", "what it did: \(HumanText.printable(report))", nil))
        }
        if let givenUp = status.givenUp {
            rows.append(("given up", EventText.reason(givenUp), nil))
        }
        rows.append(("kept", kept, nil))
        if let id = status.resumedFrom { rows.append(("resumed", "from \(id)", nil)) }
        rows += PreemptionView(preemption: status.preemption, now: now).rows
        if let lost = status.output?.discardedBytes {
            rows.append(("output", "\(SizeText.format(lost)) discarded, as nobody read it", nil))
        }
        if let requests { rows.append(("requests", requests, nil)) }
        if let ownSaves { rows.append(("own saves", ownSaves, nil)) }
        if !status.suspect.isEmpty { rows.append(("suspect", suspects, nil)) }
        for bad in status.setAside {
            rows.append(("set aside", "\(bad.id): \(HumanText.printable(bad.reason))", nil))
        }
        for path in status.incomplete {
            rows.append(("incomplete", HumanText.printable(path.text), nil))
        }
        if glance.isResumable, RunReference(status.name)?.isArchived != true {
            let call = ["supervise", "resume", status.name] + placeOption
            rows.append(("to go on", HumanText.commandLine(call), nil))
        }
        return ([headline] + rows.map(line)).map { TextLayout.trimmed($0) + "\n" }.joined()
    }

    private func line(_ row: (label: String, left: String, right: String?)) -> String {
        let start = "  " + TextLayout.padded(row.label, to: 13)
        guard let right = row.right else { return start + row.left }
        return start + TextLayout.padded(row.left, to: 36) + "  " + right
    }

    private var headline: String {
        let start = "\(status.name)  \(glance.word)\(exitCode)  attempt \(status.attempt)"
        switch status.phase {
        case .starting, .running, .stopping, .backoff, .paused:
            return "\(start)  pid \(status.supervisorPID)  up \(age(of: status.started))"
        case .finished where glance.isLost:
            return "\(start)  its supervisor (pid \(status.supervisorPID)) is gone"
        case .finished:
            return "\(start)  ended \(age(of: status.updated)) ago"
        }
    }

    /// Such as ` (status 3)`, where the job ended the run with it.
    private var exitCode: String {
        guard status.phase == .finished, let outcome = status.outcome, outcome.kind == .failed,
            !glance.isLost
        else { return "" }
        if let reason = outcome.reason { return " (\(reason.text))" }
        if let signal = outcome.signal { return " (\(HumanText.printable(signal)))" }
        return outcome.exitCode.map { " (status \($0))" } ?? ""
    }

    private var progress: String {
        let progress = status.progress
        var parts: [String] = []
        if let fraction = progress.fraction {
            parts.append(HumanText.bar(fraction, width: width < 80 ? 12 : 24, ascii: isPlain))
        }
        if let steps = Self.steps(of: status) { parts.append(steps) }
        if let fraction = progress.fraction { parts.append(HumanText.percent(fraction)) }
        if glance.isRunning {
            if let rate = progress.rate { parts.append(HumanText.rate(perSecond: rate)) }
            if let eta = progress.eta { parts.append("\(HumanText.age(eta)) left") }
        }
        parts += MetricsView(progress: progress).parts
        return parts.isEmpty ? "the job has not told of any" : parts.joined(separator: "  ")
    }

    /// As the job told it; if it told none, the step of the newest checkpoint.
    static func steps(of status: Status) -> String? {
        if let told = steps(of: status.progress) { return told }
        return status.checkpoint?.step.map { "step \($0) saved" }
    }

    /// Such as `18/40 epochs` or `18 steps`.
    static func steps(of progress: Status.Progress) -> String? {
        guard let step = progress.step else { return nil }
        let unit = progress.unit.map(HumanText.printable) ?? "step"
        let noun = unit == "step" ? "steps" : unit
        return progress.total.map { "\(step)/\($0) \(noun)" } ?? "\(step) \(noun)"
    }

    private var checkpoint: String {
        guard let newest = status.checkpoint else { return "none yet" }
        let size = SizeText.format(newest.bytes)
        return "\(newest.id), \(age(of: newest.committed)) ago, \(size)"
    }

    private var next: String? {
        guard status.phase == .running, let next = status.nextCheckpoint else { return nil }
        let why = status.schedule.flatMap { ScheduleView(schedule: $0).summary }
        let when =
            next > now ? "next in \(HumanText.age(next.seconds(since: now)))" : "next one is due"
        return when + (why.map { " (\($0))" } ?? "")
    }

    private var failures: String {
        let count = max(glance.failures ?? 0, status.failures)
        guard count > 0 else { return "none" }
        var text = "\(count)"
        if let last = status.lastFailure {
            let lost =
                last.lostSeconds >= 0.05 ? ", \(HumanText.duration(last.lostSeconds)) lost" : ""
            text += " (\(Self.cause(of: last)) \(age(of: last.at)) ago\(lost))"
        }
        return status.failures > 0 ? "\(text), \(status.failures) without progress" : text
    }

    private static func cause(of failure: Failure) -> String {
        switch failure.kind {
        case .crash:
            failure.signal.map(HumanText.printable)
                ?? failure.exitCode.map { "status \($0)" } ?? "crash"
        case .oom: "out of memory"
        case .hang: "hang"
        case .spawn: "not started"
        case .machine: "supervisor gone"
        }
    }

    private var goodput: String? {
        status.totals.goodput.map { "goodput \(HumanText.percent($0, decimals: 1))" }
    }

    private var kept: String {
        let kept = status.checkpoints
        let size = SizeText.format(status.checkpointBytes)
        guard let commits = glance.commits, commits > kept else {
            return "\(HumanText.count(kept, "checkpoint")), \(size)\(going)"
        }
        return "\(kept) of \(HumanText.count(commits, "checkpoint")), \(size)\(going)"
    }

    /// Such as `, 3 to be removed`.
    private var going: String {
        status.toBeRemoved > 0 ? ", \(status.toBeRemoved) to be removed" : ""
    }

    /// Only where some of them failed.
    private var ownSaves: String? {
        let saves = status.ownSaves
        guard saves.failed > 0 else { return nil }
        let last = saves.lastError.map {
            ": \($0.id.map { "\($0), " } ?? "")\(HumanText.printable($0.error)), "
                + "\(age(of: $0.at)) ago"
        }
        return "\(saves.committed) committed, \(saves.failed) failed\(last ?? "")"
    }

    /// Only where something is wrong with them.
    private var requests: String? {
        let requests = status.requests
        let troubles = [
            (requests.unanswered, "unanswered"), (requests.late, "late"),
            (requests.failed, "failed"), (requests.lost, "lost"),
            (requests.unfinished, "unfinished"),
        ].filter { $0.0 > 0 }
        guard !troubles.isEmpty else { return nil }
        let list = troubles.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "\(requests.made) made, \(requests.committed) committed, \(list)"
    }

    private var suspects: String {
        let names = status.suspect.map(\.description).joined(separator: ", ")
        return "\(names): attempts from there failed, older ones are used"
    }

    private func age(of moment: Timestamp) -> String {
        HumanText.age(now.seconds(since: moment))
    }
}
