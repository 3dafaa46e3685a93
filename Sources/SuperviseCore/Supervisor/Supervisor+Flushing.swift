import SuperviseFormats

/// Flushes derived files, messages and passed-on output, which may be lost without harm.
extension Supervisor {
    mutating func flush(_ closing: Closing, at now: Moment) {
        var closing = closing
        closing.stage = .flushing
        orders.cancelIfSet(.rewrite, .reminder)
        phase = .closing(closing)
        announce(closing, at: now)
        closing.waitsFor = AwaitedParts()
        closing.waitsFor.wasOrdered(.output)
        closing.waitsFor.wasOrdered(.readers)
        // Behind a record that hangs they hang as well.
        if closing.isRecorded {
            closing.waitsFor.wasOrdered(.files)
            orders.add(.flushFiles)
        }
        if closing.isRecorded, isRemovingAtEnd { closing.waitsFor.wasOrdered(.removals) }
        if closing.isRecorded, let inquiry = acknowledgement {
            closing.waitsFor.wasOrdered(.acknowledgement)
            orders.add(.acknowledge(inquiry))
        }
        orders.add(.flushOutput)
        if closing.isQuick || preemption != nil { orders.add(.widenReaders) }
        phase = .closing(closing)
        let left = Closing.quick - (now.instant - closing.since)
        // The machine may be gone before.
        let patience = preemption.map {
            min(Closing.patient, max(Closing.quickRecord, $0.endBy - now.instant))
        }
        orders.set(
            .close, after: closing.isQuick ? max(.zero, left) : patience ?? Closing.patient,
            at: now)
    }

    /// The last line tells of the last status.
    private mutating func announce(_ closing: Closing, at now: Moment) {
        guard closing.isRecorded || closing.wasStopped else { return }
        if let outcome = closing.outcome {
            publishNow(at: now)
            orders.log(.finished(outcome, error: closing.error))
        } else if publisher.hasPublished, case .refused = closing.ending {
            // A status that we have written is put right.
            record.outcome = Outcome(kind: .failed, exitCode: 125)
            publishNow(at: now)
        }
    }

    mutating func flushed(_ parts: Closing.Part...) {
        guard case .closing(var closing) = phase, closing.stage == .flushing else { return }
        for part in parts { closing.waitsFor.wasAnswered(part) }
        phase = .closing(closing)
        if closing.waitsFor.isEmpty { exit(closing) }
    }

    /// A reader who still takes something is waited for.
    mutating func outputTaken(_ bytes: Int64, at now: Moment) {
        guard case .closing(var closing) = phase, closing.waitsFor.contains(.output) else { return }
        guard bytes > closing.taken else { return leave(closing) }
        closing.taken = bytes
        phase = .closing(closing)
        orders.set(.close, after: Closing.patient, at: now)
    }

    mutating func flushTimePassed(_ closing: Closing, at now: Moment) {
        let isTaken = preemption.map { now.instant >= $0.endBy } ?? false
        var rest = closing.waitsFor
        rest.keep([.output, .readers])
        guard !closing.isQuick, !isTaken, !rest.isEmpty else { return leave(closing) }
        var closing = closing
        closing.waitsFor = rest
        phase = .closing(closing)
        if rest.contains(.readers) {
            waitForReaders(at: now)
        } else {
            orders.add(.measureOutput)
        }
    }

    /// For as long as it takes: a job without us would wait for them as well.
    private mutating func waitForReaders(at now: Moment) {
        orders.add(
            .tell(
                "the job has ended; waiting until its output is read to the end; SIGTERM ends the "
                    + "wait, and what is not read then is lost"))
        guard let preemption else { return }
        orders.set(.close, after: max(.zero, preemption.endBy - now.instant), at: now)
    }

    mutating func readersServed(at now: Moment) {
        guard case .closing(let closing) = phase, closing.waitsFor.contains(.readers) else {
            return
        }
        flushed(.readers)
        guard case .closing(let rest) = phase, !rest.isQuick else { return }
        orders.set(.close, after: Closing.patient, at: now)
    }

    /// Publishes the last status again, if something in it has changed since.
    mutating func publishAgain(at now: Moment) {
        guard case .closing(var closing) = phase, closing.stage == .flushing, closing.isRecorded,
            closing.outcome != nil
        else { return }
        publishNow(at: now)
        orders.add(.flushFiles)
        closing.waitsFor.wasOrdered(.files)
        phase = .closing(closing)
    }

    /// Exits, whatever is still waited for.
    mutating func leave(_ closing: Closing) {
        if closing.waitsFor.contains(.output) { orders.add(.leaveOutput) }
        exit(closing)
    }

    private mutating func exit(_ closing: Closing) {
        for timer in [TimerID.close, .rewrite, .reminder] where orders.isSet(timer) {
            orders.cancel(timer)
        }
        phase = .finished
        orders.add(.exit(closing.ending))
        // Behind it: by now our lines are written at once, and not passed on beside the job's.
        if closing.outcome != nil { tellUnremoved() }
    }
}
