extension RunEvent {
    /// Old output of the job, and old events, are gone to make room on a full disk.
    package struct LogsRemoved: Codable, Equatable, Sendable {
        /// Files of output.
        package var outputFiles: Int
        /// Files of events.
        package var eventFiles: Int
        /// Of all of them.
        package var bytes: Int64

        package init(outputFiles: Int = 0, eventFiles: Int = 0, bytes: Int64 = 0) {
            self.outputFiles = outputFiles
            self.eventFiles = eventFiles
            self.bytes = bytes
        }

        package enum CodingKeys: String, CodingKey {
            case bytes
            case outputFiles = "output_files"
            case eventFiles = "event_files"
        }

        package var isEmpty: Bool { outputFiles == 0 && eventFiles == 0 }
    }
}
