import SuperviseFormats

/// The checkpoint that the job is writing, and what became of those that it made by itself.
///
///     held → open → (received)          (`begin`, perhaps held back, then `commit`: see ``CommitQueue``)
///     held, open → (dropped)            (the job aborts it, begins another one, hangs up or ends)
package struct Saves: Sendable {
    package private(set) var counts = Status.OwnSaves()
    package private(set) var open: OpenCheckpoint?
    /// A `begin` whose answer is held back.
    package private(set) var held: HeldBegin?
    /// What the job had handed over when the run ended, and the disk had not made durable.
    private(set) var unfinished: [CheckpointID] = []
    /// The connection of the last checkpoint ended before the commit, as when the job dies.
    private var hasHungUp = false
    /// The last job died while it saved, perhaps for lack of space.
    private var diedSaving = false

    mutating func attemptBegins() {
        open = nil
        held = nil
        hasHungUp = false
    }

    mutating func jobEnded(_ end: JobEnd) {
        diedSaving = (open != nil || hasHungUp) && end != .exited(0)
        open = nil
        held = nil
    }

    /// - Returns: whether the job before died while it saved; once.
    mutating func takeDiedSaving() -> Bool {
        defer { diedSaving = false }
        return diedSaving
    }
}

/// The checkpoint that is being written.
extension Saves {
    mutating func hold(_ begin: HeldBegin) { held = begin }

    mutating func takeHeld() -> HeldBegin? {
        defer { held = nil }
        return held
    }

    /// The job has had to wait since it said so.
    mutating func begin(_ id: CheckpointID, _ held: HeldBegin, _ request: RequestBook.Named) {
        hasHungUp = false
        open = OpenCheckpoint(
            id: id, connection: held.connection, begin: held.sender, request: request.number,
            beganAt: held.at, costFrom: request.madeAt?.counted ?? held.at,
            wait: request.madeAt.map { max(.zero, held.at - $0.counted) }, reason: request.reason)
    }

    /// - Returns: the `begin` that is not answered yet, which is to be answered now.
    mutating func takeBegin() -> Sender? {
        defer { open?.begin = nil }
        return open?.begin
    }

    /// It is received, or dropped.
    mutating func close() { open = nil }

    mutating func hungUp() { hasHungUp = true }

    /// Its directory is made when room has been made.
    ///
    /// - Returns: false where all room was made that can be.
    mutating func waitForRoom() -> Bool {
        guard open?.room != .all else { return false }
        open?.waitsForRoom = true
        return true
    }

    mutating func madeRoom(_ room: RoomMade) { open?.room = room }

    /// - Returns: the one that has waited for room, and does no more.
    mutating func takeWaitForRoom() -> CheckpointID? {
        guard let open, open.waitsForRoom else { return nil }
        self.open?.waitsForRoom = false
        return open.id
    }
}

/// What became of checkpoints that nobody asked for.
extension Saves {
    mutating func wasCommitted() { counts.committed += 1 }

    mutating func wasSuperseded() { counts.superseded += 1 }

    /// - Parameter id: nil if the job had not begun it.
    mutating func hasFailed(_ id: CheckpointID?, _ error: String, at now: Timestamp) {
        counts.failed += 1
        counts.lastError = .init(id: id, error: error, at: now)
    }

    /// The run ends, and the disk has not finished these.
    mutating func leave(_ ids: [CheckpointID]) { unfinished += ids }
}

/// A checkpoint that the job is writing.
package struct OpenCheckpoint: Equatable, Sendable {
    package let id: CheckpointID
    let connection: ConnectionID
    /// Of the `begin`, to answer when the directory is there.
    fileprivate(set) var begin: Sender?
    let request: Int?
    let beganAt: Instant
    /// Of the request that it answers, or of `begin`.
    let costFrom: Instant
    /// From that request to `begin`; nil where there was none.
    let wait: Duration?
    let reason: Manifest.Reason
    /// Its directory is made when room has been made.
    fileprivate(set) var waitsForRoom = false
    fileprivate(set) var room = RoomMade.none

    fileprivate init(
        id: CheckpointID, connection: ConnectionID, begin: Sender, request: Int?, beganAt: Instant,
        costFrom: Instant, wait: Duration?, reason: Manifest.Reason
    ) {
        self.id = id
        self.connection = connection
        self.begin = begin
        self.request = request
        self.beganAt = beganAt
        self.costFrom = costFrom
        self.wait = wait
        self.reason = reason
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
