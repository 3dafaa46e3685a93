import CLinux
import Glibc

/// The processes of the job: our descendants, but for our helpers and for what was there before the job.
///
/// C's `cl_tree` is the definition; all that stops, ends, counts or looks at the job asks it here.
package struct JobTree: Sendable {
    private let helpers: [Int32]
    private let attempt: GuardedAttempt?
    private let leader: Int32?
    private let limit: Duration

    /// - Parameters:
    ///   - helpers: children of ours that are not the job's, nor is what they have started.
    ///   - attempt: has the list of inherited processes; nil if there are none.
    ///   - leader: of the job, which somebody reaps; nil if there is none.
    ///   - limit: the longest look at them, which then has those that it has met; 0: as long as it takes.
    package init(
        helpers: [Int32], sparing attempt: GuardedAttempt?, leader: Int32? = nil,
        lookingAtMost limit: Duration = .zero
    ) {
        self.helpers = helpers
        self.attempt = attempt
        self.leader = leader
        self.limit = limit
    }

    /// Holds some descriptors in reserve for looks at processes, from now on.
    package static func holdReserve() { cl_tree_reserve() }

    /// Whether somebody is left.
    package enum Presence: Equatable, Sendable {
        case nobody
        case somebody
        /// /proc cannot be read, so that nobody can tell; for now, or at all.
        case unknown(SystemError)
    }

    /// What became of a signal to all of them.
    package struct Sent: Equatable, Sendable {
        /// How many got it.
        package var count = 0
        /// The last one that could not be signalled.
        package var refused: Refused?
        /// Why /proc could not be searched; nil if it could.
        package var failure: SystemError?
        /// The helpers and the leader that have ended and were taken meanwhile.
        package var reaped: [Reaped] = []

        package struct Refused: Equatable, Sendable {
            package let pid: Int32
            package let code: Int32
        }
    }

    /// To be asked when all that have ended are reaped.
    package var presence: Presence {
        let found = withNative { cl_tree_has_children($0) }
        if found >= 0 { return found == 0 ? .nobody : .somebody }
        return .unknown(.unseen(errno))
    }

    /// Sends each of them a signal. Those who fork at the same time may be missed: as a subreaper we get
    /// them as children, so with SIGKILL again after each child that ends, until nobody is left.
    ///
    /// Guards of supervisors among them end once they have ended their own trees; where only they are
    /// left, SIGKILL is for them, too.
    ///
    /// Ended processes of the job are reaped meanwhile: it may make them faster than one look takes, until no
    /// process number is free.
    @discardableResult
    package func signal(_ signal: Int32) -> Sent {
        // Mostly there is nobody, and one look at a list is much quicker than one at all processes.
        switch presence {
        case .nobody: return Sent()
        case .unknown(let error): return Sent(failure: error)
        case .somebody: break
        }
        var sent = cl_sent()
        var failure: SystemError?
        let reaped = reapingMeanwhile { reaper in
            if withNative(reaper: reaper, { cl_tree_signal($0, signal, &sent) }) < 0 {
                failure = .unseen(errno)
            }
        }
        let refused = sent.refused == 0 ? nil : Sent.Refused(pid: sent.refuser, code: sent.refused)
        return Sent(
            count: max(0, Int(sent.count)), refused: refused, failure: failure, reaped: reaped)
    }

    /// Whether all of them stand still.
    package enum Standing: Equatable, Sendable {
        case still
        /// So many did not at the last look: they come and go faster than they can be stopped.
        case moving(Int)
        case unknown(SystemError)
    }

    /// SIGSTOP to all of them, again and again until they stand still, for one that forks meanwhile would
    /// leave a child that runs.
    ///
    /// - Returns: whether they do, and the helpers and the leader that were taken meanwhile.
    @discardableResult
    package func stop() -> (standing: Standing, reaped: [Reaped]) {
        switch presence {
        case .nobody: return (.still, [])
        case .unknown(let error): return (.unknown(error), [])
        case .somebody: break
        }
        var standing = Standing.still
        let reaped = reapingMeanwhile { reaper in
            let moving = withNative(reaper: reaper) { cl_tree_freeze($0) }
            standing =
                moving < 0 ? .unknown(.unseen(errno)) : moving > 0 ? .moving(Int(moving)) : .still
        }
        return (standing, reaped)
    }

    /// Their numbers, in order; nobody is reaped.
    ///
    /// - Throws: why /proc cannot be read, so that nobody can tell.
    package func members() throws(SystemError) -> [Int32] { try members(reaper: nil) }

    private func members(
        reaper: UnsafeMutablePointer<cl_reaper>?
    ) throws(SystemError) -> [Int32] {
        let found = FoundNumbers()
        let count = withNative(reaper: reaper) { tree in
            withExtendedLifetime(found) {
                cl_tree_find(
                    tree, nil, FoundNumbers.note, Unmanaged.passUnretained(found).toOpaque())
            }
        }
        guard count >= 0 else { throw .unseen(errno) }
        return found.all
    }

    /// Their numbers, or why /proc cannot be read; and the helpers and the leader that were taken meanwhile.
    func membersAndReaped() -> (Result<[Int32], SystemError>, [Reaped]) {
        var found = Result<[Int32], SystemError>.success([])
        let reaped = reapingMeanwhile { reaper in
            found = Result { () throws(SystemError) in try members(reaper: reaper) }
        }
        return (found, reaped)
    }

    /// Takes at most so many children of ours that have ended, in one go.
    ///
    /// - Returns: the helpers and the leader among them, and how many there were in all.
    package func reap(atMost limit: Int) -> (awaited: [Reaped], count: Int) {
        var count = 0
        let awaited = reaping { count = Int(cl_reap_batch($0, Int32(limit))) }
        return (awaited, count)
    }

    /// Without an attempt somebody else reaps.
    private func reapingMeanwhile(_ body: (UnsafeMutablePointer<cl_reaper>?) -> Void) -> [Reaped] {
        guard attempt != nil else {
            body(nil)
            return []
        }
        return reaping { body($0) }
    }

    private func reaping(_ body: (UnsafeMutablePointer<cl_reaper>) -> Void) -> [Reaped] {
        let ended = UnsafeMutablePointer<cl_ended>.allocate(capacity: helpers.count + 1)
        defer { ended.deallocate() }
        return helpers.withUnsafeBufferPointer { awaited in
            var reaper = cl_reaper(
                awaited: awaited.baseAddress, awaited_count: Int32(awaited.count),
                leader: leader ?? 0, is_reaped: attempt?.isReaped, ended: ended, count: 0)
            withExtendedLifetime(attempt) { withUnsafeMutablePointer(to: &reaper) { body($0) } }
            return (0..<Int(reaper.count)).map { Reaped(ended[$0]) }
        }
    }

    private func withNative<Result>(
        reaper: UnsafeMutablePointer<cl_reaper>? = nil,
        _ body: (UnsafePointer<cl_tree>) -> Result
    ) -> Result {
        var tree = cl_tree()
        tree.root = getpid()
        tree.reaper = reaper
        tree.limit_ms = Int32(clamping: limit.nanoseconds / 1_000_000)
        tree.except_count = Int32(helpers.count)
        return helpers.withUnsafeBufferPointer { spared in
            tree.except = spared.baseAddress
            return withExtendedLifetime(attempt) {
                tree.inherited = attempt?.inherited
                return withUnsafePointer(to: tree) { body($0) }
            }
        }
    }
}

/// Collects the processes that C finds.
final class FoundNumbers {
    private(set) var all: [Int32] = []

    static let note: cl_tree_found = { pid, context in
        guard let context else { return }
        Unmanaged<FoundNumbers>.fromOpaque(context).takeUnretainedValue().all.append(pid)
    }
}

extension JobTree {
    /// Whether each of them has a handler for a signal, or is not ended by it.
    ///
    /// - Returns: false where one of them would end by it, or where nobody can tell; and the helpers and the
    ///   leader that were taken meanwhile.
    package func handles(_ signal: Int32) -> (Bool, reaped: [Reaped]) {
        let (found, reaped) = membersAndReaped()
        guard case .success(let members) = found else { return (false, reaped) }
        let all = members.allSatisfy { pid in
            guard let status = ProcessStatus(path: "/proc/\(pid)/stat"), status.state != "Z" else {
                return true
            }
            let reception = try? SignalReception(of: signal, by: pid)
            return reception == .handled || reception == .ignored
        }
        return (all, reaped)
    }
}
