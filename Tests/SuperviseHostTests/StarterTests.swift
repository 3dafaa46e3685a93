import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// What a start finds and puts in place. No job is started here.
@Suite("Starter")
final class StarterTests {
    private let place: TemporaryDirectory
    private var said: [String] = []

    init() throws {
        place = try TemporaryDirectory()
    }

    private var state: String { "\(place.path)/state" }

    private func request(_ change: (inout RunRequest) -> Void = { _ in }) -> RunRequest {
        var request = RunRequest(
            command: ["python3", "train.py"], directory: "/work", options: ["keep-last": "3"],
            stateDirectory: state, settings: Settings())
        request.name = RunName("it")
        change(&request)
        return request
    }

    /// Starts, and looks at the session.
    private func start<Result>(
        _ request: RunRequest, _ look: (Session) throws -> Result
    ) throws -> Result {
        guard case .session(let session) = try start(request) else {
            throw TestFailure("it has completed")
        }
        return try look(session)
    }

    /// Other tests fork at the same time, and between that and their exec these children share the
    /// lock of a session that is over here.
    private func start(_ request: RunRequest) throws -> Starter.Start {
        while true {
            said = []
            let console = Console(request) { [unowned self] in said.append($0) }
            do {
                return try Starter(request: request, console: console).start()
            } catch {
                guard "\(error)".contains("in use by pid \(processId())") else { throw error }
                withExtendedLifetime(try FileLock.takeWaiting("\(state)/.locks/it")) {}
            }
        }
    }

    /// A run with checkpoints, as an earlier supervisor left it.
    private func leave(
        checkpoints: Int, outcome: Outcome.Kind?, _ request: RunRequest? = nil
    ) throws {
        try start(request ?? self.request()) { session in
            var record = session.found.record
            record.attempt = 2
            record.commits = checkpoints
            if let outcome { record.outcome = Outcome(kind: outcome) }
            for number in 0..<checkpoints {
                let file = try place.write("file", "\(number)")
                let id = CheckpointID(sequence: Int64(number + 1), step: nil)
                let order = CommitOrder(
                    id: id, reason: .job, attempt: 1, parent: nil, created: record.created,
                    secondsSoFar: 1)
                _ = try session.store.staging.add(AddOrder(source: file, commit: order))
            }
            try session.store.record.save(record)
        }
    }

    @Test("a new run has a record that nobody has seen, the lock, and nothing to resume from")
    func newRun() throws {
        try start(request()) { session in
            let record = session.found.record
            #expect(record.command == ["python3", "train.py"])
            #expect(record.directory == "/work")
            #expect(record.options == ["keep-last": "3"])
            #expect(record.runToken.utf8.count == 16)
            #expect(record.supervisorPID == Int(processId()))
            #expect(record.checkpointDirectory == nil)
            #expect(record.home?.path == "\(state)/it")
            #expect(session.found.checkpoints.isEmpty)
            #expect(!session.found.mayHaveLeftovers)
            let saved = try session.store.record.load()
            #expect(saved == nil)
            let holder = try FileLock.holder("\(state)/.locks/it")
            #expect(holder == .process(processId()))
        }
        #expect(said.isEmpty)
    }

    @Test("the default name is that of the script, and tells directories and arguments apart")
    func standardName() throws {
        func name(_ change: (inout RunRequest) -> Void) throws -> String {
            let request = request { request in
                request.name = nil
                change(&request)
            }
            return try start(request) { $0.found.record.name }
        }
        let names = try [
            name { _ in }, name { $0.directory = "/elsewhere" }, name { $0.command += ["--lr=1"] },
        ]
        #expect(Set(names).count == 3)
        #expect(names.allSatisfy { $0.hasPrefix("train-") })
        #expect(try name { _ in } == names[0])
    }

    @Test(
        "what was stopped, failed or orphaned is gone on with",
        arguments: [Outcome.Kind.stopped, .failed, .preempted, nil])
    func goesOn(outcome: Outcome.Kind?) throws {
        try leave(checkpoints: 2, outcome: outcome)
        try start(request { $0.options = [:] }) { session in
            #expect(session.found.checkpoints.map(\.id.sequence) == [1, 2])
            #expect(session.found.record.attempt == 2)
            #expect(session.found.record.options == [:])
            #expect(session.found.mayHaveLeftovers == (outcome == nil))
        }
        #expect(said.isEmpty)
        #expect(!pathExists("\(state)/.archive"))
    }

    @Test("a run that has completed begins anew, and the old one is in the archive")
    func completedAgain() throws {
        try leave(checkpoints: 2, outcome: .completed)
        try start(request()) { session in
            #expect(session.found.checkpoints.isEmpty)
            #expect(session.found.record.attempt == 0)
        }
        #expect(try Disk().list("\(state)/.archive").filter { $0.name.hasPrefix("it-") }.count == 1)
    }

    @Test("unless nothing is to be done then, or a checkpoint of it is named")
    func completedOtherwise() throws {
        try leave(checkpoints: 2, outcome: .completed)
        let exit = request { $0.whenCompleted = .exit }
        guard case .alreadyCompleted = try start(exit) else { throw TestFailure("it begins again") }
        let named = request {
            $0.settings.resumeFrom = .checkpoint(.init(sequence: 1, step: nil))
        }
        try start(named) { #expect($0.found.checkpoints.count == 2) }
        #expect(!pathExists("\(state)/.archive"))
        try start(
            request {
                $0.fresh = true; $0.whenCompleted = .exit
            }
        ) {
            #expect($0.found.checkpoints.isEmpty)
        }
    }

    @Test("a fresh one archives whatever there is")
    func fresh() throws {
        try leave(checkpoints: 1, outcome: nil)
        let token = try start(request()) { $0.found.record.runToken }
        try start(request { $0.fresh = true }) { session in
            #expect(session.found.checkpoints.isEmpty)
            #expect(session.found.record.attempt == 0)
            // Its predecessor may still have processes: they are told by the run's token.
            #expect(session.found.mayHaveLeftovers == (session.found.record.runToken == token))
        }
    }

    @Test("checkpoints stay where they were put, unless another place is asked for")
    func checkpointDirectory() throws {
        let elsewhere = "\(place.path)/elsewhere"
        try leave(
            checkpoints: 1, outcome: .stopped, request { $0.checkpointDirectory = elsewhere })
        #expect(pathExists("\(elsewhere)/it/checkpoints/000001"))
        try start(request()) { session in
            #expect(session.store.paths.payload == "\(elsewhere)/it")
            #expect(session.found.checkpoints.count == 1)
            #expect(session.found.record.checkpointDirectory == "\(elsewhere)/it")
        }
    }

    @Test("a directory of checkpoints that is gone is an error, and nothing is made in its place")
    func missingCheckpoints() throws {
        try leave(checkpoints: 1, outcome: .stopped)
        try Disk().rename("\(state)/it/checkpoints", to: "\(place.path)/away")
        let error = try #require(throws: HostError.self) { try start(request()) { _ in } }
        #expect(error.description.contains("\(state)/it/checkpoints"))
        #expect(!pathExists("\(state)/it/checkpoints"))
    }

    @Test("other arguments under the same name go on, and say so; another program is refused")
    func anotherCommand() throws {
        try leave(checkpoints: 1, outcome: .stopped)
        try start(request { $0.command = ["python3", "train.py", "--more"] }) { session in
            #expect(session.found.record.command == ["python3", "train.py", "--more"])
        }
        #expect(said.count == 1)
        #expect(said[0].contains("(python3 train.py in /work); going on with this one"))
        let other = request { $0.command = ["python3", "other.py"] }
        let error = try #require(throws: HostError.self) { try start(other) { _ in } }
        for part in ["train.py", "other.py", "--name", "--fresh", "--adopt"] {
            #expect(error.description.contains(part))
        }
        #expect(!error.description.contains("\n"))
    }

    @Test("where it is refused, what there is stays as it is")
    func refused() throws {
        try leave(checkpoints: 1, outcome: .stopped)
        try place.write("state/it/run.json", "no record")
        let error = try #require(throws: HostError.self) { try start(request()) { _ in } }
        #expect(error.description.contains("run.json"))
        #expect(try place.read("state/it/run.json") == "no record")
        #expect(pathExists("\(state)/it/checkpoints/000001"))
    }
}
