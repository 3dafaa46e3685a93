/// One flat JSON object: `at`, `event`, and the event's own keys.
extension LoggedEvent: Codable {
    private enum CodingKeys: String, CodingKey { case at, event }

    private enum Name: String, Codable {
        case attemptStarted = "attempt_started"
        case jobExited = "job_exited"
        case failed
        case hung
        case checkpointRequested = "checkpoint_requested"
        case checkpointCommitted = "checkpoint_committed"
        case checkpointFailed = "checkpoint_failed"
        case requestEnded = "request_ended"
        case setAside = "set_aside"
        case rolledBack = "rolled_back"
        case removed
        case compressed
        case archiveRemoved = "archive_removed"
        case archiveTrimmed = "archive_trimmed"
        case stopRequested = "stop_requested"
        case noticed
        case restarting
        case paused
        case unpaused
        case gaveUp = "gave_up"
        case leftovers
        case warning
        case finished
        case settled
        case checkpointDropped = "checkpoint_dropped"
        case logsRemoved = "logs_removed"
        case noticeWithdrawn = "notice_withdrawn"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        at = try container.decode(Timestamp.self, forKey: .at)
        event =
            switch try container.decode(Name.self, forKey: .event) {
            case .attemptStarted: .attemptStarted(try .init(from: decoder))
            case .jobExited: .jobExited(try .init(from: decoder))
            case .failed: .failed(try .init(from: decoder))
            case .hung: .hung(try .init(from: decoder))
            case .checkpointRequested: .checkpointRequested(try .init(from: decoder))
            case .checkpointCommitted: .checkpointCommitted(try .init(from: decoder))
            case .checkpointFailed: .checkpointFailed(try .init(from: decoder))
            case .requestEnded: .requestEnded(try .init(from: decoder))
            case .setAside: .setAside(try .init(from: decoder))
            case .rolledBack: .rolledBack(try .init(from: decoder))
            case .removed: .removed(try .init(from: decoder))
            case .compressed: .compressed(try .init(from: decoder))
            case .archiveRemoved: .archiveRemoved(try .init(from: decoder))
            case .archiveTrimmed: .archiveTrimmed(try .init(from: decoder))
            case .stopRequested: .stopRequested(try .init(from: decoder))
            case .noticed: .noticed(try .init(from: decoder))
            case .restarting: .restarting(try .init(from: decoder))
            case .paused: .paused(try .init(from: decoder))
            case .unpaused: .unpaused(try .init(from: decoder))
            case .gaveUp: .gaveUp(try .init(from: decoder))
            case .leftovers: .leftovers(try .init(from: decoder))
            case .warning: .warning(try .init(from: decoder))
            case .finished: try Finished(from: decoder).event
            case .settled: .settled(try .init(from: decoder))
            case .checkpointDropped: .checkpointDropped(try .init(from: decoder))
            case .logsRemoved: .logsRemoved(try .init(from: decoder))
            case .noticeWithdrawn: .noticeWithdrawn(try .init(from: decoder))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        let (name, payload) = parts
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(at, forKey: .at)
        try container.encode(name, forKey: .event)
        try payload.encode(to: encoder)
    }

    private var parts: (Name, any Encodable) {
        switch event {
        case .attemptStarted(let payload): (.attemptStarted, payload)
        case .jobExited(let payload): (.jobExited, payload)
        case .failed(let payload): (.failed, payload)
        case .hung(let payload): (.hung, payload)
        case .checkpointRequested(let payload): (.checkpointRequested, payload)
        case .checkpointCommitted(let payload): (.checkpointCommitted, payload)
        case .checkpointFailed(let payload): (.checkpointFailed, payload)
        case .requestEnded(let payload): (.requestEnded, payload)
        case .setAside(let payload): (.setAside, payload)
        case .rolledBack(let payload): (.rolledBack, payload)
        case .removed(let payload): (.removed, payload)
        case .compressed(let payload): (.compressed, payload)
        case .archiveRemoved(let payload): (.archiveRemoved, payload)
        case .archiveTrimmed(let payload): (.archiveTrimmed, payload)
        case .stopRequested(let payload): (.stopRequested, payload)
        case .noticed(let payload): (.noticed, payload)
        case .restarting(let payload): (.restarting, payload)
        case .paused(let payload): (.paused, payload)
        case .unpaused(let payload): (.unpaused, payload)
        case .gaveUp(let payload): (.gaveUp, payload)
        case .leftovers(let payload): (.leftovers, payload)
        case .warning(let payload): (.warning, payload)
        case .settled(let payload): (.settled, payload)
        case .checkpointDropped(let payload): (.checkpointDropped, payload)
        case .logsRemoved(let payload): (.logsRemoved, payload)
        case .noticeWithdrawn(let payload): (.noticeWithdrawn, payload)
        case .finished(let outcome, let error):
            (.finished, Finished(outcome: outcome, error: error))
        }
    }
}

/// The outcome's own keys, and `error` where there is one.
private struct Finished: Codable {
    var outcome: Outcome
    var error: String?

    private enum CodingKeys: String, CodingKey { case error }

    init(outcome: Outcome, error: String?) {
        self.outcome = outcome
        self.error = error
    }

    init(from decoder: any Decoder) throws {
        outcome = try Outcome(from: decoder)
        error = try decoder.container(keyedBy: CodingKeys.self)
            .decodeIfPresent(String.self, forKey: .error)
    }

    func encode(to encoder: any Encoder) throws {
        try outcome.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(error, forKey: .error)
    }

    var event: RunEvent { .finished(outcome, error: error) }
}
