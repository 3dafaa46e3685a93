import SuperviseCore
import SuperviseFormats

/// A supervisor on the desk: told of one event after the other, at times that the test chooses.
struct Desk {
    var supervisor: Supervisor
    /// Nanoseconds.
    private(set) var now: Int64 = 0
    /// What the end waits for is answered at once.
    var endsAtOnce = true
    /// There is no old output, and there are no old events.
    var hasNoLogs = true

    static let firstToken = "0123456789abcdef"

    static func record() -> RunRecord {
        RunRecord(
            name: "run", command: ["job"], directory: "/", options: [:],
            checkpointDirectory: "/c", created: .zero, host: "h", bootID: "b", supervisorPID: 1,
            runToken: firstToken)
    }

    init(
        _ record: RunRecord = Desk.record(), checkpoints: [CheckpointID] = [],
        damaged: [DamagedCheckpoint] = [], mayHaveLeftovers: Bool = false,
        mayHaveArchives: Bool = false, seed: UInt64 = 1,
        manager: ServiceManager? = nil,
        _ change: (inout Settings) -> Void = { _ in }
    ) {
        var settings = Settings()
        settings.checkpointEvery = .off
        change(&settings)
        let found = Supervisor.Found(
            record: record, checkpoints: checkpoints.map(Desk.summary), damaged: damaged,
            mayHaveLeftovers: mayHaveLeftovers, mayHaveArchives: mayHaveArchives, socket: "/s",
            manager: manager)
        supervisor = Supervisor(
            settings: settings, found: found, seed: seed,
            at: Moment(instant: Instant(nanoseconds: 0), wall: .zero))
    }

    var moment: Moment {
        Moment(
            instant: Instant(nanoseconds: now), wall: Timestamp(milliseconds: now / 1_000_000))
    }

    static func summary(_ id: CheckpointID) -> CheckpointSummary {
        CheckpointSummary(id: id, created: .zero, bytes: 10, metrics: [:], path: "/c/\(id)")
    }

    @discardableResult
    mutating func tell(_ event: Event, after wait: Duration = .zero) -> [Action] {
        now += wait.wholeNanoseconds
        var actions = supervisor.handle(event, at: moment)
        let asksForLogs = actions.contains { if case .removeLogs = $0 { true } else { false } }
        if hasNoLogs, asksForLogs { actions += tell(.logsRemoved(.init())) }
        guard endsAtOnce, supervisor.isClosing else { return actions }
        return actions + actions.flatMap(\.answersAtEnd).flatMap { tell($0) }
    }

    @discardableResult
    mutating func say(
        _ message: JobMessage, on link: Int = 1, seq: Int64? = 7, after wait: Duration = .zero
    ) -> [Action] {
        tell(.received(message, from: ConnectionID(link), seq: seq), after: wait)
    }

    /// A job that has started and, where it speaks, said hello on connection 1.
    mutating func run(speaks: Bool = true, accepts: Bool = true) {
        var actions = tell(.started)
        if case .verify(let id, _)? = actions.first {
            actions = tell(.verified(id, .good(metadata: [:])))
        }
        tell(.recorded)
        tell(.spawned(pid: 100))
        if speaks { hello(accepts: accepts) }
    }

    @discardableResult
    mutating func hello(on link: Int = 1, accepts: Bool = true) -> [Action] {
        let token = supervisor.attempt?.token ?? ""
        return say(
            .hello(.init(token: token, accepts: accepts ? ["checkpoint"] : nil)), on: link)
    }

    /// Begins, and tells that the directory is there.
    mutating func begin(step: Int64? = 1, request: Int? = nil, on link: Int = 1) -> CheckpointID {
        say(.begin(.init(step: step, request: request)), on: link)
        let id = supervisor.openCheckpoint?.id ?? CheckpointID(sequence: 1, step: nil)
        tell(.stagingMade(id, path: "/staging/\(id)"))
        return id
    }

    /// A whole checkpoint, durable at the end; the actions of the last step.
    @discardableResult
    mutating func save(step: Int64? = 1, request: Int? = nil) -> [Action] {
        let id = begin(step: step, request: request)
        say(.commit(.init(id: id, request: request)))
        return tell(.committed(Desk.summary(id), seconds: 0.5))
    }

    /// The job ends, and nothing of it is left; the actions of the last step.
    @discardableResult
    mutating func end(_ end: JobEnd, after wait: Duration = .zero) -> [Action] {
        tell(.jobExited(end), after: wait)
        return tell(.descendantsGone)
    }

    /// An operator's command, on a connection of its own unless it is said which.
    @discardableResult
    mutating func control(
        _ command: String, checkpoint: Bool? = nil, on link: Int = 20,
        after wait: Duration = .zero
    ) -> [Action] {
        say(.control(.init(command: command, checkpoint: checkpoint)), on: link, after: wait)
    }

    /// From the wait after a failure to the next running job.
    mutating func restart() {
        let actions = tell(.timer(.backoff), after: .seconds(100))
        if case .verify(let id, _)? = actions.first {
            tell(.verified(id, .good(metadata: [:])))
        }
        // The disk is quicker than the wait.
        tell(.recordWritten(reserved: supervisor.record.attemptsReserved ?? 0))
        tell(.spawned(pid: 101))
    }
}

extension Action {
    /// What a machine that works answers to what is ordered at the end.
    var answersAtEnd: [Event] {
        switch self {
        case .record(let record, confirm: true):
            [record.outcome == nil ? .recorded : .lastRecorded]
        case .flushFiles: [.filesFlushed]
        case .flushOutput: [.readersServed, .outputFlushed]
        case .measureOutput: [.outputTaken(0)]
        case .acknowledge: [.acknowledged]
        case .giveUpRecord: [.recordGivenUp(isVisible: false)]
        case .remove(let ids): [.removed(ids, held: [])]
        default: []
        }
    }
}

extension [Action] {
    var sent: [SupervisorMessage] {
        compactMap { if case .send(let message, _, _) = $0 { message } else { nil } }
    }

    var errors: [ProtocolError.Code] {
        sent.compactMap { if case .error(let error) = $0 { error.code } else { nil } }
    }

    var requests: [CheckpointRequest] {
        sent.compactMap { if case .checkpointRequest(let wire) = $0 { wire } else { nil } }
    }

    var ending: Action.Ending? {
        lazy.compactMap { if case .exit(let ending) = $0 { ending } else { nil } }.first
    }

    var spawn: Action.SpawnOrder? {
        lazy.compactMap { if case .spawn(let order) = $0 { order } else { nil } }.first
    }

    var records: [RunRecord] {
        compactMap { if case .record(let record, _) = $0 { record } else { nil } }
    }

    var verified: CheckpointID? {
        lazy.compactMap { if case .verify(let id, _) = $0 { id } else { nil } }.first
    }

    var commit: CommitOrder? {
        lazy.compactMap {
            switch $0 {
            case .commit(let order), .add(let order, _): order
            default: nil
            }
        }.first
    }

    /// After which time a timer fires, in nanoseconds from the start.
    func timer(_ id: TimerID) -> Int64? {
        lazy.compactMap { if case .setTimer(id, let at) = $0 { at.nanoseconds } else { nil } }.first
    }

    var warnings: [String] {
        compactMap { if case .log(.warning(let warning)) = $0 { warning.message } else { nil } }
    }

    var tellsToStop: Bool {
        sent.contains { if case .stop = $0 { true } else { false } }
    }
}

let sigterm = Event.signal(.stop(number: 15, name: "SIGTERM"))
let sigint = Event.signal(.stop(number: 2, name: "SIGINT"))
let sighup = Event.signal(.hangUp(number: 1, name: "SIGHUP"))

func checkpoint(_ sequence: Int64, step: Int64? = nil) -> CheckpointID {
    CheckpointID(sequence: sequence, step: step)
}
