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
        endSources()
        // The end may wait for something that is to be tried again.
        for timer in TimerID.allCases
        where timer != .watchdog && timer != .again && orders.isSet(timer) {
            orders.cancel(timer)
        }
        publisher.timerEnded()
        attempt?.pid = nil
        let isQuick =
            switch ending {
            case .stopped, .preempted, .refused: true
            case .completed, .failed: false
            }
        let closing = Closing(
            stage: .recording, ending: ending, outcome: outcome, error: error, since: now.instant,
            isQuick: isQuick)
        phase = .closing(closing)
        guard outcome != nil else { return flush(closing, at: now) }
        removeAtEnd()
        record.outcome = outcome
        orders.add(.record(record, confirm: true))
        orders.set(.close, after: isQuick ? Closing.quickRecord : settings.recordTimeout, at: now)
        guard !isQuick else { return }
        orders.set(.reminder, after: Closing.reminder, at: now)
        if let preemption { tightenClosing(to: preemption.endBy, at: now) }
    }

    mutating func handleWhileClosing(_ event: Event, at now: Moment) {
        switch event {
        case .lastRecorded: lastRecorded(at: now)
        case .recordFailed(let message), .recordRefused(let message):
            lastRecordFailed(message, at: now)
        case .recordGivenUp(let isVisible): lastRecordGivenUp(isVisible: isVisible, at: now)
        case .filesFlushed: flushed(.files)
        case .readersServed: readersServed(at: now)
        case .outputFlushed: flushed(.output, .readers)
        case .outputDiscarded(let bytes):
            // The last status tells how much was lost in all.
            if publisher.outputDiscarded(bytes) { publishAgain(at: now) }
        case .outputTaken(let bytes): outputTaken(bytes, at: now)
        case .acknowledged: flushed(.acknowledgement)
        case .timer(let timer):
            _ = orders.wentOff(timer)
            closingTimePassed(timer, at: now)
        case .signal(let signal): received(whileClosing: signal, at: now)
        case .received(let message, let connection, let seq):
            received(whileClosing: message, Sender(connection: connection, seq: seq), at: now)
        case .pinsSaved(let error): pinsSaved(error)
        case .archiveRemoved(let time, let bytes): logRemovedArchive(time, bytes: bytes)
        case .archiveTrimmed(let time, let gone, let bytes):
            logTrimmedArchive(time, gone: gone, bytes: bytes)
        case .removed(let gone, let held):
            removed(whileClosing: gone, held: held, isRead: true, at: now)
        case .removalFailed(let ids): removed(whileClosing: [], held: ids, isRead: false, at: now)
        case .released(let id): releasedWhileClosing(id)
        case .logsRemoved(let removed): tellRemovedLogs(removed)
        case .warned(let message): orders.warn(message)
        case .hindered(let hindrance): troubles.hindered(hindrance, at: now, &orders)
        case .triedAgain: troubles.triedAgain(at: now, &orders)
        case .recordWritten: troubles.recordWritten(at: now, &orders)
        case .started, .leftoversEnded, .leftoversUnseen, .verified, .verifying, .compressed,
            .recorded, .spawned, .spawnFailed, .jobExited,
            .outOfMemory, .outputTail, .descendantsGone, .examined,
            .onHangEnded,
            .disconnected, .noticed, .stoodStill, .stagingMade, .stagingMeasured, .committed,
            .commitFailed, .diskFull, .freeSpace, .watched, .watchIncomplete,
            .watchFlushed, .watchedRenamed, .payloadMoved, .notAdded, .handlersFound,
            .requestNotSent, .answered, .inquiryEnded, .archives, .inputSeen:
            break
        }
    }

    private mutating func closingTimePassed(_ timer: TimerID, at now: Moment) {
        guard case .closing(let closing) = phase else { return }
        switch (timer, closing.stage) {
        case (.close, .recording): giveUpRecord()
        case (.close, .flushing): flushTimePassed(closing, at: now)
        case (.rewrite, .recording): orders.add(.record(record, confirm: true))
        case (.reminder, .recording): remind(at: now)
        case (.watchdog, _): service.watchdogTimePassed(at: now, &orders)
        case (.again, _): againTimePassed(at: now)
        default: break
        }
    }
}

/// The last record: waited for, written again where that failed, and given up in the end.
extension Supervisor {
    private mutating func lastRecorded(at now: Moment) {
        guard case .closing(let closing) = phase, closing.stage == .recording else { return }
        flush(closing, at: now)
    }

    private mutating func lastRecordFailed(_ message: String, at now: Moment) {
        guard case .closing(var closing) = phase, closing.stage == .recording else { return }
        closing.failures += 1
        if message != closing.failure {
            closing.failure = message
            let text = "the run record cannot be written: \(message); trying again"
            orders.warn(text)
        }
        phase = .closing(closing)
        let wait = Backoff.wait(
            afterFailures: closing.failures, range: Closing.retries, jitter: 0)
        orders.set(.rewrite, after: wait, at: now)
    }

    private mutating func remind(at now: Moment) {
        guard let due = orders.due(.close) else { return }
        orders.add(
            .tell(
                "waiting until the disk has taken the run record: up to "
                    + "\(Self.text(due - now.instant)); SIGTERM ends the wait, and the run then "
                    + "counts as unfinished"))
        publishNow(at: now)
        orders.set(.reminder, after: Closing.reminders, at: now)
    }

    private mutating func giveUpRecord() {
        for timer in [TimerID.close, .rewrite, .reminder] where orders.isSet(timer) {
            orders.cancel(timer)
        }
        orders.add(.giveUpRecord)
    }

    /// Nothing that still waits for the disk can make the run look finished later.
    private mutating func lastRecordGivenUp(isVisible: Bool, at now: Moment) {
        guard case .closing(var closing) = phase, closing.stage == .recording else { return }
        let why = closing.failure.map { " (\($0))" } ?? ""
        let next =
            isVisible
            ? "supervise status \(record.name) shows whether it counts as finished"
            : "the run counts as unfinished, and the next start goes on from its newest checkpoint"
        let message = "the disk has not taken the run record\(why): \(next)"
        closing.isRecorded = false
        if !closing.isQuick, preemption == nil {
            let what = closing.ending == .completed ? "has completed" : "failed for good"
            closing.ending = .refused(
                "the job \(what), but within \(Self.text(settings.recordTimeout)) \(message)")
        } else {
            orders.warn(message)
            if let signal = closing.signal {
                closing.ending = .stopped(signal: signal)
            } else if preemption != nil, !closing.wasStopped {
                closing.ending = .preempted
                closing.isQuick = true
                closing.since = now.instant
            }
        }
        if !closing.wasStopped { record.outcome = nil }
        flush(closing, at: now)
    }

    /// In whole minutes where it is some of them, else in seconds.
    private static func text(_ wait: Duration) -> String {
        let seconds = Int64(max(0, wait.seconds).rounded(.up))
        return seconds < 120 ? "\(seconds) s" : "\((seconds + 59) / 60) min"
    }
}

/// Those who speak to us meanwhile.
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

    /// Somebody asks us to end: the disk and slow readers have a moment left.
    private mutating func hurry(by name: String, signal: Int32, at now: Moment) {
        guard case .closing(var closing) = phase else { return }
        if stop != nil {
            if stop?.countAgain(at: now.instant) == 3 { giveUpWaiting() }
            return
        }
        let limit = closing.stage == .recording ? Closing.quickRecord : Closing.quick
        stop = Stop(
            signal: signal, askedAt: now.instant, stage: .telling, lastCountedAt: now.instant,
            deadline: now.instant + limit)
        stop?.abandonAt = now.instant + Closing.quick
        closing.isQuick = true
        closing.since = now.instant
        if closing.stage == .recording {
            closing.signal = signal
            orders.add(
                .tell("\(name): the disk has a moment left to take the run record"))
        }
        phase = .closing(closing)
        if orders.due(.close).map({ $0 > now.instant + limit }) ?? true {
            orders.set(.close, after: limit, at: now)
        }
        guard closing.stage == .flushing else { return }
        if closing.waitsFor.contains(.readers) {
            orders.add(.widenReaders)
        } else if closing.waitsFor.contains(.output) {
            orders.add(.leaveOutput)
        }
    }

    private mutating func giveUpWaiting() {
        guard case .closing(let closing) = phase else { return }
        switch closing.stage {
        case .recording: giveUpRecord()
        case .flushing: leave(closing)
        }
    }

    /// The machine does not wait for the disk.
    mutating func tightenClosing(to end: Instant, at now: Moment) {
        guard case .closing(let closing) = phase, !closing.isQuick else { return }
        if closing.waitsFor.contains(.readers) { orders.add(.widenReaders) }
        if let due = orders.due(.close), due <= end { return }
        orders.set(.close, after: max(Closing.quickRecord, end - now.instant), at: now)
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
