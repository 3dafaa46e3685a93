import SuperviseCore
import SuperviseFormats

/// The host's part: each action, carried out in the simulated machine.
extension World {
    func carryOut(_ action: Action) throws(Violation) {
        switch action {
        case .endLeftovers: endLeftovers()
        case .verify(let id, let trusting):
            put(
                .verify(
                    id, trusting: trusting, generation: generation,
                    serial: cancelledVerification),
                after: chance.wait(1, isCalm ? 50 : 5_000))
        case .cancelVerification: cancelledVerification += 1
        case .compress(let id):
            compressing = id
            let slow = chance.happens(plan.commitIsSlow)
            put(
                .compressionDone(id, generation: generation),
                after: chance.wait(1, slow ? 100_000 : 500))
        case .cancelCompression: isCompressionCancelled = true
        case .setAside(let id, _):
            disk.payloads[id] = nil
            disk.setAside.append(id)
        case .record(let record, let confirm):
            let counts = witness.failures.recorded.removeFirst()
            disk.records.append(.init(record: record, confirm: confirm, counts: counts))
            writeNextRecord()
        case .holdRecords: disk.holdsRecords = true
        case .releaseRecords:
            disk.holdsRecords = false
            writeNextRecord()
        case .spawn(let order): try spawn(order)
        case .send(let message, let connection, _):
            put(.answer(message, link: connection.number), after: chance.wait(0.01, 5))
        case .close(let connection): close(connection.number)
        case .signalLeader(let number): signalLeader(number)
        case .pauseJob: pauseJob()
        case .unpauseJob: unpauseJob()
        case .killEverything: killEverything()
        case .endDescendants(let urgency): endDescendants(urgency)
        case .readLastOutput(let attempt): readLastOutput(attempt)
        case .tryAgain: tryAgain()
        case .setTimer(let timer, let at): set(timer, at: at.nanoseconds)
        case .cancelTimer(let timer): timers[timer] = nil
        case .makeStaging(let id): makeStaging(id)
        case .dropStaging(let id): disk.staging.remove(id)
        case .measureStaging(let id): measure(id)
        case .commit(let order): enqueue(.init(order: order, source: nil))
        case .add(let order, let source):
            enqueue(.init(order: order, source: source.path, rule: source.rule))
        case .askBySignal: askBySignal()
        case .flushWatch: flushFiles()
        case .gatherWatched(let since): gatherFiles(since: since)
        case .watchAgain(let path, _): watchAgain(path)
        case .lookForHandlers(let hearers): lookForHandlers(hearers)
        case .cancelAdd(let id): cancelAdd(id)
        case .remove(let ids): remove(ids)
        case .awaitRelease(let id): awaitRelease(id)
        case .removeLogs(let bytes): removeLogs(bytes)
        case .listArchives: listArchives()
        case .removeArchive(let time): removeArchive(time)
        case .trimArchive(let time, let ids): trimArchive(time, ids)
        case .measureSpace: measureSpace()
        case .examine: examine()
        case .runOnHang: runOnHang()
        case .endDiagnosis: endDiagnosis()
        case .savePins(let pins): savePins(pins)
        case .inquire(let id, let inquiry): inquire(id, inquiry)
        case .endInquiry(let id): endInquiry(id)
        case .saveReport, .log, .publish, .tell, .notify: break
        case .giveUpRecord: giveUpRecord()
        case .rewindInput(let offset): input.rewind(to: offset)
        case .widenReaders, .tellDiscards, .closeInherited: break
        case .flushFiles, .flushOutput, .measureOutput, .leaveOutput, .acknowledge:
            carryOutAtEnd(action)
        case .exit(let ending): try exit(ending)
        }
    }

    private func set(_ timer: TimerID, at: Int64) {
        timerSerial += 1
        timers[timer] = (at, timerSerial)
        let lateness = chance.wait(0, 5)
        queue.put(.timer(timer, serial: timerSerial), at: max(at, now) + lateness)
    }

    private func exit(_ ending: Action.Ending) throws(Violation) {
        let operatorsLink = links.count + 1
        links[operatorsLink] = Link(
            id: .init(operatorsLink), owner: .operator, generation: generation)
        let control = JobMessage.control(.init(command: "status"))
        let event = Event.received(control, from: .init(operatorsLink), seq: -1)
        let actions = supervisor?.handle(event, at: moment) ?? []
        guard case .send(.error, _, -1)? = actions.first, actions.count == 1 else {
            throw Violation("answers", "after its end the supervisor does \(actions)")
        }
        if chance.happens(0.3) { finishOneCommit() }
        supervisorIsGone()
        decideWhatFollows(ending)
    }

    private func decideWhatFollows(_ ending: Action.Ending) {
        switch ending {
        case .completed:
            completed = true
            isOver = true
        case .refused, .failed, .stopped, .preempted:
            if ending == .preempted, isCalm || chance.happens(0.6) { moveAway() }
            let again = isCalm ? 0 : 0.2 + 0.8 * plan.startsAgain
            guard chance.happens(again) else {
                isOver = true
                return
            }
            put(.start, after: chance.wait(1, 10_000))
        }
    }

    /// The guard ends what is left, unless it was killed as well.
    func supervisorIsGone() {
        supervisor = nil
        witness.supervisorIsGone()
        generation += 1
        isEndingLeftovers = false
        compressing = nil
        awaitedCompression = false
        isHidden = false
        hasMissedSome = false
        missesPause = false
        notedAttempt = nil
        diagnosis = nil
        cloud.asking = [:]
        cloud.isNamed = false
        timers = [:]
        disk.records = []
        disk.isWritingRecord = false
        disk.holdsRecords = false
        disk.recordFailed = false
        disk.reserved = 0
        disk.outputTaken = 0
        disk.commits = []
        disk.isCommitting = false
        for link in links.keys { links[link]?.isOpen = false }
        guardLives = isCalm || !chance.happens(plan.guardDies)
        guard guardLives else { return }
        for tree in trees.indices where trees[tree].isAlive { kill(tree) }
    }

    func killSupervisor() {
        note("THE SUPERVISOR IS KILLED")
        if chance.happens(0.3) { finishOneRecord() }
        if chance.happens(0.3) { finishOneCommit() }
        supervisorIsGone()
        if guardLives { notedAttempt = lastOrder }
        put(.start, after: chance.wait(1, 20_000))
    }

    func cutPower() {
        note("THE POWER IS CUT")
        supervisorIsGone()
        moveAway()
        disk.staging = []
        put(.start, after: chance.wait(10_000, 100_000))
    }

    func start() throws(Violation) {
        guard supervisor == nil else { return }
        if guardLives, trees.contains(where: \.isAlive) {
            // The guard holds the lock until the tree is gone: the run is in use.
            put(.start, after: chance.wait(1_000, 20_000))
            return
        }
        generation += 1
        lastOrder = nil
        filesAreKnown()
        input = SimulatedInput(plan.input, isOpen: chance.happens(0.3))
        settings = plan.settings
        settings.resumeFrom = chooseScope()
        var record = disk.record ?? newRecord()
        let leftovers = record.mayHaveLeftovers(bootID: "boot-\(bootID)")
        record.bootID = "boot-\(bootID)"
        var found = disk.scan(for: record, mayHaveLeftovers: leftovers)
        mayHaveArchives = chance.happens(0.8)
        found.mayHaveArchives = mayHaveArchives
        found.manager = plan.manager
        found.lastBegun = notedAttempt
        notedAttempt = nil
        note("A SUPERVISOR STARTS, settings \(settings)")
        note("    found \(found.checkpoints.map(\.id)) damaged \(found.damaged.map(\.id))")
        let supervisor = Supervisor(
            settings: settings, found: found, seed: chance.seed(), at: moment)
        self.supervisor = supervisor
        try witness.settlement.supervisorStarts(self)
        witness.supervisorStarts(self)
        if chance.happens(plan.signals) { try tell(randomSignal()) }
        try tell(.started)
    }

    private func chooseScope() -> Settings.ResumeFrom {
        guard !isCalm, chance.happens(plan.resumesElsewhere) else { return .newest }
        let visible = disk.visible
        if visible.isEmpty || chance.happens(0.4) { return .beginning }
        if chance.happens(0.1) { return .checkpoint(.init(sequence: 9_999, step: nil)) }
        return .checkpoint(visible[chance.number(0...(visible.count - 1))])
    }

    private func newRecord() -> RunRecord {
        RunRecord(
            name: "run", command: ["job"], directory: "/", options: [:],
            checkpointDirectory: "/checkpoints", created: moment.wall, host: "host",
            bootID: "boot-\(bootID)", supervisorPID: 1, runToken: "0123456789abcdef")
    }
}
