extension Status {
    /// Who is asked whether the machine is about to be taken away, and what was said.
    package struct Preemption: Codable, Equatable, Sendable {
        package var sources: [Source]
        /// What this supervisor acts on; null where nobody has said so.
        @Null package var notice: Notice?

        package init(sources: [Source], notice: Notice?) {
            self.sources = sources
            self.notice = notice
        }
    }

    /// One of those who are asked.
    package struct Source: Codable, Equatable, Sendable {
        /// Such as `aws`.
        package var name: String
        package var state: State
        /// Why it fails; null where it does not.
        @Null package var error: String?
        /// In a row.
        package var failures: Int

        package enum State: String, Codable, Sendable {
            /// It has not answered yet.
            case asking
            case watching
            case failing
            /// It is not asked any more: the run has ended.
            case ended
        }

        package init(name: String, state: State, error: String?, failures: Int) {
            self.name = name
            self.state = state
            self.error = error
            self.failures = failures
        }
    }

    /// That the machine is taken away, and what has come of it.
    package struct Notice: Codable, Equatable, Sendable {
        /// Such as `aws` or `SIGUSR2`.
        package var source: String
        /// `terminate` or `stop`.
        package var action: String
        package var noticed: Timestamp
        /// When the machine is gone.
        package var deadline: Timestamp
        /// When the final checkpoint is asked for at the latest; null where that has been done.
        @Null package var finalCheckpoint: Timestamp?
        /// The newest checkpoint; null where there is none.
        @Null package var saved: CheckpointID?
        /// Work that has to be done again, in seconds; null while that is not known.
        @Null package var lostSeconds: Double?

        package enum CodingKeys: String, CodingKey {
            case source, action, noticed, deadline, saved
            case finalCheckpoint = "final_checkpoint"
            case lostSeconds = "lost_s"
        }

        package init(
            source: String, action: String, noticed: Timestamp, deadline: Timestamp,
            finalCheckpoint: Timestamp?, saved: CheckpointID?, lostSeconds: Double?
        ) {
            self.source = source
            self.action = action
            self.noticed = noticed
            self.deadline = deadline
            self.finalCheckpoint = finalCheckpoint
            self.saved = saved
            self.lostSeconds = lostSeconds
        }
    }
}
