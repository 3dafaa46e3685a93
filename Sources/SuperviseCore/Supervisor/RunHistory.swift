import SuperviseFormats

/// What the run has been through: the only value that changes the run record.
///
/// The numbers of attempts and of checkpoints come from here, so that none is given twice.
package struct RunHistory: Sendable {
    package private(set) var record: RunRecord
    /// Why the last attempt ended; nil where it did not fail.
    private(set) var lastFailure: Failure?
    /// The first spawn waits until the record is durable.
    private(set) var isFirstSpawn = true
    /// Why the run was given up for want of progress.
    private(set) var givenUp: Status.GivenUp?
    private var numbers: AttemptNumbers
    private let rule: ProgressRule
    private let rollbackAfter: Int
    private var accountedUntil: Instant?

    /// - Parameters:
    ///   - found: the record, new or as it was left.
    ///   - lastBegun: see ``Supervisor/Found/lastBegun``.
    ///   - known: all checkpoints that are there, good or damaged.
    ///   - highestSequence: over everything that is there, visible or not.
    ///   - steps: those of the good checkpoints; empty where steps no longer count.
    init(
        _ found: RunRecord, lastBegun: Int?, known: [CheckpointID], highestSequence: Int64,
        steps: [Int64], _ settings: Settings
    ) {
        record = found
        numbers = AttemptNumbers(found, lastBegun: lastBegun)
        rule = ProgressRule(
            healthyAfter: settings.healthyAfter, maxFailures: settings.maxFailures)
        rollbackAfter = settings.rollbackAfter
        record.sequence = max(
            found.sequence, highestSequence, known.map(\.sequence).max() ?? 0)
        // The disk may know of commits that the record was too late for.
        record.commits = max(found.commits, known.count)
        record.bestStep = ([found.bestStep].compactMap { $0 } + steps).max()
    }

    /// The last attempt has not ended, so the supervisor or the machine died under it. After a
    /// clean end an attempt only stands there because something of it was left behind.
    ///
    /// - Returns: that attempt, and its failure; nil where there is none.
    mutating func takeUp(
        at now: Timestamp
    ) -> (attempt: RunRecord.Attempt, failure: Failure)? {
        if record.outcome != nil {
            record.outcome = nil
            record.current = nil
            record.failures.withoutProgress = 0
            record.failures.suspects = [:]
            record.progress.sameEnds = nil
        }
        // Also where the run was stopped, or given up, before the next attempt began.
        if let last = record.failures.last, last.attempt == record.attempt { lastFailure = last }
        guard let lost = record.current else { return nil }
        let failure = Failure(attempt: record.attempt, kind: .machine, at: now, lostSeconds: 0)
        record.current = nil
        record.experience.failures += 1
        note(failure)
        if !lost.progressed, let from = lost.resumedFrom { suspect(from) }
        return (lost, failure)
    }

    private mutating func note(_ failure: Failure) {
        record.failures.total += 1
        record.failures.last = failure
        lastFailure = failure
    }

    mutating func setBranches(_ forks: [RunRecord.Fork]) { record.branches = forks }

    mutating func setTrust(inNames trust: RunRecord.StepTrust?) { record.namedSteps = trust }

    /// Steps no longer count: any commit is progress, whatever was the highest before.
    mutating func endSteps() { record.bestStep = nil }

    /// - Returns: a number that no other checkpoint has.
    mutating func giveSequence() -> Int64 {
        record.sequence += 1
        return record.sequence
    }

    mutating func end(_ outcome: Outcome?) { record.outcome = outcome }
}

/// Attempts, their numbers, and how they end.
extension RunHistory {
    /// - Parameter secret: random bits.
    /// - Returns: its token; its number is the record's.
    mutating func beginAttempt(
        secret: UInt64, from resumed: CheckpointID?, at now: Timestamp
    ) -> String {
        record.attempt = numbers.give()
        record.attemptsReserved = numbers.reserved
        let token = record.runToken + hexadecimal(secret)
        record.current = RunRecord.Attempt(
            token: token, resumedFrom: resumed, started: now, progressed: false)
        return token
    }

    /// The attempt that has begun may be started before its record is durable.
    var mayStart: Bool { !isFirstSpawn && numbers.mayStart(record.attempt) }

    mutating func isStarted() { isFirstSpawn = false }

    /// The record that was waited for is durable.
    mutating func isRecorded() { numbers.recorded(numbers.reserved) }

    /// A record is durable that reserves numbers up to this one.
    mutating func isRecorded(reserving reserved: Int) { numbers.recorded(reserved) }

    /// The attempt counts for none.
    ///
    /// - Parameters:
    ///   - hasBegun: the command may have seen its number; else the next attempt has it.
    ///   - waitsForRecord: the next spawn waits for the record again.
    mutating func takeBackAttempt(to former: Int, hasBegun: Bool, waitsForRecord: Bool) {
        if !hasBegun { numbers.takeBack() }
        record.attempt = former
        record.current = nil
        if waitsForRecord { isFirstSpawn = true }
    }

    /// No other attempt starts: the record that says so skips no numbers.
    mutating func endNumbers() {
        numbers.end()
        record.attemptsReserved = numbers.reserved
    }

    /// Nothing of the attempt is left.
    mutating func attemptIsGone() { record.current = nil }

    /// The attempt has ended as it should, and another one follows.
    mutating func attemptEnded() {
        lastFailure = nil
        record.current = nil
    }

    /// An attempt has ended, and was not asked to.
    ///
    /// - Parameter failed: it counts as a failure.
    /// - Returns: whether it was progress, and whether it failed as the last ones did, so that another
    ///   is of no use.
    mutating func noteEnd(
        _ end: JobEnd, failed: Bool, lived: Duration
    ) -> (isProgress: Bool, isSame: Bool) {
        let history = ProgressRule.History(record)
        let isProgress = rule.isProgress(.lived(lived), after: history)
        if isProgress { record.failures.withoutProgress = 0 }
        guard history.isSilent, failed else {
            record.progress.sameEnds = nil
            return (isProgress, false)
        }
        let ends = rule.ends(record.progress.sameEnds, then: end, lived: lived)
        record.progress.sameEnds = ends
        return (isProgress, rule.failsTheSameEachTime(ends, after: history))
    }

    /// - Parameters:
    ///   - progressed: the attempt made progress.
    ///   - suspected: what it resumed from, where it committed nothing.
    mutating func attemptFailed(
        _ failure: Failure, progressed: Bool, suspected: CheckpointID?
    ) {
        note(failure)
        if failure.kind != .spawn { record.experience.failures += 1 }
        if !progressed {
            record.failures.withoutProgress += 1
            if let suspected { suspect(suspected) }
        }
        record.current = nil
    }

    /// The run is given up for this reason.
    mutating func giveUp(because final: RunEvent.FailureCounted.Final) {
        givenUp = wantOfProgress(final)
    }

    private func wantOfProgress(
        _ final: RunEvent.FailureCounted.Final
    ) -> Status.GivenUp? {
        let failures: Int
        switch final {
        case .maxFailures: failures = record.failures.withoutProgress
        case .sameEachTime: failures = record.progress.sameEnds?.lived.count ?? 0
        case .restartNever, .fatalExitCode, .gaveUp: return nil
        }
        let history = ProgressRule.History(record)
        // One that lives longer, and fails all the same, gets nothing for it.
        let longest = final == .sameEachTime ? record.progress.sameEnds?.lived.max() ?? 0 : 0
        let countsLife = history.isSilent && longest < rule.healthyAfter.seconds
        return Status.GivenUp(
            reason: final, failures: failures, reportedStep: history.reportedStep,
            commits: history.commits, committedStep: history.committedStep,
            healthyAfter: countsLife ? rule.healthyAfter.seconds : nil)
    }
}

/// Progress, by ``ProgressRule``: failures start at zero with it.
extension RunHistory {
    /// A checkpoint is durable.
    ///
    /// - Parameter resumed: what its attempt resumed from.
    /// - Returns: whether that is progress.
    mutating func committed(step: Int64?, resumed: CheckpointID?) -> Bool {
        record.current?.progressed = true
        if let resumed { trust(resumed) }
        let isProgress = rule.isProgress(
            .committed(step: step), after: ProgressRule.History(record))
        record.commits += 1
        guard isProgress else { return false }
        record.failures.withoutProgress = 0
        record.bestStep = step ?? record.bestStep
        // This checkpoint is newer than all that attempts failed from.
        record.failures.suspects = [:]
        return true
    }

    /// A checkpoint is durable that holds what another one holds.
    mutating func committedAgain() { record.commits += 1 }

    /// The job reported a step.
    ///
    /// - Parameters:
    ///   - base: where the attempt began.
    ///   - resumed: what the attempt resumed from.
    ///   - isForward: it is higher than those that the attempt reported before.
    ///   - hadProgress: the attempt made progress before.
    /// - Returns: whether it is progress, and whether the record is to be written: it is the first
    ///   progress of the attempt, or the first step of the run.
    mutating func reported(
        step: Int64, base: Int64, resumed: CheckpointID?, isForward: Bool, hadProgress: Bool
    ) -> (isProgress: Bool, isNews: Bool) {
        let isProgress = rule.isProgress(
            .reported(step: step, base: base), after: ProgressRule.History(record))
        let isFirst = isProgress && !hadProgress || record.progress.reportedStep == nil
        record.progress.reportedStep = max(step, record.progress.reportedStep ?? step)
        if isProgress {
            record.failures.withoutProgress = 0
            // Others stay suspect until there is a checkpoint that is newer than they are.
            if let resumed { trust(resumed) }
        }
        let isFirstForward = isForward && record.current?.progressed == false
        if isFirstForward { record.current?.progressed = true }
        return (isProgress, isFirst || isFirstForward)
    }
}

/// Checkpoints from which attempts failed.
extension RunHistory {
    private mutating func suspect(_ id: CheckpointID) {
        record.failures.suspects[id.description, default: 0] += 1
    }

    /// Failures that count against it are forgotten.
    mutating func trust(_ id: CheckpointID) { record.failures.suspects[id.description] = nil }

    /// How many attempts in a row have failed from it.
    func failures(from id: CheckpointID) -> Int {
        record.failures.suspects[id.description, default: 0]
    }

    /// An older one is tried instead.
    func isSuspect(_ id: CheckpointID) -> Bool { failures(from: id) >= rollbackAfter }

    /// All that are suspect.
    var suspects: Set<CheckpointID> {
        let ids = record.failures.suspects.filter { $0.value >= rollbackAfter }.keys
        return Set(ids.compactMap { CheckpointID($0) })
    }
}

/// Where the time went.
extension RunHistory {
    /// The time since the last event belongs to what was going on then.
    ///
    /// - Parameters:
    ///   - runs: the job did, but for the time that it `stood`.
    ///   - isKnown: a failure shows which work was lost.
    mutating func account(
        until now: Instant, runs: Bool, stood: Duration, isKnown: Bool
    ) {
        defer { accountedUntil = now }
        guard let since = accountedUntil else { return }
        let seconds = max(0, (now - since).seconds)
        record.totals.wall += seconds
        let ran = runs ? max(0, seconds - stood.seconds) : 0
        record.totals.useful += ran
        record.experience.ran += ran
        record.totals.down += seconds - ran
        record.totals.isKnown = isKnown
    }

    /// Work that has to be done again was not useful after all.
    mutating func lose(seconds: Double) {
        record.totals.lost += seconds
        record.totals.useful = max(0, record.totals.useful - seconds)
    }

    /// The job has written a checkpoint for so long.
    mutating func saved(seconds: Double) {
        record.totals.checkpoint += seconds
        record.totals.useful -= seconds
    }

    /// See ``Experience/measure(cost:whole:wait:)``.
    mutating func measure(cost: Double, whole: Double? = nil, wait: Double? = nil) {
        record.experience.measure(cost: cost, whole: whole, wait: wait)
    }
}

/// 16 hexadecimal digits.
private func hexadecimal(_ bits: UInt64) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let places = stride(from: 60, through: 0, by: -4)
    return String(decoding: places.map { digits[Int(bits >> $0 & 15)] }, as: UTF8.self)
}
