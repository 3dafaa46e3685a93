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
    /// What a stop sends to a leader that is being started.
    var heldSignals: [Int32] = []
    /// The job's own connections: those that said hello with this attempt's token.
    package var connections: [ConnectionID: Connection] = [:]
    package var request: OpenRequest?
    /// It was asked for a checkpoint.
    var wasAsked = false
    /// Requests that had their time; a late answer is still taken.
    var overdue: [Int: OverdueRequest] = [:]
    package var open: OpenCheckpoint?
    /// A `begin` whose answer is held back: see ``CommitQueue``.
    package var held: HeldBegin?
    /// The connection of its last checkpoint ended before the commit, as when the job dies.
    var hasHungUp = false
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
    /// Its signal cannot be sent, which was told.
    var toldNotAsked = false

    package struct Connection: Equatable, Sendable {
        package var acceptsCheckpoints: Bool
    }

    /// A checkpoint that the job was asked for, until it is known how it ended.
    package struct OpenRequest: Equatable, Sendable {
        package let number: Int
        package private(set) var reason: Manifest.Reason
        package private(set) var final: Bool
        let madeAt: Moment
        /// The job does not know its number: the next file that it completes answers it.
        let isBySignal: Bool
        /// Of a final one; by the clock.
        var deadline: Instant?
        var operators: [Sender] = []
        /// It was made again after room was made for it.
        var isSecond = false
        /// How much was staged when its time last ended.
        var measured: Event.StagingSize?
        /// Its time has ended, and it is being looked at whether this one has grown.
        var measuring: CheckpointID?

        /// What answers it is the last checkpoint.
        mutating func makeFinal(_ reason: Manifest.Reason, by deadline: Instant?) {
            self.reason = reason
            final = true
            self.deadline = deadline
            measured = nil
            measuring = nil
        }
    }

    struct OverdueRequest: Equatable, Sendable {
        let reason: Manifest.Reason
        let madeAt: Moment
        let isBySignal: Bool
        /// Its checkpoint was received in time, and the disk has not finished it.
        var isUnfinished = false
        /// A late answer has come, and is counted.
        var isLate = false
    }

    /// A checkpoint that the job is writing.
    package struct OpenCheckpoint: Equatable, Sendable {
        package let id: CheckpointID
        let connection: ConnectionID
        /// Of the `begin`, to answer when the directory is there.
        var begin: Sender?
        var request: Int?
        let beganAt: Instant
        /// Of the request that it answers, or of `begin`.
        let costFrom: Instant
        /// From that request to `begin`; nil where there was none.
        let wait: Duration?
        let reason: Manifest.Reason
        /// Its directory is made when room has been made.
        var waitsForRoom = false
        var room = RoomMade.none
    }

    var accepting: [ConnectionID] {
        connections.filter(\.value.acceptsCheckpoints).keys.sorted { $0.number < $1.number }
    }

    var allConnections: [ConnectionID] {
        connections.keys.sorted { $0.number < $1.number }
    }
}

/// How much room has been made for a checkpoint that found the disk full.
enum RoomMade: Equatable, Sendable {
    case none
    /// As much as the newest checkpoint takes.
    case some
    /// All that may go has gone.
    case all
}

/// Who sent a message, and its `seq`.
package struct Sender: Equatable, Sendable {
    var connection: ConnectionID
    var seq: Int64?
}
