/// How much of the disk checkpoints take: the one rule for every sum that is shown or decided by.
extension CheckpointSummary {
    /// In bytes: of the compressed copy, if there is one, else of the payload.
    package var sizeOnDisk: Int64 { compressedBytes ?? bytes }
}

extension Sequence<CheckpointSummary> {
    /// The sum of all sizes on the disk, in bytes.
    package var sizeOnDisk: Int64 { reduce(0) { $0 + $1.sizeOnDisk } }

    /// The sum of the payloads as the job saved them, in bytes.
    package var sizeAsSaved: Int64 { reduce(0) { $0 + $1.bytes } }
}

extension Status {
    /// Takes over what is on the disk, in order of sequence.
    package mutating func setCheckpoints(_ found: [CheckpointSummary]) {
        checkpoints = found.count
        checkpointBytes = found.sizeOnDisk
        toBeRemoved = 0
        checkpoint = found.last.map {
            .init(id: $0.id, path: $0.path, committed: $0.created, bytes: $0.bytes)
        }
    }
}
