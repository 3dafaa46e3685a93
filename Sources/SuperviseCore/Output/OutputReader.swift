/// What is known of one reader of the output, and what of it is reported.
package struct OutputReader: Equatable, Sendable {
    /// Nobody will ever read again.
    package private(set) var isDeserted = false
    /// Its last write failed.
    private var fails = false
    private var hasLagged = false
    /// The one who gave the last bytes waits for room.
    private var isRoomAwaited = false
    /// The next bytes that are lost are reported.
    private var reportsDiscards = true
    /// Bytes that it took.
    package private(set) var taken: Int64 = 0
    /// Bytes of the job's that it did not take, beside those that were skipped.
    private var refused: Int64 = 0

    package init() {}

    /// Bytes of the job's that nobody gets from it.
    package func discarded(_ room: OutputRoom) -> Int64 { refused + room.skipped }

    /// - Returns: whether so many bytes of the job's are to wait for it; else they are lost.
    package mutating func accepts(_ bytes: Int) -> Bool {
        if isDeserted { refused += Int64(bytes) }
        return !isDeserted
    }

    /// - Returns: whether it is reported that something was skipped: once.
    package mutating func lags(_ room: OutputRoom) -> Bool {
        guard room.skipped > 0, !hasLagged else { return false }
        hasLagged = true
        return true
    }

    /// - Returns: whether nothing of the job's is passed until there is room, which is then reported.
    package mutating func awaitsRoom(_ room: OutputRoom) -> Bool {
        if room.isFull { isRoomAwaited = true }
        return room.isFull
    }

    /// - Returns: whether it is reported that there is room.
    package mutating func reportsRoom(_ room: OutputRoom) -> Bool {
        guard isRoomAwaited, room.hasRoom else { return false }
        isRoomAwaited = false
        return true
    }

    /// Reports the next bytes that are lost.
    package mutating func reportNextDiscards() { reportsDiscards = true }

    /// - Parameter before: the bytes that were lost by then.
    /// - Returns: whether it is reported that more are.
    package mutating func reportsDiscards(_ room: OutputRoom, since before: Int64) -> Bool {
        guard reportsDiscards, discarded(room) > before else { return false }
        reportsDiscards = false
        return true
    }

    package mutating func took(_ bytes: Int) {
        taken += Int64(bytes)
        fails = false
    }

    /// So many bytes went to it without waiting here.
    package mutating func wasPassed(_ bytes: Int) { taken += Int64(bytes) }

    /// A write failed.
    ///
    /// - Parameters:
    ///   - lost: bytes of the job's that it did not take.
    ///   - isNobodyThere: no other write is tried.
    /// - Returns: whether that is reported: the first of several failures.
    package mutating func failed(lost: Int, isNobodyThere: Bool) -> Bool {
        defer {
            fails = true
            isDeserted = isDeserted || isNobodyThere
        }
        refused += Int64(lost)
        return isNobodyThere ? !isDeserted : !fails
    }
}
