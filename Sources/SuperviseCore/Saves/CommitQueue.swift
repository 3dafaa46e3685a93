import SuperviseFormats

/// Commits and adds that were received and are not finished: when the next checkpoint may be begun, what
/// the disk gets next, and what gives way to a newer one.
///
/// The disk gets one order at a time, so that all others can still change places. They are carried out in
/// the order of their numbers, except in a stop: then the answer to the final request comes first, and
/// after it the newest, as there may be no time for all.
///
/// While ``most`` are unfinished, the answer to a `begin` is held back: so a job that saves faster than the
/// disk can write waits, and the disk is not filled with checkpoints that nobody needs. For a final
/// request there is one place more.
package struct CommitQueue: Equatable, Sendable {
    /// A checkpoint is begun while fewer than this are unfinished.
    package static let most = 2

    /// In order of sequence.
    package private(set) var unfinished: [Committing] = []

    /// What a checkpoint that is to be begun is for.
    package enum Purpose: Equatable, Sendable {
        case ordinary
        /// A final request is open, and nothing that was received answers it.
        case perhapsFinal
        /// It names that request.
        case final
    }

    package init() {}

    package var isEmpty: Bool { unfinished.isEmpty }
    package var newest: CheckpointID? { unfinished.last?.id }

    package subscript(id: CheckpointID) -> Committing? { unfinished.first { $0.id == id } }

    /// One of them answers this request.
    package func answers(_ request: Int) -> Bool { unfinished.contains { $0.request == request } }

    /// Whether a checkpoint may be begun now.
    package func admits(_ purpose: Purpose) -> Bool {
        switch purpose {
        case .ordinary: unfinished.count < Self.most
        case .perhapsFinal: unfinished.count <= Self.most
        case .final: true
        }
    }

    /// - Parameter commit: its number is higher than all others.
    package mutating func append(_ commit: Committing) {
        unfinished.append(commit)
    }

    /// - Returns: the next order for the disk; nil where it still works on one, where one waits for room, or
    ///   where there is none.
    package mutating func takeNext(newestFirst: Bool, at now: Instant) -> Action? {
        guard !unfinished.contains(where: { $0.stage == .ordered }) else { return nil }
        let usual = newestFirst ? unfinished.indices.last : unfinished.indices.first
        guard let index = unfinished.firstIndex(where: \.isFinal) ?? usual,
            unfinished[index].stage == .waiting
        else { return nil }
        return unfinished[index].takeTurn(at: now)
    }

    /// - Returns: nil where there is none of this number.
    package mutating func finish(_ id: CheckpointID) -> Committing? {
        index(of: id).map { unfinished.remove(at: $0) }
    }

    /// It has not become a checkpoint, and so it is no parent of those behind it.
    ///
    /// - Returns: nil where there is none of this number.
    package mutating func drop(_ id: CheckpointID) -> Committing? {
        guard let commit = finish(id) else { return nil }
        for index in unfinished.indices where unfinished[index].order.parent == id {
            unfinished[index].order.parent = commit.order.parent
        }
        return commit
    }

    /// What is sure enough to come that an older one may give way to it: the newest `add` is not, as its path
    /// may be one that cannot be taken.
    package var expected: [CheckpointSummary] {
        let isSure = unfinished.last?.added == nil
        return (isSure ? unfinished[...] : unfinished.dropLast()).map(\.expected)
    }

    /// Whether some of them can give way to the newest at all.
    package var mayShrink: Bool { unfinished.dropLast().contains { $0.mayGiveWay } }

    /// Drops those that give way to the newest.
    ///
    /// - Parameter unkept: what no rule keeps once all of ``expected`` are there.
    package mutating func giveWay(_ unkept: Set<CheckpointID>) -> [Committing] {
        guard let newest = unfinished.last?.id else { return [] }
        let dropped = unfinished.filter {
            $0.id != newest && $0.mayGiveWay && unkept.contains($0.id)
                // A lower step would not be the progress that this one is.
                && $0.id.step ?? .min <= newest.step ?? .max
        }
        return dropped.compactMap { drop($0.id) }
    }

    /// A request has become the final one: what answers it goes first from now on.
    mutating func becomeFinal(_ request: Int) {
        for index in unfinished.indices where unfinished[index].request == request {
            unfinished[index].isFinal = true
        }
    }

    /// It found the disk full.
    ///
    /// - Returns: false where room was made for it already, or a newer one is on its way.
    mutating func waitForRoom(_ id: CheckpointID) -> Bool {
        guard newest == id, let index = index(of: id), unfinished[index].room != .all else {
            return false
        }
        unfinished[index].stage = .waitingForRoom
        return true
    }

    mutating func madeRoom(_ room: RoomMade, for id: CheckpointID) {
        if let index = index(of: id) { unfinished[index].room = room }
    }

    /// It is cancelled in favour of a newer one, if the disk has not finished it yet.
    mutating func giveUp(_ id: CheckpointID) {
        if let index = index(of: id) { unfinished[index].isGivenUp = true }
    }

    private func index(of id: CheckpointID) -> Int? { unfinished.firstIndex { $0.id == id } }

    /// Room was made, or something else has gone that was in the way.
    mutating func tryAgain() {
        for index in unfinished.indices where unfinished[index].waitsForRoom {
            unfinished[index].stage = .waiting
        }
    }

    /// A watched file has another name now.
    mutating func rename(_ old: FilePath, to new: FilePath) {
        for index in unfinished.indices where unfinished[index].watched?.path == old {
            unfinished[index].watched?.path = new
        }
    }

    /// A watched file has left a place, links followed.
    mutating func hasLeft(_ place: FilePath, _ path: FilePath) {
        for index in unfinished.indices where unfinished[index].watched?.path == path {
            unfinished[index].placesLeft.append(place)
        }
    }
}

/// A commit or an `add` that was received and is not finished.
package struct Committing: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// Others are before it.
        case waiting
        /// The disk has its order, and answers.
        case ordered
        /// The disk was full: its order is given again when room has been made.
        case waitingForRoom
    }

    /// What the disk is ordered to do.
    package fileprivate(set) var order: CommitOrder
    /// Of an `add`; nil where the payload is staged.
    package let added: Action.Source?
    package fileprivate(set) var stage = Stage.waiting
    /// The disk was given its order once at least.
    private(set) var wasOrdered = false
    package let attempt: Int
    /// nil where the job does not know of it.
    let sender: Sender?
    package let request: Int?
    /// It answers the final request.
    package fileprivate(set) var isFinal: Bool
    /// What the job wrote by itself.
    package fileprivate(set) var watched: WatchedFile?
    /// When the job began to write it: what came later is lost in a crash.
    let securedAt: Instant
    /// From then on its turn is waited for.
    private(set) var waitsSince: Instant
    /// nil where the job does not say when it saves: then all the time counts as its cost.
    let saving: Saving?
    fileprivate(set) var room = RoomMade.none
    /// It was cancelled in favour of a newer one.
    fileprivate(set) var isGivenUp = false
    /// The places, links followed, that the file has left since the order to take it.
    fileprivate(set) var placesLeft: [FilePath] = []

    package var id: CheckpointID { order.id }
    var reason: Manifest.Reason { order.reason }
    package var waitsForRoom: Bool { stage == .waitingForRoom }

    /// The path in its manifest, also if the file was renamed later.
    var source: FilePath? { added == nil ? nil : order.source }

    /// The file was renamed after the order to take it.
    var isRenamed: Bool {
        guard let watched, let added else { return false }
        return watched.path != added.path
    }

    /// A newer one may take its place before the disk has begun with it. What answers a request is awaited
    /// by somebody, a watched file has an order of its own, and what is added with `own` would never be
    /// deleted.
    var mayGiveWay: Bool {
        stage != .ordered && request == nil && watched == nil && added?.mode != .own
    }

    /// As it is listed once it is durable. Its size is not known yet.
    var expected: CheckpointSummary {
        CheckpointSummary(
            id: id, created: order.created, bytes: 0, metrics: order.metrics, path: "",
            origin: order.parent.map { .checkpoint($0.sequence) } ?? .beginning)
    }

    init(
        order: CommitOrder, added: Action.Source?, attempt: Int, sender: Sender?,
        request: Int?, isFinal: Bool, watched: WatchedFile?, securedAt: Instant, saving: Saving?,
        receivedAt: Instant
    ) {
        self.order = order
        self.added = added
        self.attempt = attempt
        self.sender = sender
        self.request = request
        self.isFinal = isFinal
        self.watched = watched
        self.securedAt = securedAt
        self.saving = saving
        waitsSince = receivedAt
    }

    /// It is its turn.
    ///
    /// - Returns: what the disk is to do.
    fileprivate mutating func takeTurn(at now: Instant) -> Action {
        stage = .ordered
        wasOrdered = true
        order.secondsSoFar += (now - waitsSince).seconds
        waitsSince = now
        return added.map { .add(order, from: $0) } ?? .commit(order)
    }

    /// What a save has cost the job until it gave it to us, in seconds.
    struct Saving: Equatable, Sendable {
        /// It could not work for so long.
        let held: Double
        /// From the request until it began to save; nil where nobody asked.
        let wait: Double?
    }
}

/// A `begin` that waits until a commit before it is finished. It has no number yet.
package struct HeldBegin: Equatable, Sendable {
    let message: JobMessage.Begin
    let sender: Sender
    /// When it came.
    package let at: Instant

    package var connection: ConnectionID { sender.connection }
    package var request: Int? { message.request }
}
