/// A run record that cannot be written while the run goes on: reported once for each reason, and tried
/// again until it is written.
struct RecordTrouble: Equatable, Sendable {
    /// So many different reasons are reported until it is over.
    private static let mostReasons = 4

    private var since: Instant?
    private var reasons: Set<String> = []
    private var failures = 0

    /// The record on the disk is not the newest one.
    var isOpen: Bool { since != nil }

    /// - Returns: how long to wait before the next try, and whether people have not read of it yet.
    mutating func failed(
        _ reason: String, at now: Instant
    ) -> (wait: Duration, isFirst: Bool) {
        since = since ?? now
        failures += 1
        let wait = Backoff.wait(
            afterFailures: failures, range: MachineShortage.waits, jitter: 0)
        let isFirst = reasons.count < Self.mostReasons && reasons.insert(reason).inserted
        return (wait, isFirst)
    }

    /// A record is on the disk.
    ///
    /// - Returns: how long none could be written; nil where the last one could.
    mutating func written(at now: Instant) -> Duration? {
        defer { self = RecordTrouble() }
        return since.map { now - $0 }
    }
}
