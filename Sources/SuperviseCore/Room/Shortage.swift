import SuperviseFormats

/// A save that the job could not finish, perhaps because the disk is full: what is free is measured,
/// room is made if that is too little, and the job is asked once more.
///
///     measuring → logs → measuring          (old output or old events have gone)
///     measuring, logs → archives            (none of them are left)
///     archives → measuring                  (an archived run has gone)
///     archives → removing → measuring       (checkpoints have gone)
///     measuring, archives, removing → (over)
package struct Shortage: Equatable, Sendable {
    package enum Stage: Equatable, Sendable {
        /// The free space is being measured.
        case measuring
        /// So many bytes are missing: old output and old events are on their way out.
        case logs(missing: Int64)
        /// So many bytes are missing: an archived run is looked for, or is on its way out.
        case archives(missing: Int64)
        /// Checkpoints are on their way out.
        case removing
    }

    /// A request that ended without a checkpoint, to be made again.
    package struct Again: Equatable, Sendable {
        /// The number that it had: a checkpoint may still name it.
        package let number: Int
        let reason: Manifest.Reason
        let final: Bool
        fileprivate(set) var operators: [Sender]
        /// What they are answered if nobody is asked again.
        let error: ProtocolError

        init(_ request: OpenRequest, operators: [Sender], error: ProtocolError) {
            number = request.number
            reason = request.reason
            final = request.final
            self.operators = operators
            self.error = error
        }
    }

    package private(set) var stage = Stage.measuring
    let attempt: Int
    /// The request whose checkpoint was aborted; if it is still open, it is made again.
    let aborted: Int?
    package private(set) var again: Again?
    /// Something has gone for it.
    private(set) var hasRemoved = false
    /// The job has said that there is no space.
    private var isTold: Bool

    init(attempt: Int, isTold: Bool, again: Again?, aborted: Int?) {
        self.attempt = attempt
        self.isTold = isTold
        self.again = again
        self.aborted = aborted
    }

    mutating func move(to stage: Stage) { self.stage = stage }

    /// Something has gone: it is measured whether that is enough.
    mutating func measureAgain(_ orders: inout Orders) {
        hasRemoved = true
        stage = .measuring
        orders.add(.measureSpace)
    }

    mutating func hasGone() { hasRemoved = true }

    /// The job has said more of it: `abort` comes first, and then `failed` of the request.
    mutating func join(isTold: Bool, again: Again?) {
        self.isTold = self.isTold || isTold
        self.again = again
    }

    mutating func forget(_ connection: ConnectionID) {
        again?.operators.removeAll { $0.connection == connection }
    }

    /// - Returns: the request, which is not made again.
    mutating func takeAgain() -> Again? {
        defer { again = nil }
        return again
    }

    /// How many bytes are to become free; nil where there is room, or nobody can tell.
    ///
    /// - Parameters:
    ///   - free: nil where the file system does not tell.
    ///   - wanted: what the newest checkpoint takes now, which may have come since the job met the full
    ///     disk.
    func missing(free: Int64?, wanted: Int64) -> Int64? {
        let missing = free.map { wanted - $0 }
        if let missing, missing > 0 { return missing }
        // With a quota, what is free says nothing.
        return isTold && !hasRemoved ? wanted : nil
    }
}

/// Old output and old events on a full disk: they are worth least, and go first.
///
/// For each save they are removed twice at most: first as much as is missing, then all that is left. What
/// the job writes meanwhile may not hold up a save for ever.
struct LogClearing: Equatable, Sendable {
    enum Next: Equatable, Sendable {
        /// Remove so many bytes; nil removes all.
        case order(bytes: Int64?)
        /// An order is under way, and its answer serves all who wait.
        case wait
        /// Nothing of them is left: something else has to go.
        case over
    }

    private var made = RoomMade.none
    private(set) var isOrdered = false

    /// - Parameter missing: so many bytes are wanted; nil or 0 where that is not known.
    mutating func next(missing: Int64?) -> Next {
        if isOrdered { return .wait }
        let missing = missing.flatMap { $0 > 0 ? $0 : nil }
        switch made {
        case .none:
            made = missing == nil ? .all : .some
            isOrdered = true
            return .order(bytes: missing)
        case .some:
            made = .all
            isOrdered = true
            return .order(bytes: nil)
        case .all: return .over
        }
    }

    mutating func answered(isMore: Bool) {
        isOrdered = false
        if !isMore { made = .all }
    }

    /// A save has come to its end, well or not: for the next one they are looked at anew.
    mutating func begin() { made = .none }
}
