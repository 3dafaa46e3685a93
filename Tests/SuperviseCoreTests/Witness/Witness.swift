import SuperviseCore
import SuperviseFormats

/// What happened in one step.
struct Step {
    let event: Event
    let actions: [Action]
    let now: Int64
    let settings: Settings
    let supervisor: Supervisor
    /// As the supervisor was told it.
    let moment: Moment
    /// The end that was decided in this step.
    let exit: Action.Ending?
    /// The process ends.
    let leaves: Action.Ending?
    let spawn: Action.SpawnOrder?

    init(
        event: Event, actions: [Action], moment: Moment, settings: Settings,
        supervisor: Supervisor, wasClosing: Bool
    ) {
        self.event = event
        self.actions = actions
        self.moment = moment
        now = moment.instant.nanoseconds
        self.settings = settings
        self.supervisor = supervisor
        var leaves: Action.Ending?
        var spawn: Action.SpawnOrder?
        for action in actions {
            switch action {
            case .exit(let ending): leaves = ending
            case .spawn(let order): spawn = order
            default: break
            }
        }
        self.leaves = leaves
        self.spawn = spawn
        switch supervisor.phase {
        case .closing where !wasClosing: exit = supervisor.closing?.ending
        case .finished where !wasClosing: exit = leaves
        default: exit = nil
        }
    }

    func sends(where matches: (SupervisorMessage) -> Bool) -> [ConnectionID] {
        var result: [ConnectionID] = []
        for case .send(let message, let connection, _) in actions where matches(message) {
            result.append(connection)
        }
        return result
    }

    /// What it is about is given up, as the disk is full and nothing may go.
    var withoutRoom: [CheckpointID] {
        switch event {
        case .diskFull, .archives:
            actions.compactMap { if case .dropStaging(let id) = $0 { id } else { nil } }
        default: []
        }
    }

    /// Something may have gone, and what waited for room is ordered again.
    var mayHaveRoom: Bool {
        switch event {
        case .removed, .removalFailed, .logsRemoved, .archives, .archiveRemoved, .archiveTrimmed:
            true
        default: false
        }
    }

    /// What this operator asks for is not refused; where the run ends in this step, it was begun.
    func takesOver(from sender: ConnectionID) -> Bool {
        let isRefused = sends { if case .error = $0 { true } else { false } }.contains(sender)
        return !isRefused || exit != nil
    }

    var stopSends: [ConnectionID] {
        sends { if case .stop = $0 { true } else { false } }
    }
}

/// Looks at every step of a history and says which promise was broken, by a model of its own that
/// shares no code with the supervisor's decisions.
struct Witness {
    var ledger = Ledger()
    var answers = AnswerWitness()
    var starts = StartWitness()
    var resume = ResumeWitness()
    var oneAtATime = OneAtATimeWitness()
    var stop = StopWitness()
    var pause = PauseWitness()
    var failures = FailureWitness()
    var retention = RetentionWitness()
    var archives = ArchiveWitness()
    var requests = RequestWitness()
    var sequences = SequenceWitness()
    var watch = WatchWitness()
    var names = NamesWitness()
    var timers = TimerWitness()
    var interval = IntervalWitness()
    var publishing = PublishWitness()
    var compression = CompressionWitness()
    var hangs = HangWitness()
    var preemption = PreemptionWitness()
    var service = ServiceWitness()
    var closing = ClosingWitness()
    var shortage = ShortageWitness()
    var machineShortage = MachineShortageWitness()
    var input = InputWitness()
    var queue = QueueWitness()
    var settlement = SettlementWitness()
    var end = EndWitness()
    var logs = LogsWitness()
    /// Of the whole history.
    var numbers = NumbersWitness()

    /// Before the actions are carried out.
    mutating func judge(_ event: Event, _ actions: [Action], _ world: World) throws(Violation) {
        guard let supervisor = world.supervisor else { return }
        let wasClosing = closing.isClosing
        let step = Step(
            event: event, actions: actions, moment: world.moment, settings: world.settings,
            supervisor: supervisor, wasClosing: wasClosing)
        let before = ledger
        ledger.follow(step)
        try answers.judge(step, ledger, world)
        try starts.judge(step, ledger)
        try closing.judge(step, ledger, world)
        try timers.judge(step, ledger)
        try service.judge(step)
        try input.judge(step, world)
        try settlement.judge(step, world)
        try end.judge(step, world)
        try logs.judge(step)
        if wasClosing {
            failures.isWrittenAgain(step)
            try preemption.judgeClosing(step, ledger)
            return
        }
        try resume.judge(step, world)
        try oneAtATime.judge(step, before, ledger, world)
        try stop.judge(step, before, ledger)
        try pause.judge(step, before, ledger)
        try failures.judge(step, before, ledger, world)
        try shortage.judge(step, world)
        try machineShortage.judge(step, after: ledger)
        try retention.judge(step, hidden: resume.hidden, world)
        try archives.judge(step, world)
        try requests.judge(step, before, ledger)
        try sequences.judge(step, before, world)
        try watch.judge(step, before, ledger, world)
        try queue.judge(step, before, ledger, world)
        try names.judge(step, world)
        try interval.judge(step, before, ledger)
        try publishing.judge(step)
        try compression.judge(step, before, world)
        try hangs.judge(step, before, ledger)
        try preemption.judge(step, before, ledger, stop)
    }

    /// Whenever time has passed, whether the supervisor was told of anything or not.
    func look(at world: World) throws(Violation) {
        guard world.supervisor != nil else { return }
        try closing.look(world.now, world.settings)
        try stop.look(world.now, world.settings)
        try timers.look(world.now, ledger)
        try hangs.look(world.now, world.settings, ledger)
        try preemption.look(world.now, ledger)
        try service.look(world.now, world.supervisor)
    }

    /// The end of a history.
    func finish(_ world: World) throws(Violation) {
        guard world.isOver else {
            throw Violation("liveness", "nothing happens any more, and the run has not ended")
        }
    }

    mutating func supervisorStarts(_ world: World) {
        ledger = Ledger()
        answers = AnswerWitness()
        starts = StartWitness()
        stop = StopWitness()
        requests = RequestWitness()
        watch = WatchWitness()
        timers = TimerWitness()
        interval = IntervalWitness()
        compression = CompressionWitness()
        hangs = HangWitness()
        service = ServiceWitness()
        closing = ClosingWitness()
        input = InputWitness()
        publishing = PublishWitness()
        queue = QueueWitness()
        machineShortage = MachineShortageWitness()
        preemption = PreemptionWitness()
        resume.supervisorStarts(world)
        failures.supervisorStarts(world)
        names.supervisorStarts(world)
        retention.supervisorStarts(world)
        archives = ArchiveWitness()
        end = EndWitness()
        logs = LogsWitness()
        sequences.supervisorStarts(world)
    }

    /// Time has passed that counts for nothing.
    mutating func stoodStill(for time: Int64) {
        ledger.stoodStill(for: time)
        stop.stoodStill(for: time)
        closing.stoodStill(for: time)
        service.stoodStill(for: time)
    }

    mutating func supervisorIsGone() {
        ledger = Ledger()
    }
}
