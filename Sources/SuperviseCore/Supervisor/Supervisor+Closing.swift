import SuperviseFormats

/// From the decision to end until we exit.
///
/// The exit status says what is durable: 0 only after the record that says so. An end that nobody
/// asked to be quick waits for the disk up to ``Settings/recordTimeout``; a stop has its bound.
extension Supervisor {
    /// - Parameter outcome: nil where the record on the disk stays as it is.
    mutating func close(
        _ ending: Action.Ending, _ outcome: Outcome?, because error: String? = nil, at now: Moment
    ) {
        notices.end(&orders)
        releaseRecords()
        // The end may wait for something that is to be tried again.
        for timer in TimerID.allCases
        where timer != .watchdog && timer != .again && orders.isSet(timer) {
            orders.cancel(timer)
        }
        publisher.timerEnded()
        attempt?.runEnds()
        closing = Closing(ending, outcome, because: error, at: now.instant)
        enter(.closing)
        guard outcome != nil else { return flush(at: now) }
        removeAtEnd()
        history.end(outcome)
        orders.add(.record(record, confirm: true))
        closing?.awaitRecord(within: settings.recordTimeout, at: now, &orders)
        if let preemption { closing?.tighten(to: preemption.endBy, at: now, &orders) }
    }

    mutating func handleWhileClosing(_ event: Event, at now: Moment) {
        switch event {
        case .lastRecorded:
            if closing?.stage == .recording { flush(at: now) }
        case .recordFailed(let message), .recordRefused(let message):
            closing?.recordFailed(message, at: now, &orders)
        case .recordGivenUp(let isVisible): lastRecordGivenUp(isVisible: isVisible, at: now)
        case .filesFlushed: flushed(.files)
        case .readersServed: readersServed(at: now)
        case .outputFlushed: flushed(.output, .readers)
        case .outputDiscarded(let bytes):
            // The last status tells how much was lost in all.
            if publisher.outputDiscarded(bytes) { publishAgain(at: now) }
        case .outputTaken(let bytes):
            if closing?.outputTaken(bytes, at: now, &orders) == true { leave() }
        case .acknowledged: flushed(.acknowledgement)
        case .timer(let timer):
            _ = orders.wentOff(timer)
            closingTimePassed(timer, at: now)
        case .signal(let signal): received(whileClosing: signal, at: now)
        case .received(let message, let connection, let seq):
            received(whileClosing: message, Sender(connection: connection, seq: seq), at: now)
        case .pinsSaved(let error): pinBook.saved(error, &orders)
        case .archiveRemoved(let time, let bytes):
            room.tellLast(archiveRemoved: time, bytes: bytes, &orders)
        case .archiveTrimmed(let time, let gone, let bytes):
            room.tellLast(archiveTrimmed: time, gone: gone, bytes: bytes, &orders)
        case .removed(let gone, let held):
            removed(gone, held: held, isRead: true, at: now)
        case .removalFailed(let ids): removed([], held: ids, isRead: false, at: now)
        case .released(let id): released(id)
        case .logsRemoved(let removed): room.tellRemovedLogs(removed, &orders)
        case .warned(let message): orders.warn(message)
        case .hindered(let hindrance): troubles.hindered(hindrance, at: now, &orders)
        case .triedAgain: troubles.triedAgain(at: now, &orders)
        case .recordWritten: troubles.recordWritten(at: now, &orders)
        case .started, .leftoversEnded, .leftoversUnseen, .verified, .verifying, .compressed,
            .recorded, .spawned, .spawnFailed, .jobExited,
            .outOfMemory, .outputTail, .treeGone, .descendantsGone, .examined,
            .onHangEnded,
            .disconnected, .noticed, .stoodStill, .stagingMade, .stagingMeasured, .committed,
            .commitFailed, .diskFull, .freeSpace, .watched, .watchIncomplete,
            .watchFlushed, .watchedRenamed, .payloadMoved, .notAdded, .handlersFound,
            .requestNotSent, .answered, .inquiryEnded, .archives, .inputSeen:
            break
        }
    }

    private mutating func closingTimePassed(_ timer: TimerID, at now: Moment) {
        switch (timer, closing?.stage) {
        case (.close, .recording): closing?.giveUpRecord(&orders)
        case (.close, .flushing): flushTimePassed(at: now)
        case (.rewrite, .recording): orders.add(.record(record, confirm: true))
        case (.reminder, .recording): remind(at: now)
        case (.watchdog, _): service.watchdogTimePassed(at: now, &orders)
        case (.again, _): againTimePassed(at: now)
        default: break
        }
    }

    private mutating func remind(at now: Moment) {
        guard let due = orders.due(.close) else { return }
        closing?.remind(until: due, at: now, &orders)
        publishNow(at: now)
        closing?.remindLater(at: now, &orders)
    }

    private mutating func lastRecordGivenUp(isVisible: Bool, at now: Moment) {
        guard closing?.stage == .recording else { return }
        let (run, isPreempted) = (record.name, preemption != nil)
        closing?.recordGivenUp(
            isVisible: isVisible, run: run, timeout: settings.recordTimeout,
            isPreempted: isPreempted, at: now.instant, &orders)
        if closing?.wasStopped == false { history.end(nil) }
        flush(at: now)
    }
}

/// The flush, which is answered in parts.
extension Supervisor {
    private mutating func flush(at now: Moment) {
        closing?.recordingEnded(&orders)
        announce(at: now)
        let (isRemoving, end) = (kept.isRemoving, preemption?.endBy)
        closing?.flush(
            isRemoving: isRemoving, acknowledgement: notices.acknowledgement, before: end, at: now,
            &orders)
    }

    /// The last line shows what the last status shows.
    private mutating func announce(at now: Moment) {
        guard let closing, closing.isRecorded || closing.wasStopped else { return }
        if let outcome = closing.outcome {
            publishNow(at: now)
            orders.log(.finished(outcome, error: closing.error))
        } else if publisher.hasPublished, case .refused = closing.ending {
            // A status that we have written is put right.
            history.end(Outcome(kind: .failed, exitCode: 125))
            publishNow(at: now)
        }
    }

    mutating func flushed(_ parts: Closing.Part...) {
        if closing?.answered(parts) == true { exit() }
    }

    private mutating func flushTimePassed(at now: Moment) {
        let end = preemption?.endBy
        if closing?.flushTimePassed(before: end, at: now, &orders) == true { leave() }
    }

    private mutating func readersServed(at now: Moment) {
        guard closing?.awaits(.readers) == true else { return }
        flushed(.readers)
        closing?.readersServed(at: now, &orders)
    }

    /// Publishes the last status again, if something in it has changed since.
    mutating func publishAgain(at now: Moment) {
        guard let closing, closing.stage == .flushing, closing.isRecorded, closing.outcome != nil
        else { return }
        publishNow(at: now)
        self.closing?.flushFiles(&orders)
    }

    /// Exits, whatever is still waited for.
    private mutating func leave() {
        if closing?.awaits(.output) == true { orders.add(.leaveOutput) }
        exit()
    }

    private mutating func exit() {
        guard let closing else { return }
        self.closing = nil
        enter(.finished)
        closing.exit(&orders)
        // Behind it: by now our lines are written at once, and not passed on beside the job's.
        if closing.outcome != nil { tellUnremoved() }
    }
}

/// Signals and operators meanwhile.
extension Supervisor {
    private mutating func received(whileClosing signal: Event.Signal, at now: Moment) {
        switch signal {
        case .stop(let number, let name): hurry(by: name, signal: number, at: now)
        case .hangUp(let number, let name):
            if stop == nil { hurry(by: name, signal: number, at: now) }
        case .preempt(let name): signalled(name, at: now)
        case .checkpoint, .other: break
        }
    }

    private mutating func hurry(by name: String, signal: Int32, at now: Moment) {
        if stop != nil {
            if stop?.countAgain(at: now.instant) == 3 { giveUpWaiting() }
            return
        }
        let limit = closing?.hurry(by: name, signal: signal, at: now, &orders) ?? .zero
        stop = Stop(
            signal: signal, closingBy: now.instant + limit,
            abandonAt: now.instant + Closing.quick, at: now.instant)
    }

    private mutating func giveUpWaiting() {
        switch closing?.stage {
        case .recording: closing?.giveUpRecord(&orders)
        case .flushing: leave()
        case nil: break
        }
    }

    private mutating func received(
        whileClosing message: JobMessage, _ sender: Sender, at now: Moment
    ) {
        guard case .control(let control) = message else {
            return received(message, sender, at: now)
        }
        switch control.command {
        case "status": orders.answer(.status(status(at: now)), to: sender)
        case "stop":
            orders.answer(.ok, to: sender)
            hurry(by: "control stop", signal: Self.sigterm, at: now)
        default: orders.refuse(sender, .stopping, "the run has ended")
        }
    }
}
