/// What is known of a committed checkpoint without opening its files again.
package struct CheckpointSummary: Equatable, Sendable {
    package var id: CheckpointID
    package var created: Timestamp
    /// Of the payload.
    package var bytes: Int64
    package var metrics: [String: Double]
    /// What a job is given: the payload's directory, or the file where it is a single adopted one.
    package var path: String
    /// How much of the disk it takes, where it is compressed; nil where it is not.
    package var compressedBytes: Int64?

    package init(
        id: CheckpointID, created: Timestamp, bytes: Int64, metrics: [String: Double],
        path: String, compressedBytes: Int64? = nil
    ) {
        self.id = id
        self.created = created
        self.bytes = bytes
        self.metrics = metrics
        self.path = path
        self.compressedBytes = compressedBytes
    }
}
