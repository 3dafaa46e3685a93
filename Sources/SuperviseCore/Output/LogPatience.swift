/// Whether output waits for the log's disk, or is not kept.
///
/// Who gives output waits for a slow disk, which slows the job down, too, but not for one that has hung:
/// from then on what does not fit is not kept, and the log shows the gap.
package struct LogPatience: Equatable, Sendable {
    /// In bytes; so much may wait for the disk.
    package static let mostWaiting = 4 << 20

    /// In bytes, with those that are being written.
    private var waiting = 0
    private var isHung = false
    /// Bytes before the next ones that are not kept.
    private var gap: Int64 = 0
    /// It was reported that something is lost, and nothing was written since.
    private var isLossReported = false

    package init() {}

    package func hasRoom(for bytes: Int) -> Bool { waiting + bytes <= Self.mostWaiting }

    package enum Wait: Equatable { case over, hung, goOn }

    /// Somebody waits for the disk.
    ///
    /// - Parameters:
    ///   - isReached: what is waited for.
    ///   - hasTimedOut: the disk has taken nothing for ``ShellBounds/logDisk``.
    package mutating func wait(isReached: Bool, hasTimedOut: Bool) -> Wait {
        if isReached { return .over }
        isHung = isHung || hasTimedOut
        return isHung ? .hung : .goOn
    }

    package enum Offer: Equatable {
        /// They are written, behind a gap of so many bytes.
        case taken(gap: Int64)
        /// They are not kept; the first loss is reported.
        case lost(isReported: Bool)
    }

    /// - Parameter hasRoom: the wait for room came to an end.
    package mutating func offer(_ bytes: Int, hasRoom: Bool) -> Offer {
        guard hasRoom else {
            gap += Int64(bytes)
            return .lost(isReported: reportsLoss())
        }
        waiting += bytes
        return .taken(gap: takeGap())
    }

    /// - Returns: the bytes that are missing up to here, in front of what comes next.
    package mutating func takeGap() -> Int64 {
        defer { gap = 0 }
        return gap
    }

    /// The disk has answered.
    ///
    /// - Parameter isKept: it has the bytes.
    package mutating func wrote(_ bytes: Int, isKept: Bool) {
        waiting -= bytes
        isHung = false
        if isKept { isLossReported = false }
    }

    /// - Returns: whether it is reported that output is lost.
    package mutating func reportsLoss() -> Bool {
        defer { isLossReported = true }
        return !isLossReported
    }
}
