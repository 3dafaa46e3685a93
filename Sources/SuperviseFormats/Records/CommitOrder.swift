/// What a checkpoint that is to be committed says of itself.
package struct CommitOrder: Equatable, Sendable {
    package var id: CheckpointID
    package var reason: Manifest.Reason
    package var attempt: Int
    package var parent: CheckpointID?
    package var created: Timestamp
    /// From the request, or `begin`, until the order was given.
    package var secondsSoFar: Double
    package var metrics: [String: Double]
    package var metadata: [String: JSONValue]
    /// The path of what `--watch` takes; nil for all else.
    package var source: FilePath?
    /// How far the job was; nil if it had told nothing.
    package var progress: Manifest.Progress?

    package init(
        id: CheckpointID, reason: Manifest.Reason, attempt: Int, parent: CheckpointID?,
        created: Timestamp, secondsSoFar: Double, metrics: [String: Double] = [:],
        metadata: [String: JSONValue] = [:], progress: Manifest.Progress? = nil
    ) {
        self.id = id
        self.reason = reason
        self.attempt = attempt
        self.parent = parent
        self.created = created
        self.secondsSoFar = secondsSoFar
        self.metrics = metrics
        self.metadata = metadata
        self.progress = progress
    }
}
