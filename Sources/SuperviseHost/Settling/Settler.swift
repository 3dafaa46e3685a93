import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Settles a run whose supervisor is gone: writes its outcome into the status, and an event.
///
/// The caller holds the run's lock. Only derived files are written.
package struct Settler {
    let store: RunStore

    package init(_ store: RunStore) { self.store = store }

    /// What came of it.
    package enum Result: Equatable, Sendable {
        /// The status as it is now.
        case settled(Status)
        /// Its status was right already.
        case hadEnded
        /// It was last at work on that host, and nothing was changed.
        case otherHost(String)
    }

    /// - Parameters:
    ///   - socket: of the next supervisor of the run, which calls this; that of the last one is removed.
    ///   - endLeftovers: ends what is left of the run, before anything is written.
    /// - Throws: `garbage`, `newerFormat`, `unreadable`, `unwritable`.
    package func settle(
        at now: Timestamp, besides socket: String? = nil,
        endLeftovers: (RunRecord) throws -> Void = { _ in }
    ) throws -> Result {
        guard let record = try store.record.load() else {
            throw StoreError.missing(store.paths.record)
        }
        if case .otherHost(let host) = Settlement.right(to: record, on: hostName()) {
            return .otherHost(host)
        }
        let published = try publishedStatus()
        guard
            var status = Settlement.settled(published ?? Status(record), by: record, at: now)
        else { return .hadEnded }
        try endLeftovers(record)
        // The settled status names no socket any more.
        SocketPath.removeFormer(published?.socket, of: store.paths.run, unless: socket)
        if socket == nil { SocketPath.remove(SocketBeside.path(of: store.paths.run)) }
        try tell(status, at: now)
        try store.derived.publish(status)
        // After the status, as it takes longer: the last commits may have come after the last status.
        let before = status
        if let found = try? store.checkpoints.scan().checkpoints { status.setCheckpoints(found) }
        if status != before { try store.derived.publish(status) }
        return .settled(status)
    }

    /// A derived file that is garbage is as good as none.
    private func publishedStatus() throws(StoreError) -> Status? {
        do throws(StoreError) {
            return try store.derived.readStatus()
        } catch {
            if case .garbage = error { return nil }
            throw error
        }
    }

    /// Not twice, where the status could not be written the first time.
    private func tell(_ status: Status, at now: Timestamp) throws(StoreError) {
        let event = RunEvent.settled(
            .init(
                attempt: status.attempt, supervisorPID: status.supervisorPID,
                outcome: status.outcome ?? .lost))
        guard try store.derived.readEvents(last: 1).last?.event != event else { return }
        try store.derived.append([LoggedEvent(at: now, event: event)])
    }
}

extension Settler {
    /// Ends what a supervisor that died left of its run, on this boot of this host.
    ///
    /// - Throws: ``StartError`` where the processes belong to another directory's run, do not end, or
    ///   where nobody can tell whether there are any.
    package func endLeftovers(_ record: RunRecord) throws {
        let origin = try OriginInquiry(store, record).answer()
        if case .refused = origin.verdict {
            throw StartError.otherOrigin(origin, record, store.paths.name)
        }
        guard origin.verdict == .here, record.mayHaveLeftovers(bootID: try? bootId()) else {
            return
        }
        let runToken = record.runToken
        let search = try waitBounded { ProcessTree.endLeftovers(runToken: runToken) }
        if case .unknown(let error, _) = search {
            throw StartError.unseenLeftovers(error)
        }
    }

    /// A process that is stuck in the kernel must not keep the lock.
    private func waitBounded(
        _ search: @escaping @Sendable () -> LeftoverSearch
    ) throws -> LeftoverSearch {
        do throws(SystemError) {
            let result = try BoundedWork.perform("leftovers", within: ShellBounds.settling, search)
            if let result { return result }
        } catch {
            throw StartError.step(.searchLeftovers(store.paths.name), error)
        }
        throw StartError.stuckLeftovers(store.paths.name)
    }
}

/// The call of our own program by the guard, which has ended the tree of a supervisor that died. It
/// hands over the run's lock; nobody else can use this call.
package enum HeldSettlement {
    /// No command of that name is for people.
    private static let verb = "settle-held"

    static func call(of paths: RunPaths) -> [String] {
        ["supervise", verb, paths.stateDirectory, paths.name.description]
    }

    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status; nil where it is no such call.
    package static func perform(_ arguments: [String]) -> Int32? {
        guard arguments.count == 3, arguments[0] == verb, let name = RunName(arguments[2]) else {
            return nil
        }
        let paths = RunPaths(stateDirectory: arguments[1], name: name)
        do {
            guard let lock = try RunLock.settling(paths) else { return nil }
            let now = Timestamp(milliseconds: wallClockNow() / 1_000_000)
            let record = try RunStore(paths).record.load()
            let store = RunStore(record.map { paths.following($0) } ?? paths)
            try withExtendedLifetime(lock) { _ = try Settler(store).settle(at: now) }
            return 0
        } catch {
            // Nobody reads it; `supervise settle` tries again.
            return RunResult.couldNot
        }
    }
}
