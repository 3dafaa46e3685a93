import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// What the core has decided, action by action.
extension Conductor {
    func perform(_ action: Action) {
        switch action {
        case .endLeftovers: endLeftovers()
        case .verify(let id, let trusting): verify(id, trusting: trusting)
        case .cancelVerification: disk?.cancelVerification()
        case .compress(let id): disk?.compress(id)
        case .cancelCompression: disk?.cancelCompression()
        case .setAside(let id, let reason): disk?.setAside(id, reason: reason)
        case .record(let record, let confirm): disk?.save(record, confirm: confirm)
        case .giveUpRecord: disk?.giveUpRecord()
        case .holdRecords: disk?.holdRecords(true)
        case .releaseRecords: disk?.holdRecords(false)
        case .spawn(let order): spawn(order)
        case .send(let message, let connection, let seq):
            switchboard?.send(message, to: connection, seq: seq)
        case .close(let connection): switchboard?.close(connection)
        case .signalLeader(let signal): job?.signalLeader(signal)
        case .askBySignal(let signal): job?.ask(by: signal)
        case .flushWatch: watch?.order(.flush)
        case .gatherWatched(let since): watch?.order(.gather(since: since))
        case .watchAgain(let path, let content): watch?.order(.again(path, was: content))
        case .lookForHandlers(let hearers): job?.lookForHandlers(hearers)
        case .cancelAdd(let id): disk?.cancelAdd(id)
        case .pauseJob: job?.pause()
        case .unpauseJob: job?.goOn()
        case .killEverything: job?.killEverything()
        case .endDescendants(let urgency): job?.endDescendants(urgency)
        case .readLastOutput(let attempt): output?.end(attempt: attempt)
        case .examine: (job?.tree).map { diagnosis?.examine($0) }
        case .tryAgain: tryAgain()
        case .runOnHang(let command): runOnHang(command)
        case .endDiagnosis: diagnosis?.end()
        case .saveReport(let hung, let text): disk?.saveReport(hung, text, at: Self.now().wall)
        case .inquire(let id, let inquiry): inquiries?.begin(id, inquiry)
        case .endInquiry(let id): inquiries?.end(id)
        case .acknowledge(let inquiry): acknowledge(inquiry)
        case .setTimer(let timer, let deadline): timers?.set(.core(timer), at: deadline)
        case .cancelTimer(let timer): timers?.cancel(.core(timer))
        case .makeStaging(let id): disk?.makeStaging(id)
        case .dropStaging(let id): disk?.dropStaging(id)
        case .measureStaging(let id): disk?.measureStaging(id)
        case .commit(let order): disk?.commit(order)
        case .add(let order, let source): disk?.add(order, from: source)
        case .remove(let ids): disk?.remove(ids)
        case .awaitRelease(let id): disk?.awaitRelease(id)
        case .removeLogs(let bytes): disk?.removeLogs(bytes: bytes, of: output?.log)
        case .listArchives: disk?.listArchives()
        case .removeArchive(let time): disk?.removeArchive(time)
        case .trimArchive(let time, let ids): disk?.trimArchive(time, removing: ids)
        case .measureSpace: disk?.measureSpace()
        case .savePins(let pins): disk?.savePins(pins)
        case .log(let event): log(event)
        case .tell(let line): console.say(line, .normal)
        case .publish(let status):
            lastStatus = status
            output?.show(status, at: Self.now().wall)
            disk?.publish(status)
            manager?.tell(status)
        case .notify(let notice): manager?.tell(notice)
        case .flushFiles: disk?.flush()
        case .flushOutput: flushOutput()
        case .measureOutput: take(.outputTaken(output?.taken ?? 0))
        case .leaveOutput: output?.leave()
        case .closeInherited: session.inherited.close()
        case .widenReaders: output?.widen()
        case .tellDiscards(let known): output?.tellDiscards(beyond: known)
        case .rewindInput(let offset): rewindInput(to: offset)
        case .exit(let ending): exit(ending)
        }
    }

    func endLeftovers() {
        job?.guardLeftovers(ofRunToken: core.record.runToken)
        disk?.endLeftovers(runToken: core.record.runToken, group: session.group)
    }

    func tryAgain() {
        WorkerLane.startThreads()
        tellOfThreads()
        job?.tryAgain()
        take(.triedAgain)
    }

    /// Work that waits for a thread.
    func tellOfThreads() {
        if let error = WorkerLane.takeRefusal() { take(.hindered(.threads("\(error)"))) }
    }

    func verify(_ id: CheckpointID, trusting: Bool) {
        let bytes = core.checkpoints.first { $0.id == id }?.bytes ?? 0
        disk?.verify(id, bytes: bytes, trusting: trusting)
    }

    func linkToManager() -> ServiceLink? {
        ServicePlace.find(in: session.environment).map { place in
            ServiceLink(place.address, on: loop) { [unowned self] in console.say($0, .verbose) }
        }
    }

    func runOnHang(_ command: [String]) {
        let limit = HumanText.limit(session.request.settings.onHangTimeout.seconds)
        console.say(
            "the job hangs; before it is killed, \(HumanText.commandLine(command)) looks at it "
                + "(up to \(limit))", .normal)
        diagnosis?.run(session.onHangCall(command))
    }

    func log(_ event: RunEvent) {
        let logged = LoggedEvent(at: Self.now().wall, event: event)
        let sentence = Narrator.sentence(for: event, session: session, status: lastStatus)
        console.tell(logged, sentence: sentence)
        if case .failed(let failed) = event, output?.isElsewhere == true {
            console.tell(tail: failed.failure.outputTail)
        }
        disk?.append(logged)
    }
}
