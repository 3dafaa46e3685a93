import SuperviseFormats

/// Everything that belongs to one attempt, and dies with it.
///
/// Its instants are of the job's own time, which stands still with it: see ``Moment/counted``.
package struct Attempt: Sendable {
    package let number: Int
    /// That of the attempt before it, for the record if this one is taken back.
    let formerNumber: Int
    package let token: String
    package let resume: CheckpointSummary?
    let metadata: [String: JSONValue]
    let startedAt: Instant
    /// Why the attempt before this one ended; nil where there is none or it did not fail.
    let lastFailure: Failure?
    package private(set) var pid: Int?
    /// One of its connections has said hello, or it has told with sd_notify(3) that it is ready.
    private(set) var hasGreeted = false
    /// What it said when it gave up: there is to be no other attempt.
    private(set) var gaveUp: String?
    /// It could not be started: no process of it lives.
    private(set) var neverRan = false
    /// The job's own connections: those that said hello with this attempt's token.
    package private(set) var connections: [ConnectionID: JobConnection] = [:]
    /// What it last committed or resumed from.
    private(set) var parent: CheckpointID?
    /// When the state was taken that a restart would go on from.
    private(set) var securedAt: Instant
    private(set) var committedAnything = false
    /// It made progress: see ``ProgressRule``.
    private(set) var progressed = false
    /// How many of its processes the kernel has ended for lack of memory.
    private(set) var outOfMemory = 0
    private(set) var firstStep: (step: Int64, at: Instant)?
    private(set) var lastStep: Int64?
    /// The last lines that it wrote, once it has ended.
    private(set) var outputTail: [String] = []
    /// What tells which files it closed by its own will.
    package var lastCloses = LastCloses()
    /// Whether it still does what it is to do.
    package var hang: HangWatch

    package struct JobConnection: Equatable, Sendable {
        package let acceptsCheckpoints: Bool
    }

    init(
        number: Int, formerNumber: Int, token: String, resume: CheckpointSummary?,
        metadata: [String: JSONValue], lastFailure: Failure?, hang: HangWatch, at now: Instant
    ) {
        self.number = number
        self.formerNumber = formerNumber
        self.token = token
        self.resume = resume
        self.metadata = metadata
        self.lastFailure = lastFailure
        self.hang = hang
        startedAt = now
        securedAt = now
        parent = resume?.id
    }

    var accepting: [ConnectionID] {
        connections.filter(\.value.acceptsCheckpoints).keys.sorted { $0.number < $1.number }
    }

    var allConnections: [ConnectionID] {
        connections.keys.sorted { $0.number < $1.number }
    }
}

/// The leader, from its start to its end.
extension Attempt {
    mutating func started(_ pid: Int) { self.pid = pid }

    mutating func couldNotStart() { neverRan = true }

    mutating func lacksMemory(_ processes: Int) { outOfMemory = processes }

    mutating func hasWritten(_ lines: [String]) { outputTail = lines }

    /// The leader is gone, and its connections are of no more use.
    mutating func leaderEnded() {
        connections = [:]
        pid = nil
    }

    /// The run ends, and nobody is told of its process any more.
    mutating func runEnds() { pid = nil }
}

/// What the job says.
extension Attempt {
    mutating func greeted() { hasGreeted = true }

    mutating func greeted(_ connection: ConnectionID, acceptsCheckpoints: Bool) {
        hasGreeted = true
        connections[connection] = JobConnection(acceptsCheckpoints: acceptsCheckpoints)
    }

    /// - Returns: whether it was one of the job's.
    mutating func disconnected(_ connection: ConnectionID) -> Bool {
        connections.removeValue(forKey: connection) != nil
    }

    mutating func givesUp(_ reason: String) { gaveUp = reason }

    /// It reports a step.
    ///
    /// - Returns: the step at which it resumed (where that is not known, the first that it tells is
    ///   that), and whether this one is higher than those before.
    mutating func reported(_ step: Int64, at now: Instant) -> (base: Int64, isForward: Bool) {
        hang.stepped(to: step, at: now)
        if firstStep == nil { firstStep = (step, now) }
        let base = resume.map { $0.id.step ?? step } ?? 0
        defer { lastStep = step }
        return (base, step > lastStep ?? base)
    }
}

/// What it has saved.
extension Attempt {
    /// A checkpoint is durable.
    ///
    /// - Parameter state: when the job began to write it.
    mutating func committed(_ id: CheckpointID, state: Instant) {
        committedAnything = true
        continues(id)
        securedAt = max(securedAt, state)
    }

    /// Checkpoints continue from this one, or from a newer one: an older one may become durable later.
    mutating func continues(_ id: CheckpointID) {
        if let newer = parent, newer > id { return }
        parent = id
    }

    mutating func madeProgress() { progressed = true }
}

/// Who sent a message, and its `seq`.
package struct Sender: Equatable, Sendable {
    var connection: ConnectionID
    var seq: Int64?
}

/// Gives each attempt a number that no other attempt of the run has, whatever the supervisors die of.
///
/// A restart does not wait for the disk, so the record on it may not know of the newest attempt. The
/// record therefore reserves numbers ahead: the next supervisor gives none of them again, unless it is
/// told which one was the last. Numbers may be skipped.
struct AttemptNumbers: Equatable, Sendable {
    /// So many restarts in a row need no record that is durable.
    static let ahead = 8

    /// The highest number that an attempt has, or may have.
    private(set) var newest: Int
    /// For the record: no number up to this one is given by a later supervisor.
    private(set) var reserved: Int
    /// The highest ``reserved`` that a durable record has.
    private var durable: Int

    /// - Parameter lastBegun: the newest attempt of the last supervisor, as its guard has noted it; nil
    ///   where nobody did.
    init(_ record: RunRecord, lastBegun: Int?) {
        let mark = record.attemptsReserved ?? 0
        newest = max(record.attempt, lastBegun ?? mark)
        reserved = max(newest, mark)
        durable = newest
    }

    mutating func give() -> Int {
        newest += 1
        reserved = max(reserved, newest + Self.ahead)
        return newest
    }

    /// Nothing was started with the newest number: the next attempt has it.
    mutating func takeBack() { newest -= 1 }

    /// Whether an attempt of this number may start before its record is durable.
    func mayStart(_ number: Int) -> Bool { number <= durable }

    /// A record that reserves numbers up to this one is durable.
    mutating func recorded(_ reserved: Int) { durable = max(durable, reserved) }

    /// No other attempt starts: the record shows which numbers are used, so that none is skipped.
    mutating func end() {
        reserved = newest
        durable = newest
    }
}

/// Which words the job of a run understands, as far as its attempts have shown.
struct JobLanguage: Equatable, Sendable {
    /// An attempt has said hello, or READY=1 of sd_notify(3).
    private(set) var hasGreeted = false
    /// An attempt has said hello in the protocol, which sd_notify cannot: it may make checkpoints.
    private(set) var hasSpoken = false

    mutating func saidHello() {
        hasGreeted = true
        hasSpoken = true
    }

    mutating func isReady() { hasGreeted = true }
}
