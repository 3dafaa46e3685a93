import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// Messages of a start that is refused, or that goes on with something changed.
package enum StartText {
    /// nil where there is nothing to say.
    package static func line(_ match: CommandMatch, name: RunName) -> String? {
        let recorded = match.recorded
        let before =
            "\(HumanText.commandLine(recorded.command)) in \(printable(recorded.directory))"
        switch match.verdict {
        case .same, .refused: return nil
        case .otherCommand:
            return "run \(name) was begun with another command (\(before)); going on with this one"
        case .moved:
            return
                "run \(name) was begun in \(printable(recorded.directory)), which is gone; "
                + "going on "
                + "in \(printable(match.given.directory))"
        case .adopted:
            return "run \(name) was begun with something else (\(before)); going on with this "
                + "(\(OptionName.adopt))"
        }
    }

    /// - Parameter isCompleted: nothing would be started: the run has completed.
    package static func refusal(
        _ match: CommandMatch, name: RunName, isCompleted: Bool
    ) -> String? {
        guard case .refused(let difference) = match.verdict else { return nil }
        let recorded = printable(match.recorded.directory)
        let given = printable(match.given.directory)
        let what: String
        switch difference {
        case .program(let last, let program):
            let line = HumanText.commandLine(match.recorded.command)
            what =
                "run \(name) is one of \(printable(last)) (\(line)), not of \(printable(program))"
        case .directory(let program):
            what = "run \(name) is one of \(printable(program)) in \(recorded), not in \(given)"
        case .unknownDirectory(let program, let reason):
            what =
                "run \(name) is one of \(printable(program)) in \(recorded), and whether that is "
                + "another directory than \(given) cannot be told (\(reason))"
        }
        let adopt =
            isCompleted ? "to take its completion for this one's" : "to go on with it all the same"
        return "\(what); for a run of its own: \(OptionName.name); to begin anew: "
            + "\(OptionName.fresh); \(adopt): \(OptionName.adopt)"
    }

    /// nil where there is nothing to say.
    package static func line(_ origin: StateOrigin, _ record: RunRecord, name: RunName) -> String? {
        let former = former(origin, record)
        switch origin.verdict {
        case .here, .renew, .refused: return nil
        case .moved where origin.recorded?.path == origin.now.path:
            return
                "run \(name) was moved to another disk, or brought back from a copy; going on "
                + "with it"
        case .moved: return "run \(name) was moved here from \(former); going on with it"
        case .copied:
            let own = "from here on it is a run of its own"
            guard origin.original != .exists else {
                return "run \(name) is a copy of the one in \(former); \(own)"
            }
            let host = origin.isSameHost ? "" : " on \(printable(record.host))"
            return "run \(name) was moved or copied here from \(former)\(host); \(own)"
        }
    }

    package static func refusal(
        _ origin: StateOrigin, _ record: RunRecord, name: RunName
    ) -> String? {
        guard case .refused(let refusal) = origin.verdict else { return nil }
        let former = former(origin, record)
        switch refusal {
        case .supervisor(let pid):
            return
                "pid \(pid) is still the supervisor of run \(name) in \(former), and its lock "
                + "is free here: "
                + "the state was moved or copied, or its lock removed; "
                + "\(cures([pid], origin, record, name))"
        case .processes(let pids):
            let list = pids.prefix(8).map(String.init).joined(separator: ", ")
            let more = pids.count > 8 ? ", …" : ""
            return
                "processes of run \(name) in \(former), which was moved or copied here, still live "
                + "(\(pids.count == 1 ? "pid" : "pids") \(list)\(more)); "
                + cures(pids, origin, record, name)
        case .unknown:
            return
                "run \(name) was moved or copied here from \(former), and /proc does not show "
                + "whether "
                + "processes of it still live; mount it (unshare --mount-proc, in a PID namespace)"
        }
    }

    private static func cures(
        _ pids: [Int32], _ origin: StateOrigin, _ record: RunRecord, _ name: RunName
    ) -> String {
        let numbers = pids.prefix(8).map(String.init).joined(separator: " ")
        let kill = "if it was moved: kill \(numbers)"
        guard let path = origin.recorded?.path ?? record.formerDirectory else {
            return "if it was copied: stop the run where it was started; \(kill)"
        }
        let state = parent(of: path)
        let last = path.split(separator: "/").last.map(String.init) ?? name.description
        let stop = HumanText.commandLine([
            "supervise", "stop", last, "\(OptionName.stateDir)", state,
        ])
        return "if it was copied: \(stop); \(kill)"
    }

    private static func former(_ origin: StateOrigin, _ record: RunRecord) -> String {
        (origin.recorded?.path ?? record.formerDirectory).map(printable) ?? "another directory"
    }

    private static func printable(_ text: String) -> String { HumanText.printable(text) }
}

extension StartText {
    /// nil where nothing is refused.
    package static func line(_ refused: [RefusedCall]) -> String? {
        guard let (what, advice) = finding(refused) else { return nil }
        return "\(what); \(advice)"
    }

    /// The refused calls, what that means and what to do; nil if none is refused.
    package static func finding(_ refused: [RefusedCall]) -> (what: String, advice: String)? {
        guard let first = refused.first else { return nil }
        let names = joined(refused.map(\.name), with: ", ")
        let verb = refused.count == 1 ? "is" : "are"
        return (
            "\(names) \(verb) refused here (\(errorText(first.code))), so processes are "
                + "signalled by "
                + "their numbers, after a second look at them",
            "allow \(refused.count == 1 ? "it" : "them") in the sandbox's profile (seccomp), or "
                + "use "
                + "Linux 5.4 or newer"
        )
    }
}

/// Messages about places that another user may change.
package enum PlaceText {
    /// Names the directory and its owner, such as `/home/ada belongs to user ada (1000)`.
    package static func what(_ weakness: PlaceTrust.Weakness) -> String {
        let step = weakness.step
        let path = HumanText.printable(step.path)
        let owner = UserDatabase().description(of: step.user)
        let mode = String(step.mode, radix: 8)
        return switch weakness.reason {
        case .owned: "\(path) belongs to \(owner)"
        case .writableByGroup:
            "\(path) may be written to by group \(step.group) (mode \(mode), of \(owner))"
        case .writableByAll:
            "\(path) may be written to by everybody (mode \(mode), of \(owner))"
        }
    }

    /// - Parameter option: that gives another place.
    static func refusal(_ weakness: PlaceTrust.Weakness, option: String) -> String {
        let place = beside(weakness.step.path)
        let make = HumanText.commandLine(["install", "-d", "-m", "711", place])
        let give = HumanText.commandLine([option, place])
        return "with \(OptionName.user), root keeps nothing below a directory that another user "
            + "can change: "
            + "\(what(weakness)), and who can change it could put another run or a link there; "
            + "make a "
            + "directory of root's beside it (\(make)) and give \(give), or run the job in a "
            + "unit of "
            + "that user (systemctl --user)"
    }

    package static func warning(_ weakness: PlaceTrust.Weakness) -> String {
        "\(what(weakness)): who can change it can put other files in place of this run's; keep "
            + "runs "
            + "below directories that only you and root can change (\(OptionName.stateDir), "
            + "\(OptionName.checkpointDir))"
    }

    package static func beside(_ path: String) -> String {
        path == "/" ? "/supervise" : "\(path).supervise"
    }
}

/// A directory of checkpoints that the user named.
extension StartText {
    /// Why we may not write there, and what to do; nil where we may.
    package static func refusal(_ tenancy: PayloadTenancy, _ paths: RunPaths) -> String? {
        guard case .refused(let refusal) = tenancy.verdict, let owner = tenancy.owner else {
            return nil
        }
        let what =
            "the checkpoints in \(printable(paths.payload)) belong to the state in"
        let other = printable(owner.run)
        let file = printable(paths.owner)
        switch refusal {
        case .otherState:
            return "\(what) \(other); give another \(OptionName.checkpointDir), or remove that "
                + "state"
        case .otherHost:
            return
                "\(what) \(other) on \(printable(owner.host)), and whether that is still "
                + "there cannot be told from here; give another \(OptionName.checkpointDir), or "
                + "remove "
                + "\(file) if it is gone"
        case .unknown(let reason):
            return
                "\(what) \(other), and whether that is still there cannot be told (\(reason)); "
                + "give "
                + "another \(OptionName.checkpointDir), or remove \(file) if it is gone"
        }
    }

    /// What there is to say of a directory that we may write to.
    package static func line(_ tenancy: PayloadTenancy, _ paths: RunPaths) -> String? {
        guard let owner = tenancy.owner else { return nil }
        let place = printable(paths.payload)
        let other = printable(owner.run)
        switch tenancy.verdict {
        case .takenOver:
            return
                "the checkpoints in \(place) belonged to the state in \(other), which is gone; "
                + "they "
                + "belong to this one now"
        case .copied:
            return "the checkpoints in \(place) are a copy of those of the state in \(other); they "
                + "belong to this one now"
        case .ours, .free, .refused: return nil
        }
    }
}
