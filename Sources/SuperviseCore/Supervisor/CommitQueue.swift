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
        unfinished.firstIndex { $0.id == id }.map { unfinished.remove(at: $0) }
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

    mutating func change(_ id: CheckpointID, _ change: (inout Committing) -> Void) {
        guard let index = unfinished.firstIndex(where: { $0.id == id }) else { return }
        change(&unfinished[index])
    }

    /// Room was made, or something else has gone that was in the way.
    mutating func tryAgain() {
        for index in unfinished.indices where unfinished[index].waitsForRoom {
            unfinished[index].stage = .waiting
        }
    }

    mutating func changeWatched(_ change: (inout Committing) -> Void) {
        for index in unfinished.indices where unfinished[index].watched != nil {
            change(&unfinished[index])
        }
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
