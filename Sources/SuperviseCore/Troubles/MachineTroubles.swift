import SuperviseFormats

/// What the machine refuses for now: waited out, reported once, and once more when it is over.
///
/// One timer, ``TimerID/again``, tries everything again but the start of the job, which waits for
/// ``TimerID/backoff``.
struct MachineTroubles: Sendable {
    private var retries = Retries()
    private var start = MachineShortage()
    private var record = RecordTrouble()
    private var leftovers = LeftoverRetries()

    mutating func hindered(_ hindrance: Hindrance, at now: Moment, _ orders: inout Orders) {
        let (wait, isFirst) = retries.meet(hindrance, at: now.instant)
        if isFirst, let text = hindrance.sentence { orders.warn(text) }
        tryAgain(after: wait, at: now, &orders)
    }

    private func tryAgain(after wait: Duration, at now: Moment, _ orders: inout Orders) {
        if !orders.isSet(.again) { orders.set(.again, after: wait, at: now) }
    }

    /// Its timer has gone off.
    ///
    /// - Parameters:
    ///   - isClearing: nothing is started before it is known that an earlier supervisor has left nothing.
    ///   - attempt: of which something may live, as far as is known; nil for none.
    ///   - record: the newest one; nil where it is not written again.
    mutating func againTimePassed(
        isClearing: Bool, attempt: Int?, record: RunRecord?, at now: Moment,
        _ orders: inout Orders
    ) {
        retries.tryNow()
        if isClearing, leftovers.unseen != nil { searchForLeftovers(&orders) }
        orders.add(.tryAgain)
        if let attempt, attempt == retries.outliving {
            hindered(.outliving(attempt: attempt), at: now, &orders)
        }
        if self.record.isOpen, let record { orders.add(.record(record, confirm: false)) }
    }

    mutating func triedAgain(at now: Moment, _ orders: inout Orders) {
        for (kind, lasted) in retries.tried(at: now.instant) {
            tellEnd(of: kind, after: lasted, &orders)
        }
    }

    private func tellEnd(
        of kind: Hindrance.Kind, after lasted: Duration, _ orders: inout Orders
    ) {
        guard let text = kind.end else { return }
        orders.warn("\(text) again, after \(Self.seconds(lasted))")
    }

    static func seconds(_ time: Duration) -> String { "\(Int(time.seconds.rounded())) s" }
}

/// Processes that are left: of an earlier supervisor, or of an attempt that was killed.
extension MachineTroubles {
    mutating func searchForLeftovers(_ orders: inout Orders) {
        leftovers.unseen = nil
        orders.add(.endLeftovers)
    }

    /// A search could not see who is there. That is never taken for nobody.
    mutating func leftoversUnseen(
        _ reason: String, ended: [String], at now: Moment, _ orders: inout Orders
    ) {
        leftovers.unseen = reason
        leftovers.ended += ended
        hindered(.leftovers(reason), at: now, &orders)
    }

    /// A search has found that none is left.
    ///
    /// - Parameter processes: those that it has ended.
    mutating func leftoversEnded(
        _ processes: [String], at now: Moment, _ orders: inout Orders
    ) {
        let all = leftovers.ended + processes
        leftovers = LeftoverRetries()
        if let lasted = retries.leftoversSeen(at: now.instant) {
            tellEnd(of: .leftovers, after: lasted, &orders)
        }
        if !all.isEmpty { orders.log(.leftovers(.init(processes: all))) }
    }

    /// Says of an earlier supervisor's attempt that it has not ended, or that nobody can tell.
    var earlierAttemptLives: String {
        Self.isLeft(of: "an earlier attempt", unseen: leftovers.unseen)
    }

    /// Says of this supervisor's attempt that it has not ended, or that nobody can tell.
    ///
    /// - Parameter name: such as `attempt 2`.
    func attemptLives(_ name: String) -> String { Self.isLeft(of: name, unseen: retries.unseen) }

    private static func isLeft(of name: String, unseen: String?) -> String {
        unseen.map { "whether something of \(name) is left cannot be told (\($0))" }
            ?? "something of \(name) does not end, even by SIGKILL"
    }
}

/// A search for processes that an earlier supervisor has left, while they are ended.
private struct LeftoverRetries: Sendable {
    /// Why nobody could tell at the last search whether some are left; nil if a search is under way.
    var unseen: String?
    /// By all searches.
    var ended: [String] = []
}

/// The run record, while the job runs or another attempt is awaited.
extension MachineTroubles {
    mutating func recordFailed(_ message: String, at now: Moment, _ orders: inout Orders) {
        let (wait, isFirst) = record.failed(message, at: now.instant)
        if isFirst {
            orders.warn("the run record cannot be written: \(message); the job goes on")
        }
        tryAgain(after: wait, at: now, &orders)
    }

    mutating func recordWritten(at now: Moment, _ orders: inout Orders) {
        guard let time = record.written(at: now.instant) else { return }
        orders.warn("the run record is written again, after \(Self.seconds(time))")
    }
}

/// A run record that cannot be written while the run goes on: reported once for each reason, and tried
/// again until it is written.
private struct RecordTrouble: Sendable {
    /// So many different reasons are reported until it is over.
    private static let mostReasons = 4

    private var since: Instant?
    private var reasons: Set<String> = []
    private var failures = 0

    /// The record on the disk is not the newest one.
    var isOpen: Bool { since != nil }

    /// - Returns: how long to wait before the next try, and whether people have not read of it yet.
    mutating func failed(
        _ reason: String, at now: Instant
    ) -> (wait: Duration, isFirst: Bool) {
        since = since ?? now
        failures += 1
        let wait = Backoff.wait(
            afterFailures: failures, range: MachineShortage.waits, jitter: 0)
        let isFirst = reasons.count < Self.mostReasons && reasons.insert(reason).inserted
        return (wait, isFirst)
    }

    /// A record is on the disk.
    ///
    /// - Returns: how long none could be written; nil where the last one could.
    mutating func written(at now: Instant) -> Duration? {
        defer { self = RecordTrouble() }
        return since.map { now - $0 }
    }
}

/// The start of the job.
extension MachineTroubles {
    /// A start waits for what the machine has not enough of.
    var isShort: Bool { start.since != nil }

    /// The last refusal, as text for people; nil where there is none.
    var shortage: String? { start.message }

    /// A job of this supervisor has run.
    var hasStarted: Bool { start.hasStarted }

    /// - Parameter jitter: between -1 and 1.
    mutating func startRefused(
        _ message: String, at now: Moment, jitter: Double, _ orders: inout Orders
    ) -> MachineShortage.Verdict {
        let verdict = start.refused(message, at: now.instant, jitter: jitter)
        if case .wait(_, isFirst: true) = verdict {
            orders.warn("\(message); waiting for the machine, trying again")
        }
        return verdict
    }

    /// For another reason than a shortage.
    mutating func startFailed() { start.end() }

    mutating func started(_ attempt: Int, at now: Moment, _ orders: inout Orders) {
        guard let time = start.started(at: now.instant) else { return }
        orders.warn(
            "the machine's shortage is over after \(Self.seconds(time)); attempt \(attempt) runs")
    }
}
