import SuperviseFormats

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
    package internal(set) var order: Action.CommitOrder
    /// Of an `add`; nil where the payload is staged.
    package let added: Action.Source?
    package internal(set) var stage = Stage.waiting
    /// The disk was given its order once at least.
    private(set) var wasOrdered = false
    package let attempt: Int
    /// nil where the job does not know of it.
    let sender: Sender?
    package let request: Int?
    /// It answers the final request.
    package internal(set) var isFinal: Bool
    /// What the job wrote by itself.
    package var watched: WatchedFile?
    /// When the job began to write it: what came later is lost in a crash.
    let securedAt: Instant
    /// From then on its turn is waited for.
    private(set) var waitsSince: Instant
    /// nil where the job does not say when it saves: then all the time counts as its cost.
    let saving: Saving?
    var room = RoomMade.none
    /// It was cancelled in favour of a newer one.
    var isGivenUp = false
    /// The places, links followed, that the file has left since the order to take it.
    var placesLeft: [FilePath] = []

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
        order: Action.CommitOrder, added: Action.Source?, attempt: Int, sender: Sender?,
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
    mutating func takeTurn(at now: Instant) -> Action {
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
