import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

/// A state directory of a test's own, with runs as a supervisor leaves them.
final class RunsOnDisk {
    let root: String
    let now = Timestamp(milliseconds: 1_795_237_441_000)

    init() throws {
        var template = Array("/tmp/supervise-runs-XXXXXX".utf8CString)
        root = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { try? Disk().removeTree(root) }

    /// Writes the record and the status of a run; both say that `pid` was its supervisor.
    @discardableResult
    func add(
        _ name: String, _ phase: Status.Phase = .finished, outcome: Outcome.Kind? = nil,
        pid: Int = Int(getpid()), options: [String: String] = [:], checkpoints: [Int64] = [],
        change: (inout Status) -> Void = { _ in }
    ) throws -> RunStore {
        let store = try store(name)
        try StateDirectory(root).prepare()
        try store.prepare()
        var record = RunRecord(
            name: name, command: ["python3", "train.py"], directory: "/data/work",
            options: options, checkpointDirectory: store.paths.payload, created: ago(500),
            host: "here", bootID: "boot", supervisorPID: pid, runToken: "0123456789abcdef")
        record.attempt = 2
        record.commits = checkpoints.count
        record.outcome = outcome.map { Outcome(kind: $0) }
        try store.record.save(record)
        for sequence in checkpoints { try commit(sequence, to: store) }
        var status = Status(
            name: name, phase: phase, command: record.command, supervisorPID: pid, attempt: 2,
            started: ago(192), updated: ago(3))
        status.outcome = record.outcome
        change(&status)
        try store.derived.publish(status)
        return store
    }

    func store(_ name: String) throws -> RunStore {
        RunStore(RunPaths(stateDirectory: root, name: try #require(RunName(name))))
    }

    /// Takes a run's lock, as its supervisor does.
    func lock(_ name: String) throws -> FileLock {
        guard case .taken(let lock) = try RunLock.acquire(try store(name).paths) else {
            throw SystemError(call: "lock", code: EAGAIN, subject: name)
        }
        return lock
    }

    func ago(_ seconds: Double) -> Timestamp { now.advanced(bySeconds: -seconds) }

    /// A checkpoint at the step of its number, a minute old for each that is missing to 10.
    private func commit(_ sequence: Int64, to store: RunStore) throws {
        let id = CheckpointID(sequence: sequence, step: sequence)
        let directory = try store.staging.make(id)
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 51_234)
        try Disk().writeFile("\(directory)/w.json", content)
        _ = try store.staging.commit(
            CommitOrder(
                id: id, reason: .interval, attempt: 1,
                parent: sequence > 1 ? CheckpointID(sequence: sequence - 1, step: nil) : nil,
                created: ago(Double(10 - sequence) * 60), secondsSoFar: 0.004,
                metrics: ["loss": 0.25], metadata: ["note": .string("a\u{1B}b")]))
    }

    /// Every file and directory below a path, with all that changes when it is written to.
    func snapshot() throws -> [String: FileStatus] {
        var found: [String: FileStatus] = [:]
        var waiting = [root]
        while let path = waiting.popLast() {
            let status = try Disk().status(path)
            found[path] = status
            guard status.kind == .directory else { continue }
            waiting += try Disk().list(path).map { "\(path)/\($0.name)" }
        }
        return found
    }

    /// A call of a command with this state directory.
    func call(_ command: String, _ arguments: [String] = []) throws -> Answer {
        try answer([command, "--state-dir", root] + arguments, surroundings)
    }

    /// What a call of a command with this state directory complains about.
    func refusal(_ command: String, _ arguments: [String] = []) -> Complaint? {
        complaint([command, "--state-dir", root] + arguments, surroundings)
    }

    private var surroundings: Surroundings {
        var surroundings = place()
        surroundings.now = now
        surroundings.width = nil
        return surroundings
    }
}
