import SuperviseFormats

/// Decides when the status is published: a change of its ``Key`` at once, all else once a second.
///
/// The bytes of output that are lost are told with it: each time it is published, the next loss is asked
/// for.
struct StatusPublisher: Sendable {
    /// What of the status is published at once when it changes.
    struct Key: Equatable {
        var phase: Status.Phase
        var attempt: Int
        var pid: Int?
        var commits: Int
        var newest: CheckpointID?
        var failures: Int
        var requests: Status.Requests
        var incomplete: [FilePath]
        var sources: [Status.Source]
        var deadline: Timestamp?
        /// The source of the notice that counts, and its action.
        var notice: [String]
    }

    /// Other changes are published at most this often.
    private static let interval = Duration.seconds(1)

    private var last: Key?
    private var lastAt: Instant?
    /// Something has changed that is not in the key.
    private var hasNews = false
    /// The timer for it is set.
    private var isWaiting = false
    /// Of the job's output, over all attempts of this supervisor, where it passes through us.
    private var discardedBytes: Int64 = 0
    /// The host tells when there are more.
    private var isAskedForDiscards = true

    /// A status was published.
    var hasPublished: Bool { last != nil }

    var output: Status.Output? {
        discardedBytes == 0 ? nil : Status.Output(discardedBytes: discardedBytes)
    }

    /// Something has changed that may wait for its second.
    mutating func noteChange() { hasNews = true }

    /// The timer has gone off, or is set no more.
    mutating func timerEnded() { isWaiting = false }

    /// After every event.
    ///
    /// - Returns: whether to publish now; else the timer is set where there is news.
    mutating func isDue(_ key: Key, at now: Moment, _ orders: inout Orders) -> Bool {
        if key != last { return true }
        guard hasNews, !isWaiting else { return false }
        let due = (lastAt ?? now.instant) + Self.interval
        if due <= now.instant { return true }
        isWaiting = true
        orders.set(.publish, after: due - now.instant, at: now)
        return false
    }

    mutating func publish(
        _ status: Status, _ key: Key, at now: Moment, _ orders: inout Orders
    ) {
        last = key
        lastAt = now.instant
        hasNews = false
        orders.add(.publish(status))
        guard !isAskedForDiscards else { return }
        isAskedForDiscards = true
        orders.add(.tellDiscards(beyond: discardedBytes))
    }

    /// - Parameter total: the bytes of output that are lost, in all.
    /// - Returns: whether there are more than before.
    @discardableResult
    mutating func outputDiscarded(_ total: Int64) -> Bool {
        guard total > discardedBytes else { return false }
        discardedBytes = total
        isAskedForDiscards = false
        hasNews = true
        return true
    }
}
