import SuperviseFormats

/// What the machine refuses beside a start: waited out, reported once, and once more when it is over.
extension Supervisor {
    mutating func hindered(_ hindrance: Hindrance, at now: Moment) {
        let (wait, isFirst) = retries.meet(hindrance, at: now.instant)
        if isFirst, let text = Self.sentence(for: hindrance) {
            orders.warn(text)
        }
        tryAgain(after: wait, at: now)
    }

    mutating func againTimePassed(at now: Moment) {
        retries.tryNow()
        if phase == .clearing, leftovers.isToBeSearchedAgain {
            leftovers.search()
            orders.add(.endLeftovers)
        }
        orders.add(.tryAgain)
        if let attempt = retries.outliving, hasTree(of: attempt) {
            hindered(.outliving(attempt: attempt), at: now)
        }
        if recordTrouble.isOpen, !isClosing { orders.add(.record(record, confirm: false)) }
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

    mutating func triedAgain(at now: Moment) {
        for (kind, lasted) in retries.tried(at: now.instant) {
            guard let text = Self.end(of: kind) else { continue }
            orders.warn("\(text) again, after \(Self.seconds(lasted))")
        }
    }

    mutating func leftoversSeen(at now: Moment) {
        guard let lasted = retries.leftoversSeen(at: now.instant),
            let text = Self.end(of: .leftovers)
        else { return }
        orders.warn("\(text) again, after \(Self.seconds(lasted))")
    }

    private mutating func tryAgain(after wait: Duration, at now: Moment) {
        if !orders.isSet(.again) { orders.set(.again, after: wait, at: now) }
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
        case .signal(let name, let reason):
            "\(name) cannot be sent to all of the job now (\(reason)); sending it as soon as that can "
                + "be done"
        }
    }

    /// nil where the host says it.
    private static func end(of kind: Hindrance.Kind) -> String? {
        switch kind {
        case .tree: "the job's processes can be looked at"
        case .leftovers: "what an earlier attempt has left can be looked for"
        case .outliving, .guardian: nil
        case .threads: "threads can be started"
        case .signal: "the whole job can be sent signals"
        }
    }

    private static func seconds(_ time: Duration) -> String { "\(Int(time.seconds.rounded())) s" }
}

/// The run record, while the job runs or another attempt is awaited.
extension Supervisor {
    mutating func tryRecordAgain(_ message: String, at now: Moment) {
        let (wait, isFirst) = recordTrouble.failed(message, at: now.instant)
        if isFirst {
            let text = "the run record cannot be written: \(message); the job goes on"
            orders.warn(text)
        }
        tryAgain(after: wait, at: now)
    }

    /// - Parameter reserved: no later supervisor gives numbers up to this one to an attempt.
    mutating func recordWritten(reserving reserved: Int, at now: Moment) {
        endRecordTrouble(at: now)
        history.isRecorded(reserving: reserved)
        guard case .recording(let order) = phase, history.mayStart
        else { return }
        spawn(order)
    }

    mutating func endRecordTrouble(at now: Moment) {
        guard let time = recordTrouble.written(at: now.instant) else { return }
        orders.log(
            .warning(
                .init(message: "the run record is written again, after \(Self.seconds(time))")))
    }
}
