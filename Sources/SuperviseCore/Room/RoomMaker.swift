import SuperviseFormats

/// Room on a full disk, and who waits for it.
///
/// Old output and old events go first, as they are worth least, then archived runs, the oldest first.
/// What is left to go then are checkpoints, which ``Supervisor`` removes. Two kinds of saves wait:
/// checkpoints for which we found no room ourselves, and one that the job could not write
/// (``Shortage``). All that goes is reported, and after each of them it is tried once more.
package struct RoomMaker: Sendable {
    /// A checkpoint that found the disk full, and what is said if there is no room.
    struct Waiting: Sendable {
        let id: CheckpointID
        let error: ProtocolError
    }

    package private(set) var shortage: Shortage?
    private var logs = LogClearing()
    private var archives: ArchiveWork
    private var waiting: [Waiting] = []
    private let settings: Settings

    init(name: String, mayHaveArchives: Bool, _ settings: Settings) {
        archives = ArchiveWork(name: name, mayExist: mayHaveArchives)
        self.settings = settings
    }

    /// The first job runs.
    mutating func tendArchives(_ orders: inout Orders) { archives.tend(&orders) }

    /// A save has come to its end, well or not: for the next one everything is looked at anew.
    mutating func startAnew() {
        archives.startAnew()
        logs.begin()
    }

    /// Something has gone, or all that was ordered to go is settled: whoever waited tries again.
    mutating func forgetWaiting() { waiting = [] }

    /// - Parameter newest: how many bytes the newest checkpoint takes; nil where there is none.
    mutating func wait(
        for id: CheckpointID, _ error: ProtocolError, newest: Int64?, _ orders: inout Orders
    ) {
        waiting.append(Waiting(id: id, error: error))
        switch logs.next(missing: newest) {
        case .order(let bytes): orders.add(.removeLogs(bytes: bytes))
        case .wait: break
        case .over: archives.look(&orders)
        }
    }

    /// Those that wait for checkpoints to go; none while old output is on its way out.
    mutating func takeWaiting() -> [Waiting] {
        guard !logs.isOrdered else { return [] }
        defer { waiting = [] }
        return waiting
    }
}

/// Answers of the disk.
extension RoomMaker {
    /// - Returns: whether something has gone; nil where nothing was ordered.
    mutating func logsRemoved(
        _ removed: RunEvent.LogsRemoved, _ orders: inout Orders
    ) -> Bool? {
        guard logs.isOrdered else { return nil }
        logs.answered(isMore: !removed.isEmpty)
        tellRemovedLogs(removed, &orders)
        return !removed.isEmpty
    }

    func tellRemovedLogs(_ removed: RunEvent.LogsRemoved, _ orders: inout Orders) {
        if !removed.isEmpty { orders.log(.logsRemoved(removed)) }
    }

    /// What comes after ``logsRemoved(_:_:)``.
    mutating func goOnAfterLogs(isMore: Bool, _ orders: inout Orders) {
        if !isMore, !waiting.isEmpty { archives.look(&orders) }
        guard case .logs(let missing) = shortage?.stage else { return }
        if isMore {
            shortage?.measureAgain(&orders)
        } else {
            shortage?.move(to: .archives(missing: missing))
            archives.look(&orders)
        }
    }

    /// - Returns: whether checkpoints are to go, as no archived run is left that may.
    mutating func archivesListed(
        _ found: [ArchiveSummary], _ orders: inout Orders
    ) -> Bool? {
        archives.listed(found, afterRoom: afterRoom, settings, &orders)
    }

    private var afterRoom: String? {
        if let waiting = waiting.last, !logs.isOrdered { return "trying \(waiting.id) once more" }
        if case .archives = shortage?.stage { return "the job may save again" }
        return nil
    }

    mutating func orderNextArchiveStep(_ orders: inout Orders) { archives.orderNext(&orders) }

    /// - Returns: whether there is room for it; nil where that was not ordered.
    mutating func archiveRemoved(
        _ time: String, bytes: Int64?, _ orders: inout Orders
    ) -> Bool? {
        guard archives.ended(time) else { return nil }
        archives.tellRemoved(time, bytes: bytes, &orders)
        return bytes != nil
    }

    /// - Returns: whether there is room for it; nil where that was not ordered.
    mutating func archiveTrimmed(
        _ time: String, gone: [CheckpointID], bytes: Int64, _ orders: inout Orders
    ) -> Bool? {
        guard archives.ended(time) else { return nil }
        archives.tellTrimmed(time, gone: gone, bytes: bytes, &orders)
        return !gone.isEmpty
    }

    /// What comes after an archived run has gone, or has not.
    mutating func goOnAfterArchive(hasRoom: Bool, _ orders: inout Orders) {
        if !hasRoom, !waiting.isEmpty { archives.look(&orders) }
        if case .archives = shortage?.stage {
            if hasRoom { shortage?.measureAgain(&orders) } else { archives.look(&orders) }
        }
        archives.orderNext(&orders)
    }

    /// The run is ending: nothing comes after it.
    func tellLast(archiveRemoved time: String, bytes: Int64?, _ orders: inout Orders) {
        archives.tellRemoved(time, bytes: bytes, &orders)
    }

    /// The run is ending: nothing comes after it.
    func tellLast(
        archiveTrimmed time: String, gone: [CheckpointID], bytes: Int64, _ orders: inout Orders
    ) {
        archives.tellTrimmed(time, gone: gone, bytes: bytes, &orders)
    }
}

/// A save that the job could not write.
extension RoomMaker {
    /// Looks whether a save failed for lack of space, and whether something can go to make room.
    ///
    /// - Parameters:
    ///   - attempt: the one that saves; nil where none runs.
    ///   - isTold: the job has said so; else what is free decides.
    ///   - again: the request that it did not answer.
    ///   - aborted: the request that an aborted checkpoint was to answer.
    ///   - mayBegin: it is to be looked at where it is not yet.
    /// - Returns: whether that is followed up, and the request with it.
    mutating func suspect(
        attempt: Int?, isTold: Bool, again: Shortage.Again?, aborted: Int?, mayBegin: Bool,
        _ orders: inout Orders
    ) -> Bool {
        if let shortage {
            guard shortage.attempt == attempt, shortage.again == nil else { return false }
            self.shortage?.join(isTold: isTold, again: again)
            return true
        }
        guard mayBegin, let attempt else { return false }
        logs.begin()
        shortage = Shortage(attempt: attempt, isTold: isTold, again: again, aborted: aborted)
        orders.add(.measureSpace)
        return true
    }

    /// - Parameters:
    ///   - free: in bytes; nil where the file system does not tell.
    ///   - wanted: what the newest checkpoint takes; nil where no job runs that wants it.
    /// - Returns: whether it is over.
    mutating func measured(free: Int64?, wanted: Int64?, _ orders: inout Orders) -> Bool {
        guard let shortage, shortage.stage == .measuring else { return false }
        guard let wanted, let missing = shortage.missing(free: free, wanted: wanted) else {
            return true
        }
        switch logs.next(missing: missing) {
        case .order(let bytes):
            self.shortage?.move(to: .logs(missing: missing))
            orders.add(.removeLogs(bytes: bytes))
        case .wait: self.shortage?.move(to: .logs(missing: missing))
        case .over:
            self.shortage?.move(to: .archives(missing: missing))
            archives.look(&orders)
        }
        return false
    }

    /// How many bytes of checkpoints are to go for it; nil where nothing is.
    var missingCheckpoints: Int64? {
        if case .archives(let missing) = shortage?.stage { missing } else { nil }
    }

    mutating func removesCheckpoints() { shortage?.move(to: .removing) }

    /// All checkpoints that were to go are gone, or are held.
    ///
    /// - Parameter isMore: something has gone now.
    /// - Returns: whether it is over, as somebody reads them all.
    mutating func checkpointsRemoved(
        isMore: Bool, isLast: Bool, _ orders: inout Orders
    ) -> Bool {
        guard let shortage, shortage.stage == .removing else { return false }
        if isMore { self.shortage?.hasGone() }
        guard isLast else { return false }
        guard self.shortage?.hasRemoved == true else { return true }
        self.shortage?.measureAgain(&orders)
        return false
    }

    /// - Returns: what it was.
    mutating func endShortage() -> Shortage? {
        defer { shortage = nil }
        return shortage
    }

    /// A checkpoint has come.
    ///
    /// - Parameter number: the request that it answers.
    /// - Returns: that request, if room is being made for it; it is not made again.
    mutating func takeAgain(_ number: Int?) -> Shortage.Again? {
        guard let number, shortage?.again?.number == number else { return nil }
        return shortage?.takeAgain()
    }

    /// The job is gone.
    ///
    /// - Returns: the request that room is being made for, which is not made again.
    mutating func takeAgain() -> Shortage.Again? { shortage?.takeAgain() }

    mutating func forget(_ connection: ConnectionID) { shortage?.forget(connection) }
}

/// Decides which checkpoints are removed on a full disk, and in which order.
///
/// Nothing that is protected ever goes. Of the rest, the oldest checkpoint goes first, until what
/// goes is as large as what is needed.
package struct RoomPlan: Equatable, Sendable {
    /// In the order in which they go.
    package private(set) var removals: [CheckpointID] = []

    /// - Parameters:
    ///   - checkpoints: all that are committed and not found bad, in order of sequence.
    ///   - needed: so many bytes are to become free; nil takes all that may go.
    package init(_ checkpoints: [CheckpointSummary], protection: Protection, needed: Int64?) {
        let plan = RetentionPlan(clearing: checkpoints, protection: protection)
        // Sparse files may add up to more than a disk holds.
        var freed = Int128(0)
        for entry in plan.entries where entry.cause != nil {
            if let needed, freed >= needed { return }
            removals.append(entry.id)
            freed += Int128(entry.size)
        }
    }
}
