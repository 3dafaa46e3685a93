import SuperviseFormats

/// What happened, in a sentence for people: on standard error and in `supervise events`.
package enum EventText {
    /// Lower case, without a full stop at its end.
    package static func sentence(for event: RunEvent) -> String {
        switch event {
        case .attemptStarted(let start): attempt(start)
        case .jobExited(let exit): "\(end(exit.exitCode, exit.signal))\(after(exit.seconds))"
        case .failed(let failed): failure(failed)
        case .hung(let hung): hungAndKilled(hung)
        case .checkpointRequested(let request): asking(request)
        case .checkpointCommitted(let commit): committed(commit)
        case .checkpointFailed(let failed): notMade(failed)
        case .requestEnded(let ended): unanswered(ended)
        case .setAside(let bad): "checkpoint \(bad.id): \(printable(bad.reason)); it is set aside"
        case .rolledBack(let step): back(step)
        case .removed(let removed): gone(removed)
        case .compressed(let one):
            "checkpoint \(one.id) is compressed: \(SizeText.format(one.bytes)) are now "
                + SizeText.format(one.compressedBytes)
        case .archiveRemoved(let one):
            "removed the archived run \(printable(one.archive)) (\(SizeText.format(one.bytes)))"
        case .archiveTrimmed(let one):
            "removed \(HumanText.count(one.ids.count, "checkpoint")) of the archived run "
                + "\(printable(one.archive)) (\(SizeText.format(one.bytes)))"
        case .stopRequested(let stop): stopping(stop)
        case .noticed(let notice): noticed(notice)
        case .noticeWithdrawn(let notice): withdrawn(notice)
        case .restarting(let restart): restarting(restart)
        case .paused: "paused the job; to let it go on: supervise unpause"
        case .unpaused(let pause): "the job goes on\(after(pause.seconds)) of pause"
        case .gaveUp(let said): "the job gives up: \(printable(said.error))"
        case .leftovers(let found): leftovers(found.processes)
        case .warning(let warning): printable(warning.message)
        case .finished(let outcome, let error): error.map(printable) ?? ended(outcome)
        case .settled(let settled): settledText(settled)
        case .checkpointDropped(let dropped):
            "checkpoint \(dropped.id) is dropped: \(dropped.reason.text)"
        case .logsRemoved(let removed): logsRemoved(removed)
        }
    }

    /// The first line of a supervisor.
    ///
    /// - Parameter state: the run's directory, as a person writes it.
    package static func start(
        _ start: RunEvent.AttemptStarted, of name: String, state: String
    ) -> String {
        "run \(name), \(attempt(start)) (state: \(printable(state)))"
    }

    /// The last line of a supervisor.
    ///
    /// - Parameters:
    ///   - isLost: the job died before it answered the final request.
    ///   - unfinished: what was received, and is not durable.
    ///   - placeOption: what another command has to be given to find the run.
    package static func ending(
        _ outcome: Outcome, of name: String, progress: Status.Progress,
        notice: Status.Notice? = nil, isLost: Bool = false,
        unfinished: [CheckpointID] = [], givenUp: Status.GivenUp? = nil,
        at placeOption: [String] = []
    ) -> String {
        let resume = HumanText.commandLine(["supervise", "resume", name] + placeOption)
        let place =
            place(progress) + saved(notice) + lost(isLost) + left(unfinished) + wanted(givenUp)
        return switch outcome.kind {
        case .completed: "completed\(place)"
        case .stopped, .preempted:
            "\(outcome.kind.rawValue)\(place). To go on: \(resume) "
                + "(or the same command again)"
        case .failed:
            "\(ended(outcome))\(place). To try again: \(resume) "
                + "(or the same command again)"
        }
    }

    /// Such as ` at step 6 of 40`; empty where the job gives no steps.
    private static func place(_ progress: Status.Progress) -> String {
        guard let step = progress.step else { return "" }
        return " at step \(step)" + (progress.total.map { " of \($0)" } ?? "")
    }

    private static func attempt(_ start: RunEvent.AttemptStarted) -> String {
        guard let id = start.resumedFrom else {
            return "attempt \(start.attempt), from the beginning"
        }
        let size = SizeText.format(start.bytes)
        let verified =
            switch start.verified {
            case .digest, nil: "verified"
            case .size: "sizes verified"
            case .some(.none): "not verified"
            }
        return "attempt \(start.attempt), resuming from \(id) (\(verified), \(size))"
    }

    private static func lost(_ isLost: Bool) -> String {
        isLost ? "; the final checkpoint was lost: the job ended before it was saved" : ""
    }

    private static func left(_ unfinished: [CheckpointID]) -> String {
        guard let newest = unfinished.last else { return "" }
        let more = unfinished.count > 1 ? " and \(unfinished.count - 1) before it" : ""
        return "; checkpoint \(newest)\(more) was received from the job, and the disk had not made "
            + "it durable in time"
    }

    /// How the job's process ended.
    private static func end(_ exitCode: Int?, _ signal: String?) -> String {
        if let signal { return "the job was killed by \(printable(signal))" }
        return exitCode.map { "the job exited with status \($0)" } ?? "the job ended"
    }

    private static func after(_ seconds: Double) -> String {
        " after \(HumanText.duration(seconds))"
    }

    private static func failure(_ failed: RunEvent.FailureCounted) -> String {
        let failure = failed.failure
        let what =
            switch failure.kind {
            case .crash: end(failure.exitCode, failure.signal) + after(failed.ran)
            case .oom:
                end(failure.exitCode, failure.signal) + after(failed.ran)
                    + ", out of memory"
            case .hang: "the job hung, and was ended" + after(failed.ran)
            case .spawn: "the job could not be started"
            case .machine: "the supervisor itself had been killed, or its machine went down"
            }
        let lost =
            failure.lostSeconds >= 0.05
            ? "; \(HumanText.duration(failure.lostSeconds)) of work lost" : ""
        let next = failed.backoff.map(again) ?? "giving up"
        let count =
            failed.count > 0
            ? " (failure \(failed.count) of \(failed.limit) without progress)" : ""
        let why: String =
            switch failed.final {
            case .restartNever: " (\(OptionName.restart) never)"
            case .fatalExitCode:
                " (status \(failure.exitCode ?? 0) is in "
                    + "\(OptionName.fatalExitCodes))"
            case .gaveUp: ", as the job asked: \(printable(failure.error ?? ""))"
            case .sameEachTime: ": the job fails the same way each time"
            case .maxFailures, nil: count
            }
        let start = failure.atStart ? " while starting up" : ""
        return "\(what)\(start)\(lost); \(next)\(why)"
    }

    private static func again(_ wait: Double) -> String {
        wait > 0 ? "starting again in \(HumanText.duration(wait))" : "starting again"
    }

    private static func restarting(_ restart: RunEvent.Restarting) -> String {
        switch restart.reason {
        case .asked: "attempt \(restart.attempt) has ended, as asked; \(again(restart.backoff))"
        case .always:
            "the job exited with status 0; \(again(restart.backoff)) (\(OptionName.restart) always)"
        }
    }

    private static func asking(_ request: CheckpointRequest) -> String {
        let limit = request.deadline.map { ", up to \(HumanText.limit($0))" } ?? ""
        let kind = request.final ? "final checkpoint" : "checkpoint"
        return "asked the job for a \(kind) (\(request.reason.rawValue)\(limit))"
    }

    private static func committed(_ commit: RunEvent.CheckpointCommitted) -> String {
        let step = commit.id.step.map { " at step \($0)" } ?? ""
        let number = CheckpointID(sequence: commit.id.sequence, step: nil)
        let size = SizeText.format(commit.bytes)
        return "checkpoint \(number)\(step), \(size) in \(HumanText.duration(commit.seconds))"
    }

    private static func notMade(_ failed: RunEvent.CheckpointFailed) -> String {
        let which = failed.id.map { "checkpoint \($0) was not made" } ?? "no checkpoint was made"
        return "\(which): \(printable(failed.error)); the job goes on"
    }

    private static func unanswered(_ ended: RunEvent.RequestEnded) -> String {
        switch ended.result {
        case .unanswered:
            "the job has not answered the request for a checkpoint for "
                + "\(HumanText.limit(ended.seconds)); going on without it"
        case .moot: "the request for a checkpoint became pointless\(after(ended.seconds))"
        case .lost:
            "the final checkpoint was lost: the job ended before it was saved, "
                + "\(HumanText.duration(ended.seconds)) after it was asked"
        case .unfinished:
            "checkpoint \(ended.checkpoint.map { "\($0)" } ?? "?") was received from the job, "
                + "and the "
                + "disk has not made it durable \(HumanText.limit(ended.seconds)) after the "
                + "request; "
                + "a faster disk or a longer \(OptionName.checkpointTimeout) helps"
        }
    }

    private static func back(_ step: RunEvent.RolledBack) -> String {
        if let failures = step.failures {
            let count = HumanText.count(failures, "failure")
            return "rolling back to \(step.to): \(count) in a row from \(step.from)"
        }
        let newer = HumanText.count(step.passed, "newer checkpoint")
        return "going back to \(step.to), as asked; \(newer) up to \(step.from) "
            + (step.passed == 1 ? "stays" : "stay")
    }

    private static func gone(_ removed: RunEvent.Removed) -> String {
        let names = removed.ids.map(\.description).joined(separator: ", ")
        let what = removed.ids.count == 1 ? "checkpoint" : "checkpoints"
        guard let limit = removed.limit else { return "removed \(what) \(names)" }
        return "removed \(what) \(names) of an earlier branch, because of --\(limit.rawValue)"
    }

    private static func stopping(_ stop: RunEvent.StopRequested) -> String {
        let who = printable(stop.by)
        if stop.count == 2 {
            return "\(who) again: not waiting for the job any longer (once more: for nothing)"
        }
        if stop.count > 2 { return "\(who) again: not waiting for anything any longer" }
        guard let deadline = stop.deadline else { return "\(who): stopping the job" }
        let again =
            switch who {
            case "SIGINT": "press again to skip it"
            case "SIGTERM": "send it again to skip it"
            default: "SIGTERM skips it"
            }
        let limit = HumanText.limit(deadline)
        return "\(who): asking for a final checkpoint (up to \(limit); \(again))"
    }

    private static func leftovers(_ processes: [String]) -> String {
        let names = processes.map(printable).joined(separator: ", ")
        return "ended what an earlier supervisor had left running: \(names)"
    }

    private static func ended(_ outcome: Outcome) -> String {
        guard outcome.kind == .failed else { return outcome.kind.rawValue }
        if let reason = outcome.reason { return "failed for good (\(reason.text))" }
        if let signal = outcome.signal { return "failed for good (\(printable(signal)))" }
        return outcome.exitCode.map { "failed for good (status \($0))" } ?? "failed for good"
    }

    private static func printable(_ text: String) -> String { HumanText.printable(text) }
}
