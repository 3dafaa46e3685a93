import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseText

/// Messages of a start that is refused, or that goes on with something changed.
package enum StartText {
    /// nil where there is nothing to say.
    static func line(_ match: CommandMatch, name: RunName) -> String? {
        let recorded = match.recorded
        let before =
            "\(HumanText.commandLine(recorded.command)) in \(printable(recorded.directory))"
        switch match.verdict {
        case .same, .refused: return nil
        case .otherCommand:
            return "run \(name) was begun with another command (\(before)); going on with this one"
        case .moved:
            return
                "run \(name) was begun in \(printable(recorded.directory)), which is gone; going on "
                + "in \(printable(match.given.directory))"
        case .adopted:
            return "run \(name) was begun with something else (\(before)); going on with this "
                + "(--adopt)"
        }
    }

    /// - Parameter isCompleted: nothing would be started: the run has completed.
    static func refusal(
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
        return "\(what); for a run of its own: --name; to begin anew: --fresh; \(adopt): --adopt"
    }

    /// nil where there is nothing to say.
    package static func line(_ origin: StateOrigin, _ record: RunRecord, name: RunName) -> String? {
        let former = former(origin, record)
        switch origin.verdict {
        case .here, .renew, .refused: return nil
        case .moved where origin.recorded?.path == origin.now.path:
            return
                "run \(name) was moved to another disk, or brought back from a copy; going on with it"
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
                "pid \(pid) is still the supervisor of run \(name) in \(former), and its lock is free here: "
                + "the state was moved or copied, or its lock removed; \(cures([pid], origin, record, name))"
        case .processes(let pids):
            let list = pids.prefix(8).map(String.init).joined(separator: ", ")
            let more = pids.count > 8 ? ", …" : ""
            return
                "processes of run \(name) in \(former), which was moved or copied here, still live "
                + "(\(pids.count == 1 ? "pid" : "pids") \(list)\(more)); "
                + cures(pids, origin, record, name)
        case .unknown:
            return
                "run \(name) was moved or copied here from \(former), and /proc does not show whether "
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
        let stop = HumanText.commandLine(["supervise", "stop", last, "--state-dir", state])
        return "if it was copied: \(stop); \(kill)"
    }

    private static func former(_ origin: StateOrigin, _ record: RunRecord) -> String {
        (origin.recorded?.path ?? record.formerDirectory).map(printable) ?? "another directory"
    }

    private static func printable(_ text: String) -> String { HumanText.printable(text) }
}
