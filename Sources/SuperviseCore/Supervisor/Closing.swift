import SuperviseFormats

/// Our end, once it is decided: what it still waits for.
///
///     recording → flushing → (exit)     (there is a last record to make durable)
///     flushing → (exit)                 (what is recorded stays as it is)
package struct Closing: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// The last record is on its way to the disk.
        case recording
        /// Status, events and output are passed on.
        case flushing
    }

    /// What a flush waits for.
    enum Part: Hashable, Sendable {
        /// Status and events.
        case files
        /// Readers of a pipe: as long as they live, they get all that the job wrote.
        case readers
        /// Other output of the job, and our own lines.
        case output
        /// The source of the notice knows that all is saved.
        case acknowledgement
        /// Checkpoints that no rule keeps are gone.
        case removals
    }

    package private(set) var stage = Stage.recording
    /// How we exit when nothing is waited for any more.
    package private(set) var ending: Action.Ending
    let outcome: Outcome?
    /// Why the run ended, if the outcome does not tell.
    let error: String?
    /// Somebody waits for our end: a stop or a preemption has its bound.
    package private(set) var isQuick: Bool
    /// False once the last record was given up.
    private(set) var isRecorded = true
    /// When this end was decided, or somebody asked to be quick.
    private var since: Instant
    /// The signal that came during the wait for the disk: we end by it if the wait is in vain.
    private var signal: Int32?
    /// Writes of the last record that failed.
    private var failures = 0
    /// Why the last one did.
    private var failure: String?
    private var parts = AwaitedParts()
    /// Bytes of output that readers had taken when they were last counted.
    private var taken: Int64 = 0

    /// For the last record of a quick end.
    private static let quickRecord = Duration.milliseconds(750)
    /// For all of a quick end; with that before it, a stop is over in its 2 s.
    static let quick = Duration.milliseconds(900)
    /// For each part of a flush that nobody is waiting for; output that moves gets it again.
    private static let patient = Duration.seconds(10)
    /// Until people are first told what is waited for, and between two reminders.
    private static let (reminder, reminders) = (Duration.seconds(2), Duration.seconds(60))
    /// Between two attempts to write the last record.
    private static let retries = Duration.milliseconds(200) ... .seconds(30)

    /// - Parameter outcome: nil if the record on the disk stays as it is.
    init(_ ending: Action.Ending, _ outcome: Outcome?, because error: String?, at now: Instant) {
        self.ending = ending
        self.outcome = outcome
        self.error = error
        since = now
        isQuick =
            switch ending {
            case .stopped, .preempted, .refused: true
            case .completed, .failed: false
            }
    }

    /// The run was stopped or preempted, which people read even if it is not recorded.
    var wasStopped: Bool {
        switch outcome?.kind {
        case .stopped, .preempted: true
        case .completed, .failed, nil: false
        }
    }

    func awaits(_ part: Part) -> Bool { parts.contains(part) }

    /// Time has passed that counts for nobody.
    mutating func delay(by time: Duration) { since = since + time }
}

/// The last record.
extension Closing {
    /// It was ordered.
    func awaitRecord(within timeout: Duration, at now: Moment, _ orders: inout Orders) {
        orders.set(.close, after: isQuick ? Self.quickRecord : timeout, at: now)
        if !isQuick { orders.set(.reminder, after: Self.reminder, at: now) }
    }

    mutating func recordFailed(_ message: String, at now: Moment, _ orders: inout Orders) {
        guard stage == .recording else { return }
        failures += 1
        if message != failure {
            failure = message
            orders.warn("the run record cannot be written: \(message); trying again")
        }
        let wait = Backoff.wait(afterFailures: failures, range: Self.retries, jitter: 0)
        orders.set(.rewrite, after: wait, at: now)
    }

    /// Prints what is waited for.
    func remind(until due: Instant, at now: Moment, _ orders: inout Orders) {
        orders.add(
            .tell(
                "waiting until the disk has taken the run record: up to "
                    + "\(Self.text(due - now.instant)); SIGTERM ends the wait, and the run then "
                    + "counts as unfinished"))
    }

    func remindLater(at now: Moment, _ orders: inout Orders) {
        orders.set(.reminder, after: Self.reminders, at: now)
    }

    /// Writes that still wait for the disk are cancelled, so that none makes the run look finished later.
    func giveUpRecord(_ orders: inout Orders) {
        orders.cancelIfSet(.close, .rewrite, .reminder)
        orders.add(.giveUpRecord)
    }

    /// No write of the record waits any more.
    ///
    /// - Parameters:
    ///   - isVisible: one of them may still become durable.
    ///   - run: its name.
    ///   - timeout: for the record of a run that nobody stops.
    mutating func recordGivenUp(
        isVisible: Bool, run: String, timeout: Duration, isPreempted: Bool, at now: Instant,
        _ orders: inout Orders
    ) {
        let why = failure.map { " (\($0))" } ?? ""
        let next =
            isVisible
            ? "supervise status \(run) shows whether it counts as finished"
            : "the run counts as unfinished, and the next start goes on from its newest checkpoint"
        let message = "the disk has not taken the run record\(why): \(next)"
        isRecorded = false
        if !isQuick, !isPreempted {
            let what = ending == .completed ? "has completed" : "failed for good"
            ending = .refused("the job \(what), but within \(Self.text(timeout)) \(message)")
            return
        }
        orders.warn(message)
        if let signal {
            ending = .stopped(signal: signal)
        } else if isPreempted, !wasStopped {
            ending = .preempted
            isQuick = true
            since = now
        }
    }

    /// In whole minutes from two minutes on, else in seconds.
    private static func text(_ wait: Duration) -> String {
        let seconds = Int64(max(0, wait.seconds).rounded(.up))
        return seconds < 120 ? "\(seconds) s" : "\((seconds + 59) / 60) min"
    }
}

/// The flush of derived files, messages and passed-on output, which may be lost without harm.
extension Closing {
    /// The record is durable, or given up, or there is none.
    mutating func recordingEnded(_ orders: inout Orders) {
        stage = .flushing
        orders.cancelIfSet(.rewrite, .reminder)
    }

    /// - Parameters:
    ///   - isRemoving: checkpoints are being removed.
    ///   - acknowledgement: what tells the source of the notice that all is saved.
    ///   - end: when the machine may be gone; nil if it stays.
    mutating func flush(
        isRemoving: Bool, acknowledgement: Inquiry?, before end: Instant?, at now: Moment,
        _ orders: inout Orders
    ) {
        parts.wasOrdered(.output)
        parts.wasOrdered(.readers)
        // Behind a record that hangs they hang as well.
        if isRecorded {
            flushFiles(&orders)
            if isRemoving { parts.wasOrdered(.removals) }
            if let acknowledgement {
                parts.wasOrdered(.acknowledgement)
                orders.add(.acknowledge(acknowledgement))
            }
        }
        orders.add(.flushOutput)
        if isQuick || end != nil { orders.add(.widenReaders) }
        let left = max(.zero, Self.quick - (now.instant - since))
        let patience = end.map { min(Self.patient, max(Self.quickRecord, $0 - now.instant)) }
        orders.set(.close, after: isQuick ? left : patience ?? Self.patient, at: now)
    }

    /// Also for a status that was published again.
    mutating func flushFiles(_ orders: inout Orders) {
        parts.wasOrdered(.files)
        orders.add(.flushFiles)
    }

    /// - Returns: whether nothing is waited for any more.
    mutating func answered(_ answered: [Part]) -> Bool {
        guard stage == .flushing else { return false }
        for part in answered { parts.wasAnswered(part) }
        return parts.isEmpty
    }

    /// Readers were served to the end, and other output is left.
    func readersServed(at now: Moment, _ orders: inout Orders) {
        if !isQuick { orders.set(.close, after: Self.patient, at: now) }
    }

    /// A reader who still takes something is waited for.
    ///
    /// - Returns: whether we exit at once.
    mutating func outputTaken(
        _ bytes: Int64, at now: Moment, _ orders: inout Orders
    ) -> Bool {
        guard parts.contains(.output) else { return false }
        guard bytes > taken else { return true }
        taken = bytes
        orders.set(.close, after: Self.patient, at: now)
        return false
    }

    /// The time for the flush is over.
    ///
    /// - Parameter end: when the machine may be gone; nil if it stays.
    /// - Returns: whether we exit at once.
    mutating func flushTimePassed(
        before end: Instant?, at now: Moment, _ orders: inout Orders
    ) -> Bool {
        let isTaken = end.map { now.instant >= $0 } ?? false
        var rest = parts
        rest.keep([.output, .readers])
        guard !isQuick, !isTaken, !rest.isEmpty else { return true }
        parts = rest
        if rest.contains(.readers) {
            awaitReaders(before: end, at: now, &orders)
        } else {
            orders.add(.measureOutput)
        }
        return false
    }

    /// For as long as it takes: a job without us would wait for them as well.
    private func awaitReaders(before end: Instant?, at now: Moment, _ orders: inout Orders) {
        orders.add(
            .tell(
                "the job has ended; waiting until its output is read to the end; SIGTERM ends the "
                    + "wait, and what is not read then is lost"))
        guard let end else { return }
        orders.set(.close, after: max(.zero, end - now.instant), at: now)
    }

    /// Exits, whatever is still waited for.
    func exit(_ orders: inout Orders) {
        orders.cancelIfSet(.close, .rewrite, .reminder)
        orders.add(.exit(ending))
    }
}

/// Those who do not wait for the disk and for slow readers.
extension Closing {
    /// Somebody asks us to end: the disk and slow readers have a moment left.
    ///
    /// - Returns: how long that is.
    mutating func hurry(
        by name: String, signal: Int32, at now: Moment, _ orders: inout Orders
    ) -> Duration {
        let limit = stage == .recording ? Self.quickRecord : Self.quick
        isQuick = true
        since = now.instant
        if stage == .recording {
            self.signal = signal
            orders.add(.tell("\(name): the disk has a moment left to take the run record"))
        }
        if orders.due(.close).map({ $0 > now.instant + limit }) ?? true {
            orders.set(.close, after: limit, at: now)
        }
        if stage == .flushing {
            if parts.contains(.readers) {
                orders.add(.widenReaders)
            } else if parts.contains(.output) {
                orders.add(.leaveOutput)
            }
        }
        return limit
    }

    /// The machine is gone at `end`.
    func tighten(to end: Instant, at now: Moment, _ orders: inout Orders) {
        guard !isQuick else { return }
        if parts.contains(.readers) { orders.add(.widenReaders) }
        if let due = orders.due(.close), due <= end { return }
        orders.set(.close, after: max(Self.quickRecord, end - now.instant), at: now)
    }
}

/// What our end waits for. Each order is answered once, so a part is over after as many answers as
/// there were orders.
struct AwaitedParts: Equatable, Sendable {
    private var orders: [Closing.Part: Int] = [:]

    var isEmpty: Bool { orders.isEmpty }

    func contains(_ part: Closing.Part) -> Bool { orders[part] != nil }

    mutating func wasOrdered(_ part: Closing.Part) {
        orders[part, default: 0] += 1
    }

    /// One order of it was carried out, or cannot be.
    mutating func wasAnswered(_ part: Closing.Part) {
        guard let count = orders[part] else { return }
        orders[part] = count > 1 ? count - 1 : nil
    }

    /// The end no longer waits for parts that are not among these.
    mutating func keep(_ parts: Set<Closing.Part>) {
        orders = orders.filter { parts.contains($0.key) }
    }
}
