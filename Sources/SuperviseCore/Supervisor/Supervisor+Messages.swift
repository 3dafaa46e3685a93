import SuperviseFormats

/// What a job or an operator says, and what they are answered.
extension Supervisor {
    mutating func received(_ message: JobMessage, _ sender: Sender, at now: Moment) {
        switch message {
        case .hello(let hello):
            greet(hello, sender, at: now)
            return
        case .control(let control):
            obey(control, sender, at: now)
            return
        case .heartbeat, .progress, .begin, .commit, .add, .abort, .failed, .giveUp:
            break
        }
        guard phase == .running, attempt?.connections[sender.connection] != nil else {
            orders.refuse(
                sender, .helloFirst, "say hello with SUPERVISE_TOKEN before anything else")
            return
        }
        attempt?.hang.signOfLife(at: now.counted)
        switch message {
        case .progress(let report): progressed(report, at: now)
        case .begin(let begin): self.begin(begin, sender, at: now)
        case .commit(let commit): self.commit(commit, sender, at: now)
        case .add(let add): self.add(add, sender, at: now)
        case .abort(let abort): self.abort(abort, sender, at: now)
        case .failed(let failed): jobFailedToSave(failed, at: now)
        case .giveUp(let message): jobGivesUp(message)
        case .heartbeat, .hello, .control: break
        }
    }

    private mutating func greet(_ hello: JobMessage.Hello, _ sender: Sender, at now: Moment) {
        guard hello.protocol <= 1 else {
            let message = "protocol \(hello.protocol) is not spoken here; use protocol 1"
            let error = ProtocolError(.unsupportedProtocol, message, supported: 1)
            orders.answer(.error(error), to: sender)
            return
        }
        guard phase == .running, let attempt, hello.token == attempt.token else {
            orders.refuse(
                sender, .staleToken,
                "this token is not that of the attempt that runs now; a process of an earlier "
                    + "attempt must end")
            orders.add(.close(sender.connection))
            return
        }
        let accepts = hello.accepts?.contains("checkpoint") == true
        let isFirst = accepts && attempt.accepting.isEmpty
        language.saidHello()
        self.attempt?.greeted(sender.connection, acceptsCheckpoints: accepts)
        self.attempt?.hang.signOfLife(at: now.counted)
        let resume = attempt.resume.map {
            SupervisorMessage.Resume(
                id: $0.id, path: $0.path, metrics: $0.metrics, metadata: attempt.metadata)
        }
        orders.answer(
            .welcome(
                .init(
                    name: record.name, attempt: attempt.number, resume: resume,
                    lastFailure: attempt.lastFailure.map(LastFailure.init))),
            to: sender)
        if accepts, let wire = requestBook.wire(at: now) {
            orders.add(.send(.checkpointRequest(wire), to: sender.connection, seq: nil))
        }
        if let stop, stop.stage != .asking {
            let deadline = min(settings.stopTimeout, timeToKill(at: now)).seconds
            orders.add(.send(.stop(deadline: deadline), to: sender.connection, seq: nil))
        }
        if isFirst, !orders.isSet(.interval) { startInterval(at: now) }
    }

    private mutating func obey(_ control: JobMessage.Control, _ sender: Sender, at now: Moment) {
        switch control.command {
        case "status":
            orders.answer(.status(status(at: now)), to: sender)
        case "checkpoint":
            startWaiters.awaitCheckpoint(sender)
        case "stop":
            controlStop(sender, withCheckpoint: control.checkpoint ?? true, at: now)
        case "restart":
            controlRestart(sender, withCheckpoint: control.checkpoint ?? true, at: now)
        case "pause":
            pause(sender, at: now)
        case "unpause":
            unpause(sender, at: now)
        case "pin", "unpin", "delete":
            guard let id = control.id else {
                orders.refuse(
                    sender, .badMessage, "\(control.command) wants the \"id\" of a checkpoint")
                return
            }
            if control.command == "delete" {
                kept.delete(
                    id, for: sender, hasChosen: resumePoint.hasChosen, removalFacts, &orders)
            } else {
                pinBook.change(
                    id, isPinned: control.command == "pin", exists: kept.contains(id), sender,
                    &orders)
            }
        case "prune":
            kept.prune(
                for: sender, hasChosen: resumePoint.hasChosen, removalFacts, &orders)
        default:
            orders.refuse(sender, .badMessage, "there is no control command \"\(control.command)\"")
        }
    }

    /// What it then exits with is the run's own status.
    private mutating func jobGivesUp(_ message: JobMessage.GiveUp) {
        guard let attempt, attempt.gaveUp == nil else { return }
        let error = message.error?.bounded ?? "the job gave no reason"
        self.attempt?.givesUp(error)
        orders.log(.gaveUp(.init(attempt: attempt.number, error: error)))
    }

    mutating func disconnected(_ connection: ConnectionID, at now: Moment) {
        requestBook.forget(connection)
        room.forget(connection)
        startWaiters.remove(connection)
        guard attempt?.disconnected(connection) == true else { return }
        if saves.held?.connection == connection { _ = saves.takeHeld() }
        // The wait for a final checkpoint goes on: the job may come back, or end by itself.
        if let open = saves.open, open.connection == connection {
            saves.hungUp()
            noteDropped(open, .connectionEnded, at: now)
            drop(open, at: now)
        }
    }

    private mutating func progressed(_ report: JobMessage.ProgressReport, at now: Moment) {
        progress.warnOfDropped(report.metrics, &orders)
        if let step = report.step { stepped(to: step, at: now) }
        progress.take(report, since: attempt?.firstStep, at: now.counted)
        publisher.noteChange()
    }

    private mutating func stepped(to step: Int64, at now: Moment) {
        let resumed = attempt?.resume?.id
        let hadProgress = attempt?.progressed != false
        guard let (base, isForward) = attempt?.reported(step, at: now.counted) else { return }
        let (isProgress, isNews) = history.reported(
            step: step, base: base, resumed: resumed, isForward: isForward,
            hadProgress: hadProgress)
        if isProgress { attempt?.madeProgress() }
        if isNews { orders.add(.record(record, confirm: false)) }
    }
}
