import SuperviseCore
import SuperviseFormats

/// A supervisor with the plainest of hosts: what it orders is done when the next letter says so, in
/// order, or fails. The job does nothing by itself, and only SIGKILL ends it.
///
/// A value, so that a history can be gone on from in every way.
struct Bench {
    /// What can happen next.
    enum Letter: CaseIterable {
        /// The oldest order is done.
        case done
        /// It fails.
        case fails
        /// The next timer goes off.
        case clock
        case crash
        case complete
        /// The job says what comes next: hello, begin, commit.
        case speak
        case giveUp
        case checkpoint
        case stop
        case restart
        case pause
        case stoodStill
        /// The machine is taken away.
        case notice
    }

    private(set) var supervisor: Supervisor
    private(set) var now: Int64 = 1_000_000_000
    private(set) var isOver = false
    private var isAskedToStop = false
    /// For so long nothing was played before another signal came: no delay of the supervisor's.
    private var idle: Int64 = 0
    /// The events that come of what was ordered.
    private var answers: [Event] = []
    private var ledger = Ledger()
    private var stop = StopWitness()
    private var pause = PauseWitness()
    private var requests = RequestWitness()
    private var timers = TimerWitness()
    private var publishing = PublishWitness()
    private var preemption = PreemptionWitness()
    private let settings: Settings

    init(_ change: (inout Settings) -> Void = { _ in }) {
        var settings = Settings()
        settings.checkpointEvery = .every(.seconds(300))
        settings.checkpointTimeout = .seconds(60)
        settings.maxFailures = 2
        change(&settings)
        self.settings = settings
        let found = Supervisor.Found(
            record: Desk.record(), checkpoints: [Desk.summary(checkpoint(1, step: 1))])
        supervisor = Supervisor(
            settings: settings, found: found, seed: 7,
            at: Moment(instant: Instant(nanoseconds: now), wall: .zero))
    }

    mutating func start() throws(Violation) { try tell(.started) }

    /// - Returns: whether the letter means anything now.
    mutating func play(_ letter: Letter) throws(Violation) -> Bool {
        let runs = ledger.isSpawned
        switch letter {
        case .done:
            guard !answers.isEmpty else { return false }
            try tell(answers.removeFirst())
        case .fails:
            guard let failure = answers.first.flatMap(Self.failure) else { return false }
            answers.removeFirst()
            try tell(failure)
        case .clock:
            guard
                let next = ledger.armed.min(by: {
                    ($0.value, "\($0.key)") < ($1.value, "\($1.key)")
                })
            else { return false }
            now = max(now, next.value)
            try tell(.timer(next.key))
        case .crash where runs: try tell(.jobExited(.exited(1)))
        case .complete where runs: try tell(.jobExited(.exited(0)))
        case .speak where runs:
            guard let words = nextWords else { return false }
            try tell(.received(words, from: ConnectionID(1), seq: nil))
        case .giveUp where !ledger.members.isEmpty && !ledger.hasGivenUp:
            try tell(.received(.giveUp(.init(error: "x")), from: ConnectionID(1), seq: nil))
        case .checkpoint: try control("checkpoint")
        case .stop: try stopAfterPause()
        case .restart: try control("restart")
        case .notice: try tell(.signal(.preempt(name: "SIGUSR2")))
        case .pause: try control(ledger.pausedAt == nil ? "pause" : "unpause")
        case .stoodStill:
            now += 5_000_000_000
            ledger.stoodStill(for: 5_000_000_000)
            stop.stoodStill(for: 5_000_000_000)
            try tell(.stoodStill(.seconds(5)))
        case .crash, .complete, .speak, .giveUp: return false
        }
        return true
    }

    /// From wherever it is: a stop, and then only what has to happen. With a hung disk nothing that
    /// was ordered of it is ever done.
    mutating func finish(diskHangs: Bool) throws(Violation) {
        // What is due comes first.
        for _ in 0..<20 where !isOver {
            guard let next = ledger.armed.values.min(), next <= now + 600_000_000 else { break }
            _ = try play(.clock)
        }
        try stopAfterPause()
        for _ in 0..<80 where !isOver {
            let index = answers.firstIndex { !diskHangs || !Self.isOfDisk($0) }
            if let index {
                try tell(answers.remove(at: index))
            } else if try !play(.clock) {
                throw Violation("liveness", "nothing more happens in \(supervisor.phase)")
            }
            try stop.look(now - idle, settings)
            try preemption.look(now, ledger)
        }
        if !isOver { throw Violation("liveness", "it comes to no end") }
    }

    private mutating func stopAfterPause() throws(Violation) {
        let pause: Int64 = 600_000_000
        now += pause
        if isAskedToStop { idle += pause }
        isAskedToStop = true
        if !isOver { try tell(sigterm) }
    }

    private var nextWords: JobMessage? {
        guard let attempt = supervisor.attempt else { return nil }
        if ledger.members.isEmpty {
            return .hello(.init(token: attempt.token, accepts: ["checkpoint"]))
        }
        guard let open = supervisor.openCheckpoint else {
            return .begin(.init(step: nil, request: supervisor.openRequest?.number))
        }
        let isMade = !answers.contains { if case .stagingMade = $0 { true } else { false } }
        return isMade ? .commit(.init(id: open.id)) : nil
    }

    private mutating func control(_ command: String) throws(Violation) {
        let message = JobMessage.control(.init(command: command))
        try tell(.received(message, from: ConnectionID(9), seq: nil))
    }

    private mutating func tell(_ event: Event) throws(Violation) {
        guard !isOver else { return }
        switch event {
        case .jobExited, .spawnFailed:
            answers.removeAll { if case .jobExited = $0 { true } else { false } }
        default: break
        }
        let moment = Moment(
            instant: Instant(nanoseconds: now), wall: Timestamp(milliseconds: now / 1_000_000))
        let wasClosing = supervisor.isClosing
        let actions = supervisor.handle(event, at: moment)
        let step = Step(
            event: event, actions: actions, moment: moment, settings: settings,
            supervisor: supervisor, wasClosing: wasClosing)
        let before = ledger
        ledger.follow(step)
        if step.spawn != nil, before.leaderRuns || before.isEnding && !isGone {
            throw Violation("3", "a spawn beside what is left of the last attempt")
        }
        try timers.judge(step, ledger)
        if !wasClosing {
            try stop.judge(step, before, ledger)
            try pause.judge(step, before, ledger)
            try requests.judge(step, before, ledger)
            try publishing.judge(step)
            try preemption.judge(step, before, ledger, stop)
        }
        for action in actions { carryOut(action) }
        if step.leaves != nil { isOver = true }
    }

    /// No order to end what is left is under way.
    private var isGone: Bool { !answers.contains(.descendantsGone) }

    private mutating func carryOut(_ action: Action) {
        switch action {
        case .record(_, confirm: true), .flushFiles, .flushOutput, .measureOutput, .acknowledge,
            .giveUpRecord:
            answers += action.answersAtEnd
        case .verify(let id, _): answers.append(.verified(id, .good(metadata: [:])))
        case .cancelVerification:
            answers.removeAll { if case .verified = $0 { true } else { false } }
        case .spawn: answers.append(.spawned(pid: 100))
        case .makeStaging(let id): answers.append(.stagingMade(id, path: "/s"))
        case .dropStaging(let id): answers.removeAll { $0 == .stagingMade(id, path: "/s") }
        case .measureStaging(let id):
            answers.append(.stagingMeasured(id, .init(bytes: 10, files: 1)))
        case .commit(let order):
            answers.append(.committed(Desk.summary(order.id), seconds: 1))
        case .remove(let ids): answers.append(.removed(ids, held: []))
        case .listArchives: answers.append(.archives([]))
        case .removeLogs: answers.append(.logsRemoved(.init()))
        case .awaitRelease(let id): answers.append(.released(id))
        case .endDescendants:
            if !answers.contains(.descendantsGone) { answers.append(.descendantsGone) }
        case .killEverything:
            let isDying = answers.contains { if case .jobExited = $0 { true } else { false } }
            if ledger.leaderRuns, !isDying {
                answers.append(.jobExited(.signaled(number: 9, name: "SIGKILL")))
            }
        default: break
        }
    }

    private static func isOfDisk(_ event: Event) -> Bool {
        switch event {
        case .spawned, .jobExited, .descendantsGone, .readersServed, .outputFlushed, .outputTaken,
            .acknowledged, .recordGivenUp:
            false
        default: true
        }
    }

    private static func failure(_ answer: Event) -> Event? {
        switch answer {
        case .recorded, .lastRecorded: .recordFailed("no space")
        case .spawned: .spawnFailed(.system("no memory"))
        case .verified(let id, _): .verified(id, .bad("SHA-256 differs"))
        case .stagingMade(let id, _): .commitFailed(id, .init(.noSpace, "no space"))
        case .committed(let summary, _): .commitFailed(summary.id, .init(.io, "it failed"))
        case .removed(let ids, _): .removed([], held: ids)
        default: nil
        }
    }
}
