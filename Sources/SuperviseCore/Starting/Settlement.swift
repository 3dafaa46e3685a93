import SuperviseFormats

/// Decides what the status of a run says that no supervisor is at work on: its lock is free, or held
/// only to settle it.
///
/// The run's record stays as it is: the next start counts the failure of the machine, and ends what was
/// left, as if nobody had settled it.
package enum Settlement {
    /// - Parameters:
    ///   - record: nil if it cannot be read; then the status alone decides.
    ///   - time: when the status is said to be updated; nil leaves that as it is.
    /// - Returns: the status as it should be; nil if the published one is right.
    package static func settled(
        _ status: Status, by record: RunRecord?, at time: Timestamp? = nil
    ) -> Status? {
        let isStale = record.map { began($0, after: status) } ?? false
        guard status.phase != .finished || isStale else { return nil }
        var settled = status
        if isStale, let record { settled.take(record) }
        settled.phase = .finished
        settled.outcome = record?.outcome ?? .lost
        settled.jobPID = nil
        settled.socket = nil
        settled.nextCheckpoint = nil
        if let time { settled.updated = time }
        return settled
    }

    /// A supervisor has begun an attempt and died before it published a status.
    private static func began(_ record: RunRecord, after status: Status) -> Bool {
        guard record.outcome == nil, let begun = record.current?.started else { return false }
        return begun > status.updated
    }

    /// Whether this machine may settle a run whose lock the caller holds.
    package enum Right: Equatable, Sendable {
        case settle
        /// The run was last at work on that host, and may be still.
        case otherHost(String)
    }

    package static func right(to record: RunRecord, on host: String) -> Right {
        record.host == host ? .settle : .otherHost(record.host)
    }
}
