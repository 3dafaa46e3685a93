import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import SuperviseText

/// What a run needs beside a place on the disk.
extension MachineDoctor {
    var socket: Finding {
        switch facts.socket {
        case .ours(let path): Finding(.ok, "socket", "in \(HumanText.printable(path))")
        case .possible(let path):
            Finding(.ok, "socket", "\(HumanText.printable(path)) will be made")
        case .refused(let path, let reason):
            Finding(
                .problem, "socket", "\(HumanText.printable(path)) cannot be used: \(reason)",
                advice: "set XDG_RUNTIME_DIR to a directory of yours with a short path")
        }
    }

    var descriptors: Finding {
        let count = facts.descriptors
        guard count < 256 else { return Finding(.ok, "open files", "up to \(count)") }
        return Finding(
            count < 64 ? .problem : .note, "open files", "only \(count) are allowed",
            advice: "raise the hard limit: ulimit -Hn 1024, or LimitNOFILE= in a unit")
    }

    var processes: Finding? {
        guard let (most, now) = facts.processes else { return nil }
        let text = "\(now) of \(most)"
        guard most - now < 64 else { return Finding(.ok, "processes", text) }
        return Finding(
            most - now < 8 ? .problem : .note, "processes", text,
            advice: "raise the limit: ulimit -u, TasksMax= in a unit, --pids-limit of a container")
    }

    var clock: Finding {
        let ahead = facts.newest.map { $0.seconds(since: facts.now) } ?? 0
        // The first of January 2024: before anything that can run this.
        if facts.now.milliseconds < 1_704_067_200_000 {
            return Finding(
                .problem, "clock", "it says \(facts.now), which has long passed",
                advice: "set the clock (timedatectl)")
        }
        guard ahead > 300 else { return Finding(.ok, "clock", "\(facts.now)") }
        return Finding(
            .problem, "clock",
            "it is \(HumanText.age(ahead)) behind what a run has recorded",
            advice: "set the clock (timedatectl); ages and retention by age go by it")
    }

    var processTable: Finding {
        facts.hasProc
            ? Finding(.ok, "/proc", "can be read")
            : Finding(
                .problem, "/proc", "cannot be read",
                advice: "mount it: what a killed supervisor left is found there")
    }

    var systemCalls: Finding {
        guard let (what, advice) = StartText.finding(facts.refusedCalls) else {
            return Finding(.ok, "system calls", "all that are needed are answered")
        }
        return Finding(.note, "system calls", what, advice: advice)
    }

    /// Each with what needs it.
    static let helpers = [("zstd", "--compress zstd"), ("gzip", "--compress gzip")]

    var programs: [Finding] {
        let missing = Self.helpers.filter { !facts.programs.contains($0.0) }
        guard !missing.isEmpty else {
            return [Finding(.ok, "programs", Self.helpers.map(\.0).joined(separator: ", "))]
        }
        let list = missing.map { "\($0.0) (\($0.1) needs it)" }.joined(separator: ", ")
        return [
            Finding(
                .note, "programs", "not here: \(list)",
                advice: "install them where those options are to be used")
        ]
    }
}
