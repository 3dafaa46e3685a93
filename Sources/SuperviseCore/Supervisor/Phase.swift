import SuperviseFormats

extension Supervisor {
    /// How far the run is; ``mayBecome(_:)`` has the table of legal moves.
    package enum Phase: Equatable, Sendable {
        case idle
        /// What an earlier supervisor left is being ended.
        case clearing
        /// What the job had completed when its supervisor died is being taken up.
        case gathering
        /// A checkpoint is being verified.
        case choosing(CheckpointID)
        /// The record of an attempt is being made durable before it starts.
        case recording(Action.SpawnOrder)
        case running
        /// The leader is gone; its descendants end, and what it committed is being finished.
        case ending(EndingAttempt)
        /// The next attempt starts after a while.
        case waiting
        /// The end is decided; the disk and readers have what is left.
        case closing
        case finished
    }

    /// A leader that is gone, and what of its attempt is not over yet.
    package struct EndingAttempt: Equatable, Sendable {
        package let end: JobEnd
        package let at: Instant
        package private(set) var descendantsGone = false
        /// They outlive SIGKILL, and we go all the same.
        package private(set) var descendantsAbandoned: Bool
        /// The time for commits that were received is over.
        package private(set) var commitsAbandoned: Bool

        init(_ end: JobEnd, at: Instant, descendantsAbandoned: Bool, commitsAbandoned: Bool) {
            self.end = end
            self.at = at
            self.descendantsAbandoned = descendantsAbandoned
            self.commitsAbandoned = commitsAbandoned
        }

        mutating func descendantsAreGone() { descendantsGone = true }

        mutating func abandonDescendants() { descendantsAbandoned = true }

        mutating func abandonCommits() { commitsAbandoned = true }
    }
}

extension Supervisor.Phase {
    /// The leader is gone, and its attempt is not over.
    package var ending: Supervisor.EndingAttempt? {
        if case .ending(let ending) = self { ending } else { nil }
    }

    /// The end is decided.
    package var isClosing: Bool {
        switch self {
        case .closing, .finished: true
        default: false
        }
    }

    /// Whether this phase may be followed by that one.
    ///
    ///     idle → clearing                     (something may have been left behind)
    ///     clearing → gathering                (files that an earlier supervisor had no time for)
    ///     idle, clearing, gathering → choosing, recording
    ///     choosing → choosing                 (the checkpoint is bad: an older one)
    ///     choosing → recording                (without a checkpoint it begins there)
    ///     choosing → running, waiting → choosing, recording, running
    ///                                         (most restarts do not wait for the record)
    ///     recording → running
    ///     running → ending → waiting
    ///     choosing, recording, running → waiting      (the machine is short of something, or no start)
    ///     any → closing → finished
    func mayBecome(_ next: Self) -> Bool {
        switch (self, next) {
        case (.finished, _): false
        case (.closing, .finished): true
        case (.closing, _), (_, .finished): false
        case (_, .closing): true
        case (.idle, .clearing), (.clearing, .gathering): true
        case (.idle, .choosing), (.clearing, .choosing), (.gathering, .choosing): true
        case (.idle, .recording), (.clearing, .recording), (.gathering, .recording): true
        case (.choosing, .choosing), (.choosing, .recording), (.choosing, .running): true
        case (.waiting, .choosing), (.waiting, .recording), (.waiting, .running): true
        case (.recording, .running), (.running, .ending), (.ending, .ending): true
        case (.choosing, .waiting), (.recording, .waiting): true
        case (.running, .waiting), (.ending, .waiting): true
        default: false
        }
    }
}
