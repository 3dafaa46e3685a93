import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Judges a run: from facts to findings, and nothing else.
struct RunDoctor {
    let facts: RunFacts

    func findings() -> [Finding] {
        if facts.isInitial, hasNoCheckpoint {
            let text = "made by supervise init; it has not begun"
            return [lock, finding(.ok, "record", text)] + access
        }
        if facts.record == nil, case .failure(.missing) = facts.checkpoints {
            return [
                finding(
                    .note, "record", "there is no run in \(HumanText.printable(facts.path))",
                    "nothing, unless run.json and checkpoints have gone from it")
            ]
        }
        return [lock, socket].compactMap(\.self) + record + origin + status + notices + checkpoints
            + [tenancy, pins, room].compactMap { $0 } + leftovers
            + access
            + facts.jobFaults.map { finding("job", sentence: $0) }
            + programs
    }

    /// They may be in a directory of their own, which only the start is given.
    private var hasNoCheckpoint: Bool {
        switch facts.checkpoints {
        case .success(let found): found.checkpoints.isEmpty && found.damaged.isEmpty
        case .failure(.missing): true
        case .failure: false
        }
    }

    private func finding(
        _ level: Finding.Level, _ subject: String, _ text: String, _ advice: String? = nil
    ) -> Finding {
        Finding(level, subject, text, run: facts.name.description, advice: advice)
    }

    /// The sentence of an error is what happened, and after a semicolon what to do.
    private func finding(_ subject: String, _ error: StoreError) -> Finding {
        finding(subject, sentence: "\(error)")
    }

    fileprivate func finding(_ subject: String, sentence: String) -> Finding {
        finding(.problem, subject, sentence: sentence)
    }

    private func finding(
        _ level: Finding.Level, _ subject: String, sentence: String
    ) -> Finding {
        let parts = sentence.split(separator: ";", maxSplits: 1).map(String.init)
        let advice = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : nil
        return finding(level, subject, parts.first ?? "", advice)
    }

    private var isRunning: Bool {
        if case .success(.process) = facts.holder { true } else { false }
    }

    private var lock: Finding {
        switch facts.holder {
        case .failure(let error): return finding("lock", error)
        case .success(.nobody): return finding(.ok, "lock", "free: nobody is at work on it")
        case .success(.process(let pid)):
            let who = pid.map { "pid \($0)\(facts.distance.phrase)" } ?? "a process"
            guard facts.holderLives else {
                return finding(
                    .note, "lock", "held by the guard of \(who), which is gone: it ends the job",
                    "wait a moment; where that stays so, look for what of the job cannot be ended")
            }
            return finding(.ok, "lock", "held by \(who)")
        }
    }

    /// Whether operators reach the supervisor from here.
    private var socket: Finding? {
        switch facts.reach {
        case nil: return nil
        case .answered(let path):
            return finding(.ok, "socket", "answers at \(HumanText.printable(path))")
        case .failed(let reason):
            let call = ["supervise", "doctor", facts.name.description]
            return finding(
                .problem, "socket", "its supervisor cannot be reached: \(reason)",
                facts.distance.advice(call)
                    ?? "call it as the user who runs it; if it was stopped, kill -CONT its pid")
        }
    }

    private var record: [Finding] {
        switch facts.record {
        case nil:
            return [
                finding(
                    .problem, "record", "there is a directory and no run.json in it",
                    "bring run.json back; without it a start goes on from the newest checkpoint, "
                        + "and counts attempts and failures anew")
            ]
        case .failure(let error): return [finding("record", error)]
        case .success(let record):
            var findings = [
                finding(.ok, "record", "attempt \(record.attempt), \(record.commits) commits")
            ]
            if record.name != facts.name.name.description {
                let name = HumanText.printable(record.name)
                findings.append(
                    finding(
                        .note, "record", "it is that of a run called \(name)",
                        "nothing: the next start calls it \(facts.name)"))
            }
            if record.outcome == nil, record.host != facts.host, !isRunning,
                !facts.name.isArchived
            {
                let host = HumanText.printable(record.host)
                findings.append(
                    finding(
                        .note, "record",
                        "it was last at work on \(host), which is not this machine",
                        "make sure that it is not running there"))
            }
            return findings
        }
    }

    private var origin: [Finding] {
        guard let origin = facts.origin, case .success(let record) = facts.record else { return [] }
        let name = facts.name.name
        if let sentence = StartText.refusal(origin, record, name: name) {
            return [finding("origin", sentence: sentence)]
        }
        return [StartText.line(origin, record, name: name)].compactMap { $0 }.map {
            finding(.note, "origin", sentence: $0)
        }
    }

    private var tenancy: Finding? {
        facts.tenancy.map { finding($0.level, "owner", sentence: $0.sentence) }
    }

    private var status: [Finding] {
        switch facts.status {
        case .failure(.garbage(_, let reason)):
            return [
                finding(
                    .note, "status", "status.json is damaged (\(reason))",
                    "nothing: the next start writes it anew")
            ]
        case .failure(let error): return [finding("status", error)]
        case .success(let status):
            let record = try? facts.record?.get()
            guard !isRunning, let status,
                (Settlement.settled(status, by: record) ?? status).outcome?.isLost == true
            else { return [] }
            return [
                finding(
                    .note, "status",
                    "its supervisor (pid \(status.supervisorPID)) is gone without an end",
                    facts.name.isArchived
                        ? "nothing: it is in the archive"
                        : HumanText.commandLine(
                            ["supervise", "resume", facts.name.description] + facts.placeOption))
            ]
        }
    }

    /// Whoever is to tell that the machine is taken away, and does not answer.
    private var notices: [Finding] {
        guard isRunning, case .success(let status?) = facts.status else { return [] }
        let failing = (status.preemption?.sources ?? []).filter { $0.state == .failing }
        return failing.map {
            finding(
                .problem, "notices",
                sentence: HumanText.printable("--preempt \($0.name) fails: \($0.error ?? "")"))
        }
    }

    private var checkpoints: [Finding] {
        let found: Scan
        switch facts.checkpoints {
        case .failure(let error): return [finding("checkpoints", error)]
        case .success(let scan): found = scan
        }
        let bytes = found.checkpoints.sizeOnDisk
        var findings: [Finding] = []
        for damage in found.damaged {
            findings.append(bad(damage.id, damage.reason))
        }
        for rot in facts.rotten ?? [] where !found.damaged.contains(where: { $0.id == rot.id }) {
            findings.append(bad(rot.id, rot.reason))
        }
        let count = HumanText.count(found.checkpoints.count, "checkpoint")
        let depth = facts.rotten == nil ? "manifests read" : "every byte read"
        if findings.isEmpty {
            let text = "\(count), \(SizeText.format(bytes)), \(depth)"
            findings.append(finding(.ok, "checkpoints", text))
        }
        if found.checkpoints.isEmpty, case .success(let record) = facts.record, record.commits > 0 {
            findings.append(
                finding(
                    .problem, "checkpoints",
                    "there are none, and \(record.commits) were committed",
                    "mount their disk, or begin anew with --resume-from none"))
        }
        return findings
    }

    private func bad(_ id: CheckpointID, _ reason: String) -> Finding {
        finding(
            .problem, "checkpoint", "\(id): \(HumanText.printable(reason))",
            "bring its files back; else a resume sets it aside and uses an older one")
    }
}

extension RunDoctor {
    private var pins: Finding? {
        facts.pinsFault.map { finding("pins", sentence: $0) }
    }

    /// Whether the next checkpoint fits, if it is like the newest.
    private var room: Finding? {
        guard let free = facts.free, case .success(let found) = facts.checkpoints,
            let newest = found.checkpoints.last, free < 2 * newest.bytes
        else { return nil }
        return finding(
            free < newest.bytes ? .problem : .note, "space",
            "\(SizeText.format(free)) left, and the newest checkpoint has "
                + SizeText.format(newest.bytes),
            "make room, or keep fewer with --keep-last")
    }

    private var leftovers: [Finding] {
        guard case .success(let found) = facts.checkpoints else { return [] }
        var findings: [Finding] = []
        let unfinished = found.staging.count + found.trash.count
        if unfinished > 0, !isRunning {
            findings.append(
                finding(
                    .note, "leftovers",
                    "\(HumanText.count(unfinished, "checkpoint")) half written or half deleted",
                    "nothing: the next start removes them"))
        }
        if !found.setAside.isEmpty {
            let names = found.setAside.map(HumanText.printable).joined(separator: ", ")
            findings.append(
                finding(
                    .note, "set aside", "\(names): did not verify",
                    "look what became of them, check that disk, then delete them"))
        }
        let bad = facts.names.filter { $0.hasSuffix(".bad") }.map(HumanText.printable)
        if !bad.isEmpty {
            findings.append(
                finding(
                    .note, "derived", "\(bad.joined(separator: ", ")): could not be read",
                    "nothing: they were written anew; delete them when you like"))
        }
        return findings
    }

    private var access: [Finding] {
        facts.exposed.map { exposed in
            let path = HumanText.printable(exposed.path)
            let mode = String(exposed.owner.mode, radix: 8)
            return finding(
                .problem, "access", "\(path) belongs to user \(exposed.owner.user), mode \(mode)",
                "all of a run belongs to who runs it, and nobody else may write to it")
        }
    }

    private var programs: [Finding] {
        facts.missingPrograms.map {
            finding(.problem, "programs", "an option of the run needs \($0)", "install it")
        }
    }
}
