/// What becomes of checkpoints, and of requests for them.
extension RunEvent {
    package struct CheckpointCommitted: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var bytes: Int64
        package var seconds: Double
        package var reason: Manifest.Reason
        @Null package var request: Int?

        package init(
            id: CheckpointID, bytes: Int64, seconds: Double, reason: Manifest.Reason, request: Int?
        ) {
            self.id = id
            self.bytes = bytes
            self.seconds = seconds
            self.reason = reason
            self.request = request
        }
    }

    package struct CheckpointFailed: Codable, Equatable, Sendable {
        @Null package var id: CheckpointID?
        @Null package var request: Int?
        package var error: String

        package init(id: CheckpointID?, request: Int?, error: String) {
            self.id = id
            self.request = request
            self.error = error
        }
    }

    package struct RequestEnded: Codable, Equatable, Sendable {
        package var request: Int
        /// `unanswered`, `moot`, `lost`: a final one that the job died before it answered, or `unfinished`:
        /// the checkpoint was received, and the disk had not made it durable.
        package var result: Result
        /// How long was waited, in seconds.
        package var seconds: Double
        /// Of `unfinished`; missing for all others.
        package var checkpoint: CheckpointID?

        package enum Result: String, Codable, Sendable { case unanswered, moot, lost, unfinished }

        package init(
            request: Int, result: Result, seconds: Double, checkpoint: CheckpointID? = nil
        ) {
            self.request = request
            self.result = result
            self.seconds = seconds
            self.checkpoint = checkpoint
        }
    }

    package struct SetAside: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var reason: String

        package init(id: CheckpointID, reason: String) {
            self.id = id
            self.reason = reason
        }
    }

    package struct Removed: Codable, Equatable, Sendable {
        package var ids: [CheckpointID]
        /// The limit that removed them from a branch that was gone back from; null for all others.
        @Null package var limit: Limit?

        package enum Limit: String, Codable, Sendable {
            case maxAge = "max-age"
            case maxBytes = "max-bytes"
        }

        package init(ids: [CheckpointID], limit: Limit? = nil) {
            self.ids = ids
            self.limit = limit
        }
    }

    /// An archived run is gone.
    package struct ArchiveRemoved: Codable, Equatable, Sendable {
        /// Such as `NAME@20261121T050401Z`.
        package var archive: String
        package var bytes: Int64

        package init(archive: String, bytes: Int64) {
            self.archive = archive
            self.bytes = bytes
        }
    }

    /// Checkpoints of an archived run are gone.
    package struct ArchiveTrimmed: Codable, Equatable, Sendable {
        /// Such as `NAME@20261121T050401Z`.
        package var archive: String
        package var ids: [CheckpointID]
        package var bytes: Int64

        package init(archive: String, ids: [CheckpointID], bytes: Int64) {
            self.archive = archive
            self.ids = ids
            self.bytes = bytes
        }
    }

    package struct Compressed: Codable, Equatable, Sendable {
        package var id: CheckpointID
        /// Of the payload.
        package var bytes: Int64
        /// What it takes of the disk now.
        package var compressedBytes: Int64

        package init(id: CheckpointID, bytes: Int64, compressedBytes: Int64) {
            self.id = id
            self.bytes = bytes
            self.compressedBytes = compressedBytes
        }
        package enum CodingKeys: String, CodingKey {
            case id, bytes
            case compressedBytes = "compressed_bytes"
        }
    }

    /// An attempt goes on from a checkpoint that is not the newest.
    package struct RolledBack: Codable, Equatable, Sendable {
        package var to: CheckpointID
        /// The newest of those that are passed over.
        package var from: CheckpointID
        /// How many are passed over; they stay.
        package var passed: Int
        /// In a row from `from`; null where an older one was asked for.
        @Null package var failures: Int?

        package init(to: CheckpointID, from: CheckpointID, passed: Int, failures: Int?) {
            self.to = to
            self.from = from
            self.passed = passed
            self.failures = failures
        }
    }
}

extension RunEvent {
    /// A checkpoint that the job had begun by itself and never committed or aborted, or that was received
    /// and not made durable.
    package struct CheckpointDropped: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var reason: Reason

        package enum Reason: String, Codable, Sendable {
            case jobEnded = "job_ended"
            case connectionEnded = "connection_ended"
            case begunAgain = "begun_again"
            /// No rule keeps it beside the newer one.
            case superseded
            case unfinished

            /// In words.
            package var text: String {
                switch self {
                case .jobEnded: "the job ended before the commit"
                case .connectionEnded: "its connection ended before the commit"
                case .begunAgain: "another begin on its connection took its place"
                case .superseded:
                    "a newer one came before the disk had begun with it, and no rule keeps both"
                case .unfinished:
                    "it was received, and the disk had not made it durable when the run ended"
                }
            }
        }

        package init(id: CheckpointID, reason: Reason) {
            self.id = id
            self.reason = reason
        }
    }
}
