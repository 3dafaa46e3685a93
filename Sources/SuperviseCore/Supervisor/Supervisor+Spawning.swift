import SuperviseFormats

/// A start of the job that failed: the command's fault, the system's, or a shortage of the machine.
extension Supervisor {
    mutating func spawnFailed(_ failure: Event.SpawnFailure, at now: Moment) {
        guard phase == .running, let attempt else { return }
        self.attempt?.neverRan = true
        let (status, message): (Int32, String)
        switch failure {
        case .notFound(let text): (status, message) = (127, text)
        case .notExecutable(let text): (status, message) = (126, text)
        case .system(let text): (status, message) = (125, text)
        case .shortage(let text): return startRefused(text, at: now)
        }
        machineShortage.end()
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            log(.warning(.init(message: message)))
            finishStopped(at: now)
        } else if attempt.number == 1, status != 125 {
            finish(
                Outcome(kind: .failed, exitCode: Int(status)), .failed(status: status),
                because: message, at: now)
        } else {
            log(.warning(.init(message: message)))
            countFailure(.spawn, end: .exited(Int(status)), at: now)
        }
    }

    /// The machine is short of something: no failure of anybody, and tried again.
    private mutating func startRefused(_ message: String, at now: Moment) {
        if stop?.restarts == true { forgetStop() }
        if stop != nil {
            log(.warning(.init(message: message)))
            return finishStopped(at: now)
        }
        waitForMachine(message, at: now)
    }

    /// The same for the record of the first attempt.
    mutating func recordRefused(_ message: String, at now: Moment) {
        if case .recording = phase {
            waitForMachine("the run record cannot be written: \(message)", at: now)
        } else {
            recordFailed(message, at: now)
        }
    }

    /// Goes on with the choice of a checkpoint once it is tried again.
    mutating func waitForMachine(_ message: String, at now: Moment) {
        let jitter = Double.random(in: -1...1, using: &random)
        switch machineShortage.refused(message, at: now.instant, jitter: jitter) {
        case .wait(let wait, let isFirst):
            if isFirst {
                log(.warning(.init(message: "\(message); waiting for the machine, trying again")))
            }
            takeBackAttempt()
            waitToRestart(wait, at: now)
        case .giveUp(let time):
            if attempt != nil {
                takeBackAttempt()
                actions.append(.record(record, confirm: false))
            }
            refuse("\(message); tried for \(Int(time.seconds.rounded())) s", at: now)
        }
    }

    /// It has not begun: the next one has its number, and the record knows of none.
    private mutating func takeBackAttempt() {
        guard attempt != nil else { return }
        record.attempt -= 1
        record.current = nil
        attempt = nil
        if !machineShortage.hasStarted { isFirstSpawn = true }
    }

    /// The job runs.
    mutating func endMachineShortage(at now: Moment) {
        guard let time = machineShortage.started(at: now.instant) else { return }
        let text = "the machine's shortage is over after \(Int(time.seconds.rounded())) s"
        log(.warning(.init(message: "\(text); attempt \(record.attempt) runs")))
    }
}

/// What the machine refuses beside a start: waited out, and reported once.
extension Supervisor {
    mutating func hindered(_ hindrance: Hindrance, at now: Moment) {
        let (wait, isFirst) = retries.next(hindrance, at: now.instant)
        if isFirst, let text = Self.sentence(for: hindrance) {
            log(.warning(.init(message: text)))
        }
        if !alarms.isSet(.again) { set(.again, after: wait, at: now) }
    }

    mutating func againTimePassed(at now: Moment) {
        retries.tryNow()
        if phase == .clearing, leftovers.isToBeSearchedAgain {
            leftovers.search()
            actions.append(.endLeftovers)
        }
        actions.append(.tryAgain)
        if let attempt = retries.outliving, hasTree(of: attempt) {
            hindered(.outliving(attempt: attempt), at: now)
        }
    }

    /// Whether something of that attempt may live, as far as is known.
    private func hasTree(of number: Int) -> Bool {
        guard attempt?.number == number else { return false }
        return switch phase {
        case .running: true
        case .ending(let ending): !ending.descendantsGone
        case .idle, .clearing, .gathering, .choosing, .recording, .waiting, .closing, .finished:
            false
        }
    }

    /// nil where the host has said it.
    private static func sentence(for hindrance: Hindrance) -> String? {
        switch hindrance {
        case .tree(let reason):
            "whether something of the job is left cannot be told now (\(reason)); looking again "
                + "until it can"
        case .leftovers(let reason):
            "whether an earlier attempt has left something cannot be told now (\(reason)); starting "
                + "nothing and looking again until it can"
        // Reported when its time was up.
        case .outliving: nil
        case .guardian: nil
        case .threads(let reason):
            "no thread can be started (\(reason)), and the work waits for one; trying again"
        }
    }
}
