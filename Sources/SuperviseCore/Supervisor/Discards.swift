import SuperviseFormats

/// How much of the job's output nobody got, where it passes through us.
struct Discards: Equatable, Sendable {
    /// In bytes, over all attempts of this supervisor.
    private(set) var bytes: Int64 = 0
    /// It is to be told when there are more.
    private var isAsked = true

    /// - Returns: whether there are more than before.
    mutating func learned(_ total: Int64) -> Bool {
        guard total > bytes else { return false }
        bytes = total
        isAsked = false
        return true
    }

    /// - Returns: whether to ask for more of it now.
    mutating func asks() -> Bool {
        defer { isAsked = true }
        return !isAsked
    }

    var status: Status.Output? { bytes == 0 ? nil : Status.Output(discardedBytes: bytes) }
}

extension Supervisor {
    /// The status tells it, as often as it tells progress.
    ///
    /// - Returns: whether there are more than before.
    @discardableResult
    mutating func outputDiscarded(_ total: Int64) -> Bool {
        guard discards.learned(total) else { return false }
        publisher.hasProgress = true
        return true
    }

    /// This much is published already: further bytes are reported no more often than the status is.
    mutating func askForDiscards() {
        if discards.asks() { orders.add(.tellDiscards(beyond: discards.bytes)) }
    }
}
