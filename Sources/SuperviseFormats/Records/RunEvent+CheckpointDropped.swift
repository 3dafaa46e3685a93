extension RunEvent {
    /// A checkpoint that the job had begun by itself, and never committed or aborted.
    package struct CheckpointDropped: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var reason: Reason

        package enum Reason: String, Codable, Sendable {
            case jobEnded = "job_ended"
            case connectionEnded = "connection_ended"
            case begunAgain = "begun_again"

            /// In words.
            package var text: String {
                switch self {
                case .jobEnded: "the job ended before the commit"
                case .connectionEnded: "its connection ended before the commit"
                case .begunAgain: "another begin on its connection took its place"
                }
            }
        }

        package init(id: CheckpointID, reason: Reason) {
            self.id = id
            self.reason = reason
        }
    }
}
