import SuperviseFormats

/// Tells what an attempt closed by its own will from what its death closed.
///
/// A signal that ends its receiver closes what that was writing. So after such a signal a close proves
/// nothing, and before it a close was meant. A process that has a handler for SIGTERM closes by its own
/// will until it is killed, whatever status it then ends with.
package struct LastCloses: Equatable, Sendable {
    /// Whose handlers are looked for.
    package enum Hearers: Equatable, Sendable { case leader, descendants }

    /// When SIGTERM was sent to the leader.
    package private(set) var terminatedAt: Instant?
    private var leaderHandlesTermination = false
    /// All descendants that the leader left, when they were sent SIGTERM.
    package private(set) var descendantsHandleTermination = false
    /// When SIGKILL was sent to everything.
    private var killedAt: Instant?
    /// It was sent while the leader ran.
    private var isLeaderKilled = false
    /// The watcher has reported every close up to the leader's exit; later closes are its
    /// descendants'.
    private var isLeaderDone = false

    package init() {}

    mutating func wasTerminated(at time: Instant) {
        terminatedAt = terminatedAt ?? time
    }

    mutating func wasKilled(at time: Instant, leaderRuns: Bool) {
        killedAt = killedAt ?? time
        if leaderRuns { isLeaderKilled = true }
    }

    /// Whether they handle SIGTERM was looked at just before it was sent.
    mutating func found(_ hearers: Hearers, handle: Bool) {
        switch hearers {
        case .leader: leaderHandlesTermination = handle
        case .descendants: descendantsHandleTermination = handle
        }
    }

    /// Every close up to the leader's exit has been reported.
    mutating func leaderIsDone() { isLeaderDone = true }

    /// Whether it was closed before anybody could be killed.
    func isBeforeKill(_ closedAt: Instant) -> Bool {
        killedAt.map { closedAt < $0 } ?? true
    }

    /// - Parameters:
    ///   - end: the leader's.
    ///   - wasStopped: somebody asked for that.
    func wasClosedByWill(at closedAt: Instant, end: JobEnd, wasStopped: Bool) -> Bool {
        guard isBeforeKill(closedAt) else { return false }
        if isLeaderDone { return descendantsHandleTermination }
        switch end {
        case .exited(let code): return code == 0 || wasStopped
        case .signaled(number: 9, _): return isLeaderKilled
        case .signaled(number: 15, _):
            guard wasStopped, let terminatedAt else { return false }
            return leaderHandlesTermination || closedAt < terminatedAt
        case .signaled: return false
        }
    }
}

/// Directories that fit `--watch` and in which nothing fits `--watch-complete`.
package struct IncompleteDirectories: Equatable, Sendable {
    /// Status and warning name so many at most.
    static let most = 20

    /// In order; the last ones where there are too many.
    package private(set) var paths: [FilePath] = []
    private var told: Set<FilePath> = []

    package init() {}

    /// An attempt has ended, and these are there.
    ///
    /// - Returns: those that were not told before.
    mutating func found(_ all: [FilePath]) -> [FilePath] {
        paths = all.sorted().suffix(Self.most)
        let new = all.filter { !told.contains($0) }
        told = Set(all)
        return new.sorted()
    }

    /// This one is complete by now.
    mutating func completed(_ path: FilePath) {
        paths.removeAll { $0 == path }
    }
}
