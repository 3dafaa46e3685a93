import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

/// A run on a disk of some kind, with what tests do to it.
struct Scene {
    let store: RunStore
    let files: any FileSystem

    static let state = "/state"

    /// - Parameter checkpointRoot: keeps the checkpoints apart from the rest.
    init(
        _ files: any FileSystem, state: String = Self.state, checkpointRoot: String? = nil,
        limits: StoreLimits = .init()
    ) throws {
        self.files = files
        let name = try #require(RunName("run"))
        let paths = RunPaths(stateDirectory: state, name: name, checkpointRoot: checkpointRoot)
        store = RunStore(paths, files: files, limits: limits)
    }

    /// A run that has begun: all directories, and a record.
    static func begun(
        _ files: any FileSystem, state: String = Self.state, checkpointRoot: String? = nil
    ) throws -> Scene {
        let scene = try Scene(files, state: state, checkpointRoot: checkpointRoot)
        try scene.start()
        try scene.store.record.save(scene.record())
        return scene
    }

    func start() throws {
        try StateDirectory(store.paths.stateDirectory, files: files).prepare()
        try store.prepare()
    }

    /// - Parameter commits: tells one record from another.
    func record(commits: Int = 0) -> RunRecord {
        var record = RunRecord(
            name: "run", command: ["true"], directory: "/", options: [:],
            checkpointDirectory: store.paths.payload, created: Timestamp(milliseconds: 0),
            host: "here", bootID: "1", supervisorPID: 1,
            runToken: String(repeating: "0", count: 16))
        record.commits = commits
        return record
    }

    func order(_ id: CheckpointID) -> CommitOrder {
        CommitOrder(
            id: id, reason: .interval, attempt: 1, parent: nil,
            created: Timestamp(milliseconds: 1_700_000_000_000), secondsSoFar: 1.5,
            metrics: ["loss": 0.5], metadata: ["note": .string("as it is")])
    }

    /// What a job does between `begin` and `commit`: three files in two directories, none synced.
    func write(_ id: CheckpointID) throws {
        let data = try store.staging.make(id)
        try files.makeDirectory("\(data)/part")
        try files.writeFile("\(data)/model.bin", Array("model \(id)".utf8))
        try files.writeFile("\(data)/empty", [])
        try files.writeFile("\(data)/part/state.json", Array("{\"id\":\"\(id)\"}".utf8))
    }

    @discardableResult
    func commit(_ id: CheckpointID) throws -> CheckpointSummary {
        try write(id)
        return try store.staging.commit(order(id))
    }

    @discardableResult
    func add(
        _ id: CheckpointID, _ original: Original, _ mode: AddMode, warn: (String) -> Void = { _ in }
    ) throws -> CheckpointSummary {
        let order = AddOrder(source: original.path, mode: mode, commit: order(id))
        return try store.staging.add(order, warn: warn)
    }

    func path(_ id: CheckpointID, _ name: String) -> String {
        "\(store.paths.checkpoint(id))/\(name)"
    }

    func isGood(_ id: CheckpointID) throws -> Bool {
        guard case .good = try store.checkpoints.verify(id) else { return false }
        return true
    }
}

/// Counts from any thread.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// `000001-step-10` for 1.
func id(_ sequence: Int64) -> CheckpointID {
    CheckpointID(sequence: sequence, step: sequence * 10)
}

func event(_ number: Int) -> LoggedEvent {
    LoggedEvent(
        at: Timestamp(milliseconds: Int64(number)),
        event: .warning(.init(message: "number \(number)")))
}

func status(attempt: Int) -> Status {
    Status(
        name: "run", phase: .running, command: ["true"], supervisorPID: 1, attempt: attempt,
        started: Timestamp(milliseconds: 0), updated: Timestamp(milliseconds: 0))
}

/// Counted on any thread.
final class Total: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }

    func add(_ more: Int) { value.withLock { $0 += more } }
}
