import SuperviseFormats

/// A start of the job that failed: the command's fault, the system's, or a shortage of the machine.
extension Supervisor {
    mutating func spawnFailed(_ failure: Event.SpawnFailure, at now: Moment) {
        guard phase == .running, let attempt else { return }
        self.attempt?.couldNotStart()
        let (status, message): (Int32, String)
        switch failure {
        case .notFound(let text): (status, message) = (127, text)
        case .notExecutable(let text): (status, message) = (126, text)
        case .system(let text): (status, message) = (125, text)
        case .shortage(let text): return startRefused(text, hasBegun: false, at: now)
        case .unwatched(let text): return startRefused(text, hasBegun: true, at: now)
        }
        troubles.startFailed()
        signals.forget()
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            orders.warn(message)
            finishStopped(at: now)
        } else if attempt.number == 1, status != 125 {
            finish(
                Outcome(kind: .failed, exitCode: Int(status)), .failed(status: status),
                because: message, at: now)
        } else {
            orders.warn(message)
            countFailure(.spawn, end: .exited(Int(status)), at: now)
        }
    }

    /// The machine is short of something: no failure of anybody, and tried again.
    ///
    /// - Parameter hasBegun: the command may have seen its number.
    private mutating func startRefused(_ message: String, hasBegun: Bool, at now: Moment) {
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            orders.warn(message)
            return finishStopped(at: now)
        }
        waitForMachine(message, hasBegun: hasBegun, at: now)
    }

    /// The same for the record of the first attempt.
    mutating func recordRefused(_ message: String, at now: Moment) {
        if case .recording = phase, history.isFirstSpawn {
            waitForMachine("the run record cannot be written: \(message)", at: now)
        } else {
            troubles.recordFailed(message, at: now, &orders)
        }
    }

    /// Goes on with the choice of a checkpoint once it is tried again.
    mutating func waitForMachine(_ message: String, hasBegun: Bool = false, at now: Moment) {
        let jitter = Double.random(in: -1...1, using: &random)
        switch troubles.startRefused(message, at: now, jitter: jitter, &orders) {
        case .wait(let wait, _):
            takeBackAttempt(hasBegun: hasBegun)
            waitToRestart(wait, at: now)
        case .giveUp(let time):
            if attempt != nil {
                takeBackAttempt(hasBegun: hasBegun)
                history.endNumbers()
                orders.add(.record(record, confirm: false))
            }
            refuseRun("\(message); tried for \(MachineTroubles.seconds(time))", at: now)
        }
    }

    /// It counts for none: the record knows of none, and if it has not begun, the next one has its number.
    private mutating func takeBackAttempt(hasBegun: Bool) {
        guard let attempt else { return }
        if !hasBegun { startWaiters.takeBack(attempt.number) }
        history.takeBackAttempt(
            to: attempt.formerNumber, hasBegun: hasBegun, waitsForRecord: !troubles.hasStarted)
        forgetAttempt()
    }
}

/// What is tried again.
extension Supervisor {
    mutating func againTimePassed(at now: Moment) {
        let living: Int? =
            switch phase {
            case .running: attempt?.number
            case .ending(let ending): ending.descendantsGone ? nil : attempt?.number
            case .idle, .clearing, .gathering, .choosing, .recording, .waiting, .closing,
                .finished:
                nil
            }
        troubles.againTimePassed(
            isClearing: phase == .clearing, attempt: living, record: isClosing ? nil : record,
            at: now, &orders)
    }

    /// - Parameter reserved: no later supervisor gives numbers up to this one to an attempt.
    mutating func recordWritten(reserving reserved: Int, at now: Moment) {
        troubles.recordWritten(at: now, &orders)
        history.isRecorded(reserving: reserved)
        guard case .recording(let order) = phase, history.mayStart else { return }
        spawn(order)
    }
}
