import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Judges the machine: from facts to findings, and nothing else.
struct MachineDoctor {
    let facts: MachineFacts

    func findings() -> [Finding] {
        var findings = facts.places.flatMap(place)
        findings += trust
        if facts.strayLocks > 0 {
            let count = HumanText.count(facts.strayLocks, "lock file")
            findings.append(
                Finding(.ok, "locks", "\(count) of runs that are gone; they are empty and harmless")
            )
        }
        findings.append(socket)
        findings.append(descriptors)
        if let processes { findings.append(processes) }
        findings.append(clock)
        findings.append(processTable)
        findings.append(systemCalls)
        findings += programs
        return findings
    }

    /// Below this a record cannot be relied on to fit.
    static let leastFree: Int64 = 64_000_000

    private func place(_ place: MachineFacts.Place) -> [Finding] {
        func finding(_ level: Finding.Level, _ text: String, _ advice: String? = nil) -> Finding {
            Finding(
                level, place.label, "\(HumanText.printable(place.path)) \(text)", advice: advice)
        }
        switch place.state {
        case .missing:
            return [finding(.ok, "is not there yet; the first run makes it")]
        case .noDirectory:
            return [
                finding(
                    .problem, "is no directory",
                    "move it away, or give another place with --state-dir")
            ]
        case .unreadable(let reason):
            return [finding(.problem, "cannot be looked at: \(reason)", "look after that disk")]
        case .there(let mount, let owner, let isWritable):
            let room = "\(SizeText.format(mount.free)) free"
            let all = [
                access(place, owner, isWritable: isWritable).map {
                    finding($0.0, $0.1, $0.2)
                }, space(mount).map { finding($0.0, $0.1, $0.2) },
                durability(mount).map { finding($0.0, $0.1, $0.2) },
            ].compactMap { $0 }
            return all.isEmpty ? [finding(.ok, "(\(mount.kind), \(room))")] : all
        }
    }

    private typealias Judgement = (Finding.Level, String, String)

    private func access(
        _ place: MachineFacts.Place, _ owner: Ownership, isWritable: Bool
    ) -> Judgement? {
        if owner.mode & 0o022 != 0, owner.mode & 0o1000 == 0 {
            return (
                .problem, "may be written to by others (mode \(String(owner.mode, radix: 8)))",
                "chmod go-w \(HumanText.commandLine([place.path]))"
            )
        }
        if owner.user != facts.user {
            let rest =
                isWritable ? "what you start there would be yours" : "you may not write to it"
            return (
                isWritable ? .note : .problem,
                "belongs to user \(owner.user), and you are user \(facts.user): \(rest)",
                "call supervise as that user, or give another place with --state-dir"
            )
        }
        if isWritable { return nil }
        return (
            .problem, "cannot be written to",
            "chmod u+rwx \(HumanText.commandLine([place.path])), or mount it writable"
        )
    }

    private func space(_ mount: Mount) -> Judgement? {
        if mount.isReadOnly {
            return (.problem, "is mounted read-only", "mount it writable")
        }
        if mount.free < Self.leastFree {
            return (
                .problem, "has \(SizeText.format(mount.free)) left",
                "make room there: a checkpoint that does not fit is refused"
            )
        }
        if mount.files > 0, mount.freeFiles < 1000 {
            return (
                .problem, "has room for \(mount.freeFiles) more files only",
                "delete files there: a checkpoint of many would be refused"
            )
        }
        // Five percent of a large disk is a lot; of all others it is soon gone.
        if mount.free < mount.size / 20, mount.free < 20_000_000_000 {
            return (
                .note, "has \(SizeText.format(mount.free)) left, less than 5 %",
                "make room, or keep fewer checkpoints with --keep-last"
            )
        }
        return nil
    }

    /// What fsync is worth there.
    private func durability(_ mount: Mount) -> Judgement? {
        switch mount.kind {
        case "overlay":
            return (
                .note, "is on overlay, as in a container: what is there goes with the container",
                "mount a volume there, or give one with --state-dir"
            )
        case "tmpfs", "ramfs":
            return (
                .note, "is in memory (\(mount.kind)): nothing there survives a reboot",
                "give a place on a disk with --state-dir"
            )
        case "9p", "fuse", "virtiofs":
            return (
                .note, "is on \(mount.kind), which may say that data is safe before it is",
                "after a power cut expect to lose the newest checkpoints, or use a local disk"
            )
        case "nfs", "cifs", "smb", "smb2", "ceph", "lustre", "gpfs", "afs", "gfs2", "ocfs2",
            "beegfs":
            return (
                .note, "is on the network (\(mount.kind)): other machines may use the same runs",
                "start a run on one machine at a time"
            )
        default: return nil
        }
    }
}

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

extension DoctorReader {
    /// Of the places where runs are kept, those that another user may change.
    func weakPlaces(
        _ places: [MachineFacts.Place], _ runs: [RunFacts]
    ) -> [MachineFacts.WeakPlace] {
        let hasJobOfAnother = runs.contains { run in
            guard case .success(let record) = run.record else { return false }
            return record.options[OptionName.user.rawValue] != nil
        }
        return places.compactMap { place in
            guard let walk = try? PathWalk.look(place.path) else { return nil }
            let trust = PlaceTrust(steps: walk.trustSteps)
            let verdict = trust.verdict(
                user: user, group: groupId(), jobIsAnother: hasJobOfAnother)
            switch verdict {
            case .trusted: return nil
            case .warned(let weakness), .refused(let weakness):
                // Faults of the place itself are reported with the place.
                if weakness.step.path == walk.steps.last?.path { return nil }
                return .init(
                    label: place.label, path: place.path, weakness: weakness,
                    hasJobOfAnother: hasJobOfAnother)
            }
        }
    }
}

/// Who else may decide what a path leads to.
extension MachineDoctor {
    var trust: [Finding] {
        facts.weakPlaces.map { place in
            let what = PlaceText.what(place.weakness)
            let isRefused = facts.user == 0 && place.hasJobOfAnother
            let beside = PlaceText.beside(place.weakness.step.path)
            let make = HumanText.commandLine(["install", "-d", "-m", "711", beside])
            let path = HumanText.printable(place.path)
            let then = isRefused ? "; a start with --user is refused there" : ", and may replace it"
            return Finding(
                isRefused ? .problem : .note, place.label, "\(path): \(what)\(then)",
                advice: facts.user == 0
                    ? "keep it in a directory of root's (\(make)), or run the job in a unit of that "
                        + "user (systemctl --user)"
                    : "keep it below directories that only you and root can change")
        }
    }
}
