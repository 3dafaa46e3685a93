/// Metrics of large `progress` messages that were not parsed yet: the newest of each connection.
///
/// They are parsed at most as often as the status is published, and before anything that ends a connection.
package struct WaitingMetrics: Sendable {
    /// Each is a message of its own.
    private var waiting: [ConnectionID: [UInt8]] = [:]
    private var lastParsed: Instant?

    package init() {}

    /// Takes the place of what waited for this connection.
    ///
    /// - Returns: when they are to be parsed.
    package mutating func put(
        _ message: [UInt8], of id: ConnectionID, at now: Instant
    ) -> Instant {
        waiting[id] = message
        return max(now, lastParsed.map { $0 + SocketBounds.metricsEvery } ?? now)
    }

    package mutating func take(_ id: ConnectionID) -> [UInt8]? { waiting.removeValue(forKey: id) }

    /// All of them, in the order of their connections.
    package mutating func takeAll(at now: Instant) -> [(id: ConnectionID, message: [UInt8])] {
        lastParsed = now
        defer { waiting = [:] }
        return waiting.sorted { $0.key.number < $1.key.number }.map { ($0.key, $0.value) }
    }
}
