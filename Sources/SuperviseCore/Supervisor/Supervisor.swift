import SuperviseFormats

/// Decides everything about one run: events and the time go in, actions come out.
///
/// It reads no clock, no file and no environment, and its random numbers come from a seed, so that
/// any history of it can be replayed. ``Phase`` has the table of legal moves. These hold after each event:
///
/// - A job runs, or is being started, only in `running`; what it leaves behind lives on in `ending`.
/// - `attempt` is set from `recording` on, until `waiting` or the end; what belongs to it dies with it.
/// - An attempt starts only when nothing of the one before lives, what that one committed is finished, and
///   a record that is durable reserves its number.
/// - `stop` is what was asked of us. It stands beside the phase; a stop that is no restart ends in `closing`.
/// - `closing` is set in the phase `closing`, and only there; nothing leads back from it.
/// - One commit is at the disk at a time, and one request for a checkpoint is open.
/// - A timer is set only while something waits for it.
package struct Supervisor: Sendable {
    package let settings: Settings
    var history: RunHistory
    package private(set) var phase = Phase.idle
    package internal(set) var attempt: Attempt?
    package internal(set) var stop: Stop?
    /// Set in the phase `closing`, and only there.
    package internal(set) var closing: Closing?
    var kept: CheckpointSet
    var pinBook: PinBook
    var resumePoint: ResumePoint
    /// What the job writes by itself.
    var watch: WatchQueue
    package internal(set) var startWaiters = StartWaiters()
    /// What was received and is not a checkpoint yet.
    package internal(set) var commits = CommitQueue()
    var requestBook = RequestBook()
    var schedule: CheckpointSchedule
    var saves = Saves()

    let mayHaveLeftovers: Bool
    var room: RoomMaker
    let started: Timestamp
    let socket: String
    let place: SupervisorPlace?
    var random: SplitMix
    var language = JobLanguage()
    var progress = JobProgress()
    package internal(set) var clock = JobClock()
    var notices: NoticeWatch
    var troubles = MachineTroubles()
    var signals = JobSignals()
    var publisher = StatusPublisher()
    var input = InputHistory()
    var service: ServiceState
    var orders = Orders()

    /// The run record as it is now.
    package var record: RunRecord { history.record }

    /// The end is decided.
    package var isClosing: Bool { phase.isClosing }

    /// The only way into another phase.
    mutating func enter(_ next: Phase) {
        assert(phase.mayBecome(next), "\(phase) is never followed by \(next)")
        phase = next
    }

    /// Notes what is over of an attempt whose leader is gone.
    mutating func changeEnding(_ change: (inout EndingAttempt) -> Void) {
        guard var ending = phase.ending else { return }
        change(&ending)
        enter(.ending(ending))
    }

    /// What was found at the start.
    package struct Found: Sendable {
        /// The record, new or as it was left; host, boot id and pids already ours.
        package var record: RunRecord
        package var checkpoints: [CheckpointSummary]
        /// The paths that they were taken from, at least of the newest watched ones.
        package var sources: [CheckpointID: FilePath]
        package var damaged: [DamagedCheckpoint]
        /// nil where it cannot be told.
        package var pins: Set<CheckpointID>?
        /// Over everything that is there, visible or not.
        package var highestSequence: Int64
        /// The newest attempt that the last supervisor began, as its guard has noted it; nil where nobody
        /// knows.
        package var lastBegun: Int?
        /// See ``RunRecord/mayHaveLeftovers(bootID:)``.
        package var mayHaveLeftovers: Bool
        /// Whether there may be archived runs of this name that are to be cut down.
        package var mayHaveArchives: Bool
        /// The path of our socket.
        package var socket: String
        /// Where we live.
        package var place: SupervisorPlace?
        /// Ours, where we are a service.
        package var manager: ServiceManager?

        package init(
            record: RunRecord, checkpoints: [CheckpointSummary],
            sources: [CheckpointID: FilePath] = [:], damaged: [DamagedCheckpoint] = [],
            pins: Set<CheckpointID>? = [], highestSequence: Int64 = 0,
            mayHaveLeftovers: Bool = false, mayHaveArchives: Bool = false, socket: String = "",
            manager: ServiceManager? = nil
        ) {
            self.record = record
            self.checkpoints = checkpoints
            self.sources = sources
            self.damaged = damaged
            self.pins = pins
            self.highestSequence = highestSequence
            self.mayHaveLeftovers = mayHaveLeftovers
            self.mayHaveArchives = mayHaveArchives
            self.socket = socket
            self.manager = manager
        }
    }

    /// - Parameter seed: secret random bits: jitter and tokens come from them.
    package init(settings: Settings, found: Found, seed: UInt64, at now: Moment) {
        self.settings = settings
        schedule = CheckpointSchedule(settings)
        kept = CheckpointSet(
            found.checkpoints, forks: found.record.branches, rules: settings.retention)
        pinBook = PinBook(found.pins)
        watch = WatchQueue(
            settings, directory: found.record.directory, names: found.record.namedSteps,
            sources: found.sources)
        socket = found.socket
        place = found.place
        service = ServiceState(manager: found.manager)
        random = SplitMix(seed: seed)
        started = now.wall
        history = RunHistory(
            found.record, lastBegun: found.lastBegun,
            known: found.checkpoints.map(\.id) + found.damaged.map(\.id),
            highestSequence: found.highestSequence,
            steps: watch.names.trust == .ended ? [] : found.checkpoints.compactMap(\.id.step),
            settings)
        history.setBranches(kept.lineage.forks)
        resumePoint = ResumePoint(
            damaged: found.damaged, scope: settings.resumeFrom,
            startSequence: history.record.sequence)
        mayHaveLeftovers = found.mayHaveLeftovers
        room = RoomMaker(
            name: found.record.name, mayHaveArchives: found.mayHaveArchives, settings)
        notices = NoticeWatch(settings)
    }

    /// Takes one event; the actions are to be carried out in order.
    package mutating func handle(_ event: Event, at now: Moment) -> [Action] {
        decide(event, at: now) + conclude(at: now)
    }

    /// The first part of ``handle(_:at:)``: what is to be done.
    package mutating func decide(_ event: Event, at now: Moment) -> [Action] {
        var now = now
        account(for: event, until: now.instant)
        if case .stoodStill(let time) = event { stoodStill(for: time, at: now) }
        now.counted = clock.reading(at: now.instant)
        switch phase {
        case .finished: answerAfterEnd(event)
        case .closing: handleWhileClosing(event, at: now)
        default: dispatch(event, at: now)
        }
        followNotice(at: now)
        serveStartWaiters(at: now)
        // Whatever has happened, it may have made way for the next one.
        beginHeld(at: now)
        takeWatched(at: now)
        orderNextCommit(at: now)
        noteFatalSignals(at: now)
        compressNext()
        watchForHangs(at: now)
        notices.poll(isClosing: isClosing, at: now, &orders)
        closeInherited()
        return orders.takeAll()
    }

    /// The second part, at the same moment: what is told of it. A status is larger than all the rest, and
    /// the job does not have to wait for it.
    package mutating func conclude(at now: Moment) -> [Action] {
        var now = now
        now.counted = clock.reading(at: now.instant)
        publishIfChanged(at: now)
        tellServiceManager(at: now)
        return orders.takeAll()
    }

    private mutating func dispatch(_ event: Event, at now: Moment) {
        switch event {
        case .started: start(at: now)
        case .leftoversEnded(let processes): leftoversEnded(processes, at: now)
        case .leftoversUnseen(let reason, let ended):
            leftoversUnseen(reason, ended: ended, at: now)
        case .verified(let id, let result): verified(id, result, at: now)
        case .verifying(let id, let progress): verifying(id, progress)
        case .compressed(let id, let result):
            kept.compressed(id, result, resumed: attempt?.resume?.id, &orders)
        case .recorded: recorded(at: now)
        case .lastRecorded, .recordGivenUp, .filesFlushed, .outputFlushed, .outputTaken,
            .acknowledged, .readersServed:
            break
        case .outputDiscarded(let bytes): publisher.outputDiscarded(bytes)
        case .inputSeen(let input): self.input.saw(input)
        case .recordFailed(let message): recordFailed(message, at: now)
        case .recordRefused(let message): recordRefused(message, at: now)
        case .spawned(let pid): spawned(pid, at: now)
        case .spawnFailed(let failure): spawnFailed(failure, at: now)
        case .jobExited(let end): jobExited(end, at: now)
        case .outOfMemory(let processes): attempt?.lacksMemory(processes)
        case .treeGone: treeGone(at: now)
        case .outputTail(let lines, let number): outputTail(lines, attempt: number, at: now)
        case .descendantsGone: descendantsGone(at: now)
        case .received(let message, let connection, let seq):
            received(message, Sender(connection: connection, seq: seq), at: now)
        case .disconnected(let connection): disconnected(connection, at: now)
        case .noticed(let notices): noticed(notices, at: now)
        case .signal(let signal): received(signal, at: now)
        case .timer(let timer): fired(timer, at: now)
        case .stoodStill: break
        case .stagingMade(let id, let path): stagingMade(id, path: path)
        case .stagingMeasured(let id, let size): stagingMeasured(id, size, at: now)
        case .committed(let summary, let seconds): committed(summary, seconds: seconds, at: now)
        case .commitFailed(let id, let error): commitFailed(id, error, at: now)
        case .diskFull(let id, let error): diskFull(id, error, at: now)
        case .removed(let gone, let held): removed(gone, held: held, isRead: true, at: now)
        case .removalFailed(let ids): removed([], held: ids, isRead: false, at: now)
        case .released(let id): released(id)
        case .logsRemoved(let removed): logsRemoved(removed, at: now)
        case .archives(let found): archivesListed(found, at: now)
        case .archiveRemoved(let time, let bytes):
            archiveStepEnded(hasRoom: room.archiveRemoved(time, bytes: bytes, &orders), at: now)
        case .archiveTrimmed(let time, let gone, let bytes):
            archiveStepEnded(
                hasRoom: room.archiveTrimmed(time, gone: gone, bytes: bytes, &orders), at: now)
        case .freeSpace(let bytes): spaceMeasured(bytes, at: now)
        case .pinsSaved(let error): pinBook.saved(error, &orders)
        case .watched(let files): watched(files, at: now)
        case .watchIncomplete(let paths): watch.foundIncomplete(paths, &orders)
        case .watchFlushed: watchFlushed(at: now)
        case .watchedRenamed(let old, let new): watchedRenamed(from: old, to: new)
        case .payloadMoved(let old, let new): payloadMoved(from: old, to: new, at: now)
        case .notAdded(let id, let reason): notAdded(id, reason, at: now)
        case .handlersFound(let hearers, let handle):
            attempt?.lastCloses.found(hearers, handle: handle)
        case .requestNotSent(let reason): requestNotSent(reason, at: now)
        case .examined(let found):
            let pid = attempt?.pid
            attempt?.hang.examined(found, pid: pid, at: now, &orders)
        case .onHangEnded(let answer): attempt?.hang.commandEnded(answer, at: now, &orders)
        case .answered(let id, let answer): answered(id, answer, at: now)
        case .inquiryEnded(let id, let end): inquiryEnded(id, end, at: now)
        case .hindered(let hindrance): troubles.hindered(hindrance, at: now, &orders)
        case .triedAgain: troubles.triedAgain(at: now, &orders)
        case .recordWritten(let reserved): recordWritten(reserving: reserved, at: now)
        case .warned(let message): orders.warn(message)
        }
    }

    private mutating func fired(_ timer: TimerID, at now: Moment) {
        let due = orders.wentOff(timer) ?? now.instant
        switch timer {
        case .interval: intervalPassed(at: now)
        case .request: requestTimePassed(at: now)
        case .stopDeadline: stopDeadlinePassed(at: now)
        case .terminate: terminateTimePassed()
        case .kill: killTimePassed(at: now)
        case .abandon: abandonTimePassed(at: now)
        case .backoff: backoffPassed(at: now)
        case .publish: publisher.timerEnded()
        case .hang: attempt?.hang.timePassed(due: due, at: now, &orders)
        case .diagnosis: attempt?.hang.diagnosisTimePassed(&orders)
        case .watchdog: service.watchdogTimePassed(at: now, &orders)
        case .again: againTimePassed(at: now)
        case .lived: startWaiters.prove()
        case .records: orders.add(.releaseRecords)
        case .lastOutput: descendantsGone(at: now)
        // What is due is done after every event.
        case .sources, .preemption: break
        case .close, .rewrite, .reminder: break
        }
    }

    /// An operator who asks a supervisor that is about to exit is told so.
    private mutating func answerAfterEnd(_ event: Event) {
        guard case .received(_, let connection, let seq) = event else { return }
        let error = ProtocolError(.stopping, "the run has ended")
        orders.add(.send(.error(error), to: connection, seq: seq))
    }
}
