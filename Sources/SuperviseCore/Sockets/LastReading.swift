/// The order in which connections are read between the job's end and the event that reports it: lines that
/// save work first, and all for a bounded time.
///
/// First each connection is heard up to its last line that saves something, then all of them to their end.
/// In both parts they take turns, a line each, and the time is looked at only when each has had its turn:
/// however slow the machine is, nobody's first words are lost to one who never stops.
package struct LastReading: Sendable {
    /// The most that is read of all connections together, in bytes.
    package static let bytes = 64 << 20
    /// The most that is read of one connection, in bytes: several lines of full length.
    package static let bytesOfOne = 4 << 20
    /// Until lines that save something are heard no more.
    package static let timeToSave = Duration.milliseconds(800)
    /// Until nothing is heard any more.
    package static let time = Duration.milliseconds(400)

    /// One connection that has lines left.
    package struct Peer: Equatable, Sendable {
        package let id: ConnectionID
        /// Lines up to the last one that saves something.
        package var saving: Int

        package init(id: ConnectionID, saving: Int) {
            self.id = id
            self.saving = saving
        }
    }

    private enum Part { case saving, rest, over }

    private let began: Instant
    private var part = Part.saving
    private var round: [Peer]
    private var nextRound: [Peer] = []
    private var waiting: [Peer]
    private var position = 0

    /// - Parameter peers: in the order of ``Supervisor/orderOfLastReading(_:)``.
    package init(_ peers: [Peer], at now: Instant) {
        began = now
        waiting = peers
        round = peers.filter { $0.saving > 0 }
    }

    /// Whose next line is to be heard.
    ///
    /// - Returns: nil when it is over.
    package mutating func next(at now: Instant) -> ConnectionID? {
        while part != .over {
            if position < round.count {
                let peer = round[position]
                position += 1
                if part == .rest {
                    nextRound.append(peer)
                } else if peer.saving > 1 {
                    nextRound.append(Peer(id: peer.id, saving: peer.saving - 1))
                }
                return peer.id
            }
            beginRound(at: now)
        }
        return nil
    }

    /// The one that ``next(at:)`` gave last has no line left.
    package mutating func isEmpty(_ id: ConnectionID) {
        nextRound.removeAll { $0.id == id }
        waiting.removeAll { $0.id == id }
    }

    private mutating func beginRound(at now: Instant) {
        round = nextRound
        nextRound = []
        position = 0
        let limit = part == .saving ? Self.timeToSave : Self.time
        guard round.isEmpty || now >= began + limit else { return }
        switch part {
        case .saving:
            part = .rest
            round = waiting
            if round.isEmpty { part = .over }
        case .rest, .over:
            part = .over
        }
    }
}

extension Supervisor {
    /// The connections in the order in which they are to be heard when the job has ended: the one that has
    /// a checkpoint open, others of the job, and those that have not said whose they are.
    package func orderOfLastReading(_ connections: [ConnectionID]) -> [ConnectionID] {
        func rank(_ id: ConnectionID) -> Int {
            if saves.open?.connection == id { return 0 }
            guard let connection = attempt?.connections[id] else { return 3 }
            return connection.acceptsCheckpoints ? 1 : 2
        }
        return connections.map { (rank: rank($0), id: $0) }
            .sorted { ($0.rank, $0.id.number) < ($1.rank, $1.id.number) }
            .map(\.id)
    }
}
