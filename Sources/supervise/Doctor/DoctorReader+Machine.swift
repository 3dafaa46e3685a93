import SuperviseCore
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

/// What the doctor knows of the machine, as far as runs depend on it.
struct MachineFacts: Sendable {
    /// Who asks.
    var user: UInt32 = 0
    /// Where the runs are kept, and other places that some have their checkpoints in.
    var places: [Place] = []
    /// Those of them that another user may change.
    var weakPlaces: [WeakPlace] = []
    var socket: Socket = .ours("")
    /// How many files a process may have open.
    var descriptors = 1024
    /// How many processes there may be, and are, by the narrowest limit; nil where nothing limits it.
    var processes: (most: Int, now: Int)?
    /// How many locks there are of runs that are gone.
    var strayLocks = 0
    /// Whether /proc can be read.
    var hasProc = true
    /// System calls that we would use and that are refused here.
    var refusedCalls: [RefusedCall] = []
    var now: Timestamp
    /// The newest time that any run tells of.
    var newest: Timestamp?
    /// Those that were found, of the programs that features need.
    var programs: Set<String> = []

    /// A directory that runs are kept in, with what another user may change on the way to it.
    struct WeakPlace: Sendable {
        var label: String
        var path: String
        var weakness: PlaceTrust.Weakness
        /// A run in it has a job that is another user.
        var hasJobOfAnother: Bool
    }

    /// A directory that runs are kept in.
    struct Place: Sendable {
        var label: String
        var path: String
        var state: State
        enum State: Sendable {
            /// It will be made.
            case missing
            case noDirectory
            case unreadable(String)
            case there(Mount, Ownership, isWritable: Bool)
        }
    }

    /// Where the socket of a run would be.
    enum Socket: Sendable {
        case ours(String)
        /// It will be made, as the directory above it is there and may be written to.
        case possible(String)
        case refused(String, reason: String)
    }
}
