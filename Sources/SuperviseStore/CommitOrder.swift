import SuperviseFormats

/// What a checkpoint that is to be committed says of itself.
package struct CommitOrder: Sendable {
    package var id: CheckpointID
    package var reason: Manifest.Reason
    package var attempt: Int
    package var parent: CheckpointID?
    package var created: Timestamp
    /// Seconds since the request, or since `begin`; asked when all files are durable.
    package var elapsed: @Sendable () -> Double
    package var metrics: [String: Double]
    package var metadata: [String: JSONValue]
    package var ranks: Int
    /// The path of what `--watch` took; nil for all else.
    package var source: FilePath?
    /// How far the job was; nil if it had told nothing.
    package var progress: Manifest.Progress?
    /// Of a watched file: whether it is taken though a checkpoint holds this content already. nil does
    /// not compare.
    package var takesAgain: (@Sendable (TakenContent) -> Bool)?
    /// Only this is taken; nil takes what is there.
    package var content: ContentMark?

    package init(
        id: CheckpointID, reason: Manifest.Reason, attempt: Int, parent: CheckpointID?,
        created: Timestamp, elapsed: @escaping @Sendable () -> Double,
        metrics: [String: Double] = [:], metadata: [String: JSONValue] = [:], ranks: Int = 1,
        source: FilePath? = nil
    ) {
        self.id = id
        self.reason = reason
        self.attempt = attempt
        self.parent = parent
        self.created = created
        self.elapsed = elapsed
        self.metrics = metrics
        self.metadata = metadata
        self.ranks = ranks
        self.source = source
    }
}
