extension Status {
    /// How each checkpoint that was asked for ended; those still open are in `made` only.
    package struct Requests: Codable, Equatable, Sendable {
        package var made = 0
        package var committed = 0
        package var failed = 0
        /// Answered after their time.
        package var late = 0
        package var unanswered = 0
        /// The job ended first, or a final request took its place.
        package var moot = 0
        /// Final ones: the job died before it answered.
        package var lost = 0
        /// Final ones: the checkpoint was received, and not durable when the time was over.
        package var unfinished = 0

        package init() {}
    }
}

extension Status.Requests {
    /// An older supervisor counted none as lost or unfinished.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        made = try container.decode(Int.self, forKey: .made)
        committed = try container.decode(Int.self, forKey: .committed)
        failed = try container.decode(Int.self, forKey: .failed)
        late = try container.decode(Int.self, forKey: .late)
        unanswered = try container.decode(Int.self, forKey: .unanswered)
        moot = try container.decode(Int.self, forKey: .moot)
        lost = try container.decodeIfPresent(Int.self, forKey: .lost) ?? 0
        unfinished = try container.decodeIfPresent(Int.self, forKey: .unfinished) ?? 0
    }
}
