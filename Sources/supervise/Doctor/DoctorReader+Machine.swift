import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem

extension DoctorReader {
    /// - Parameter runs: those that were looked at, for where their checkpoints are.
    func machine(_ runs: [RunFacts]) -> MachineFacts {
        var facts = MachineFacts(now: surroundings.now)
        facts.user = user
        facts.places = [look("state", place.directory)] + payloads(runs)
        facts.weakPlaces = weakPlaces(facts.places, runs)
        facts.strayLocks = strayLocks()
        facts.socket = socket()
        facts.descriptors = descriptorLimit(isHard: true)
        facts.processes = processes()
        facts.hasProc = (try? bootId()) != nil
        facts.refusedCalls = RefusedCall.all()
        facts.newest = runs.compactMap(newest).max()
        facts.programs = Set(
            MachineDoctor.helpers.map(\.0).filter {
                pathOfProgram($0, in: surroundings.environment["PATH"]) != nil
            })
        return facts
    }

    private func look(_ label: String, _ path: String) -> MachineFacts.Place {
        var state: MachineFacts.Place.State
        do throws(SystemError) {
            let directory = try Disk().resolved(path)
            if try Disk().status(directory).kind == .directory {
                state = .there(
                    try Mount.of(directory), try Ownership.of(directory),
                    isWritable: mayWrite(directory))
            } else {
                state = .noDirectory
            }
        } catch {
            state = error.isMissing ? .missing : .unreadable("\(error)")
            if error.isNoDirectory { state = .noDirectory }
        }
        return MachineFacts.Place(label: label, path: path, state: state)
    }

    private func strayLocks() -> Int {
        let locks = (try? Disk().list("\(place.directory)/.locks")) ?? []
        return locks.count {
            RunName($0.name) != nil && !pathExists("\(place.directory)/\($0.name)")
        }
    }

    /// Places that runs have their checkpoints in, where it is not with the rest.
    private func payloads(_ runs: [RunFacts]) -> [MachineFacts.Place] {
        var seen: Set<FilePath> = []
        return runs.compactMap { run in
            guard case .success(let record) = run.record, let place = record.checkpointDirectory,
                FilePath(place) != FilePath(run.path), seen.insert(FilePath(place)).inserted
            else { return nil }
            return look("checkpoints", place)
        }
    }

    private func newest(_ run: RunFacts) -> Timestamp? {
        var times: [Timestamp] = []
        if case .success(let found) = run.checkpoints { times += found.checkpoints.map(\.created) }
        if case .success(let record) = run.record { times.append(record.created) }
        return times.max()
    }

    /// As a run would choose it, without making anything.
    private func socket() -> MachineFacts.Socket {
        let given = surroundings.environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first
        let base = surroundings.absoluteVariable("XDG_RUNTIME_DIR")
        let own = surroundings.absoluteVariable("TMPDIR").map { "\($0)/supervise-\(user)" }
        let candidates =
            given.map { [String($0)] }
            ?? [base.map { "\($0)/supervise" }, own, "/tmp/supervise-\(user)"].compactMap { $0 }
        var refusal = MachineFacts.Socket.refused("/tmp", reason: "it is not there")
        for path in candidates {
            if path.utf8.count + Self.rest > 100 {
                refusal = .refused(path, reason: "its path is too long")
                if path == own { continue }
                return refusal
            }
            let parent = parent(of: path)
            guard let owner = try? Ownership.of(path) else {
                if mayWrite(parent) { return .possible(path) }
                refusal = .refused(path, reason: "it is not there, and cannot be made")
                continue
            }
            if given != nil {
                if mayWrite(path) { return .ours(path) }
            } else if owner == Ownership(user: user, mode: 0o700) {
                return .ours(path)
            }
            let mode = String(owner.mode, radix: 8)
            refusal = .refused(path, reason: "it belongs to user \(owner.user), mode \(mode)")
        }
        guard given == nil else { return refusal }
        // A run makes one of another name in /tmp.
        if mayWrite("/tmp") { return .possible("/tmp/supervise.…") }
        let last = "\(place.directory)/.sockets"
        let above = sequence(first: place.directory) { $0 == "/" ? nil : parent(of: $0) }
        guard last.utf8.count + Self.rest <= 100, mayWrite(above.first(where: pathExists) ?? "/")
        else { return refusal }
        return .possible(last)
    }

    /// A directory for the run and the socket's name, with their slashes, in bytes.
    private static let rest = 22

    /// The narrower of what a container or unit may have and what the machine can.
    private func processes() -> (most: Int, now: Int)? {
        let text = (try? readSmallFile("/proc/self/cgroup")) ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::") }) else {
            return nil
        }
        let directory = "/sys/fs/cgroup" + line.dropFirst(3)
        func number(_ name: String) -> Int? {
            let text = try? readSmallFile("\(directory)/\(name)")
            return text.flatMap { Int($0.prefix { $0.isNumber }) }
        }
        guard let most = number("pids.max"), let now = number("pids.current") else { return nil }
        return (most, now)
    }
}
