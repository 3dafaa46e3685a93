import SuperviseFormats

/// Operators who wait until an attempt is up: it has said hello, or has lived for a second.
package struct StartWaiters: Equatable, Sendable {
    private enum Wish: Equatable, Sendable {
        /// An attempt with a higher number than this is up, or has failed to come up.
        case restart(after: Int)
        /// The job can be asked for a checkpoint, or is past its start.
        case checkpoint
    }

    private struct Waiter: Equatable, Sendable {
        let sender: Sender
        let wish: Wish
    }

    /// How far the start of an attempt is.
    struct Start: Sendable {
        /// Why no attempt begins any more; nil while one may.
        var end: String?
        /// The newest attempt, while it is there.
        var attempt: Int?
        var hasGreeted = false
        /// It has ended by itself.
        var ended: JobEnd?
        /// The last attempt that has failed.
        var failed: Int?
        /// The job can be asked for a checkpoint.
        var canAsk = false
        var isStarting = Starting.no

        /// Whether a hello may still come of a job that is being started.
        enum Starting: Sendable {
            case no
            /// The job does not run yet.
            case awaited
            /// Until it has lived for ``StartWaiters/proof``.
            case running
        }
    }

    /// What an operator gets whose wait is over.
    enum Service: Sendable {
        case answer(SupervisorMessage)
        /// The job is asked for a checkpoint now, or the operator hears why it is not.
        case checkpoint
    }

    /// An attempt that has lived for so long is up without a hello.
    package static let proof = Duration.seconds(1)

    private var waiting: [Waiter] = []
    /// The newest attempt that was started.
    private var newest: Started?

    private struct Started: Equatable, Sendable {
        let attempt: Int
        /// Of the job's own time.
        let at: Instant
        /// The timer for it has fired.
        var isProven = false
    }

    package init() {}

    package var isEmpty: Bool { waiting.isEmpty }

    /// Whether the first second of this attempt matters to any of them: not that of the attempt that
    /// a restart is about to end.
    package func wait(for attempt: Int) -> Bool {
        waiting.contains {
            if case .restart(let before) = $0.wish { attempt > before } else { true }
        }
    }

    /// - Parameter attempt: the one that runs, or that ran last.
    mutating func awaitRestart(_ sender: Sender, after attempt: Int) {
        waiting.append(Waiter(sender: sender, wish: .restart(after: attempt)))
    }

    mutating func awaitCheckpoint(_ sender: Sender) {
        waiting.append(Waiter(sender: sender, wish: .checkpoint))
    }

    /// Forgets an operator who has gone.
    mutating func remove(_ connection: ConnectionID) {
        waiting.removeAll { $0.sender.connection == connection }
    }

    mutating func started(_ attempt: Int, at counted: Instant) {
        newest = Started(attempt: attempt, at: counted)
    }

    /// The attempt with this number was never started: the next one has its number.
    mutating func takeBack(_ attempt: Int) {
        waiting = waiting.map { waiter in
            guard case .restart(let after) = waiter.wish, after >= attempt else { return waiter }
            return Waiter(sender: waiter.sender, wish: .restart(after: attempt - 1))
        }
    }

    /// The newest attempt still lives after ``proof``.
    mutating func prove() { newest?.isProven = true }

    /// How long this attempt has to live until it is up; zero where it is, nil where it was not
    /// started.
    private func left(of attempt: Int, at counted: Instant) -> Duration? {
        guard let newest, newest.attempt == attempt else { return nil }
        return newest.isProven ? .zero : max(.zero, Self.proof - (counted - newest.at))
    }
}

/// After every event.
extension StartWaiters {
    /// - Parameter name: of the run.
    /// - Returns: those whose wait is over, in order; the others go on waiting.
    mutating func takeServed(
        _ start: Start, name: String, at counted: Instant
    ) -> [(sender: Sender, service: Service)] {
        guard !waiting.isEmpty else { return [] }
        var served: [(sender: Sender, service: Service)] = []
        var others: [Waiter] = []
        for waiter in waiting {
            let service: Service? =
                switch waiter.wish {
                case .restart(let number):
                    verdict(after: number, start, name: name, at: counted).map { .answer($0) }
                case .checkpoint: canStillGreet(start, at: counted) ? nil : .checkpoint
                }
            if let service {
                served.append((waiter.sender, service))
            } else {
                others.append(waiter)
            }
        }
        waiting = others
        return served
    }

    /// Sets the timer that goes off when an attempt has lived long enough to be up.
    ///
    /// - Parameter attempt: the one that runs; nil for none, or while it is paused.
    func setTimer(for attempt: Int?, at now: Moment, _ orders: inout Orders) {
        guard let attempt, wait(for: attempt), let left = left(of: attempt, at: now.counted),
            left > .zero
        else {
            orders.cancelIfSet(.lived)
            return
        }
        if !orders.isSet(.lived) { orders.set(.lived, after: left, at: now) }
    }

    private func canStillGreet(_ start: Start, at counted: Instant) -> Bool {
        guard !start.canAsk else { return false }
        switch start.isStarting {
        case .no: return false
        case .awaited: return true
        case .running: return start.attempt.map { left(of: $0, at: counted) != .zero } ?? false
        }
    }

    /// What came of a restart; nil while it is not known.
    private func verdict(
        after number: Int, _ start: Start, name: String, at counted: Instant
    ) -> SupervisorMessage? {
        if let end = start.end { return .error(ProtocolError(.stopping, end)) }
        if let attempt = start.attempt, attempt > number {
            if start.hasGreeted || left(of: attempt, at: counted) == .zero { return .ok }
            return start.ended.map { Self.didNotComeUp(attempt, Self.words(for: $0), name: name) }
        }
        // It ended in the same step in which it was to be started.
        if let failed = start.failed, failed > number {
            return Self.didNotComeUp(failed, "could not be started", name: name)
        }
        return nil
    }

    private static func didNotComeUp(
        _ attempt: Int, _ what: String, name: String
    ) -> SupervisorMessage {
        let message =
            "attempt \(attempt) did not come up: it \(what); supervise status \(name) shows what "
            + "comes next"
        return .error(ProtocolError(.conflict, message))
    }

    private static func words(for end: JobEnd) -> String {
        let how =
            switch end {
            case .exited(let code): "exited with status \(code)"
            case .signaled(_, let name): "was ended by \(name)"
            }
        return "\(how) before it said hello and before it had lived for 1 s"
    }
}

/// Answers operators who wait for an attempt to come up: after `restart`, and after `checkpoint`
/// where the job is only just being started.
extension Supervisor {
    /// After every event.
    mutating func serveStartWaiters(at now: Moment) {
        if !startWaiters.isEmpty {
            let served = startWaiters.takeServed(start, name: record.name, at: now.counted)
            for (sender, service) in served {
                switch service {
                case .answer(let message): orders.answer(message, to: sender)
                case .checkpoint:
                    if let refusal = joinOrRequest(sender, at: now) {
                        orders.answer(.error(refusal), to: sender)
                    }
                }
            }
        }
        let running = phase == .running && !isPaused ? attempt?.number : nil
        startWaiters.setTimer(for: running, at: now, &orders)
    }

    private var start: StartWaiters.Start {
        var start = StartWaiters.Start(
            attempt: attempt?.number, hasGreeted: attempt?.hasGreeted == true,
            failed: history.lastFailure?.attempt, canAsk: canAsk, isStarting: isStarting)
        if isClosing {
            start.end = "the run has ended\(closing?.error.map { ": \($0)" } ?? "")"
        } else if let stop, !stop.restarts {
            start.end = "the run is stopping"
        }
        if case .ending(let ending) = phase, stop == nil { start.ended = ending.end }
        return start
    }

    private var isStarting: StartWaiters.Start.Starting {
        guard stop == nil, !isPaused else { return .no }
        switch phase {
        case .idle, .clearing, .gathering, .choosing, .recording: return .awaited
        case .running: return .running
        case .ending, .waiting, .closing, .finished: return .no
        }
    }

    /// The attempt that runs, or that ran last: a restart begins one with a higher number.
    var attemptBeforeRestart: Int {
        switch phase {
        case .running, .ending: attempt?.number ?? record.attempt
        case .recording(let order): order.attempt - 1
        case .idle, .clearing, .gathering, .choosing, .waiting, .closing, .finished:
            record.attempt
        }
    }
}
