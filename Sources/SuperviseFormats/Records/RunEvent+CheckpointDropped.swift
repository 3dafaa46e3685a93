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
