import SuperviseFormats
import SuperviseHost
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
