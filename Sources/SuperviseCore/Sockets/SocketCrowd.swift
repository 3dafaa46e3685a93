/// The rules for all connections together: who is let in, and what they may hold.
package struct SocketCrowd: Equatable, Sendable {
    /// So many connections are taken at once: the disk needs descriptors, too.
    package let room: Int
    private let users: SocketUsers
    /// People know that connections are turned away.
    private var isRefusalTold = false
    /// Bytes of lines that have not ended.
    private var unfinished = 0
    /// Somebody waits until the disk has caught up.
    private var isDiskAwaited = false

    /// - Parameter descriptors: how many the supervisor may have open.
    package init(_ users: SocketUsers, descriptors: Int) {
        self.users = users
        room = max(6, descriptors - 66)
    }

    package enum Arrival: Equatable {
        case letIn
        /// It is closed, and nobody hears of it.
        case ignored
        /// There are too many. It is closed; the first of a crowd is reported.
        case turnedAway(isReported: Bool)
    }

    /// Decides about a new connection.
    ///
    /// - Parameter open: how many there are beside it.
    package mutating func arrives(of user: UInt32, open: Int) -> Arrival {
        guard users.mayConnect(user) else { return .ignored }
        return open < room ? .letIn : .turnedAway(isReported: reportsRefusal())
    }

    /// One was let in.
    ///
    /// - Parameter open: how many there are with it.
    package mutating func wasLetIn(open: Int) {
        isRefusalTold = isRefusalTold && open > room / 2
    }

    /// A connection cannot be taken. No other is tried for ``ShellBounds/nextAccept``: who waits would wake
    /// us again and again while there is no descriptor.
    ///
    /// - Returns: whether that is reported: once for a crowd, however many are turned away.
    package mutating func reportsRefusal() -> Bool {
        defer { isRefusalTold = true }
        return !isRefusalTold
    }

    /// One connection holds so many bytes of a line that has not ended.
    ///
    /// - Parameter before: how many it held until now.
    /// - Returns: false if it is refused: all hold too much, and it is not one of those that hold little.
    package mutating func holds(_ count: Int, before: Int) -> Bool {
        unfinished += count - before
        return unfinished <= SocketBounds.unfinishedLines || count <= SocketBounds.unfinishedLine
    }
}

/// The wait for a disk that has too much to do.
extension SocketCrowd {
    /// A connection is not read from because of the disk.
    ///
    /// - Returns: when to look whether the disk has caught up; nil if that is known.
    package mutating func waitsForDisk(at now: Instant) -> Instant? {
        guard !isDiskAwaited else { return nil }
        isDiskAwaited = true
        return now + ShellBounds.floodedDisk
    }

    package enum DiskWait: Equatable {
        /// Nobody waits.
        case none
        /// It has caught up: all are read again.
        case over
        /// Some work of the disk does not wake us when it is done: look again then.
        case lookAgain(at: Instant)
    }

    /// - Parameter isFlooded: whether the disk still has too much to do; asked only if somebody waits.
    package mutating func lookAtDisk(isFlooded: () -> Bool, at now: Instant) -> DiskWait {
        guard isDiskAwaited else { return .none }
        guard !isFlooded() else { return .lookAgain(at: now + ShellBounds.floodedDisk) }
        isDiskAwaited = false
        return .over
    }
}

/// The users whose connections are taken: ours, root and the job's.
package struct SocketUsers: Equatable, Sendable {
    private let users: Set<UInt32>

    package init(supervisor: UInt32, job: UInt32?) { users = [supervisor, 0, job ?? 0] }

    package func mayConnect(_ user: UInt32) -> Bool { users.contains(user) }
}
