import SuperviseCore
import SuperviseFormats

/// Metrics of large `progress` messages that were not parsed yet: of each connection the newest.
///
/// They are parsed as often as the status is told at most, and before anything that ends a connection.
struct WaitingMetrics {
    /// Each is a message of its own.
    private var waiting: [ConnectionID: [UInt8]] = [:]
    private var lastParsed: Instant?

    /// What waited for this connection is of no use any more.
    ///
    /// - Returns: when they are to be parsed.
    mutating func put(_ message: [UInt8], of id: ConnectionID, at now: Instant) -> Instant {
        waiting[id] = message
        return max(now, lastParsed.map { $0 + SocketBounds.metricsEvery } ?? now)
    }

    mutating func take(_ id: ConnectionID) -> [UInt8]? { waiting.removeValue(forKey: id) }

    /// All of them, in the order of their connections.
    mutating func takeAll(at now: Instant) -> [(id: ConnectionID, message: [UInt8])] {
        lastParsed = now
        defer { waiting = [:] }
        return waiting.sorted { $0.key.number < $1.key.number }.map { ($0.key, $0.value) }
    }
}
