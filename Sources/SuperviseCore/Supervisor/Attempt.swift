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
    var lastFailure: Failure?
    package var pid: Int?
    /// One of its connections has said hello.
    var hasGreeted = false
    /// What it said when it gave up: there is to be no other attempt.
    var gaveUp: String?
    /// It could not be started: no process of it lives.
    var neverRan = false
    /// The job's own connections: those that said hello with this attempt's token.
    package var connections: [ConnectionID: Connection] = [:]
    /// What it last committed or resumed from.
    var parent: CheckpointID?
    /// When the state was taken that a restart would go on from.
    var securedAt: Instant
    var committedAnything = false
    /// It made progress: see ``ProgressRule``.
    var progressed = false
    /// How many of its processes the kernel has ended for lack of memory.
    var outOfMemory = 0
    var firstStep: (step: Int64, at: Instant)?
    var lastStep: Int64?
    /// What tells which files it closed by its own will.
    package var lastCloses = LastCloses()
    /// The last lines that it wrote, once it has ended.
    var outputTail: [String] = []
    /// Whether it still does what it is to do.
    package var hang: HangWatch

    package struct Connection: Equatable, Sendable {
        package var acceptsCheckpoints: Bool
    }

    var accepting: [ConnectionID] {
        connections.filter(\.value.acceptsCheckpoints).keys.sorted { $0.number < $1.number }
    }

    var allConnections: [ConnectionID] {
        connections.keys.sorted { $0.number < $1.number }
    }
}

/// Who sent a message, and its `seq`.
package struct Sender: Equatable, Sendable {
    var connection: ConnectionID
    var seq: Int64?
}
