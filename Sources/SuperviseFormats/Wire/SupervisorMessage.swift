/// What the supervisor says over the socket (protocol version 1).
package enum SupervisorMessage: Equatable, Sendable {
    case welcome(Welcome)
    case began(Began)
    case committed(Committed)
    case aborted
    case checkpointRequest(CheckpointRequest)
    case stop(deadline: Double)
    case error(ProtocolError)
    case ok
    indirect case status(Status)
    case pruned(Pruned)

    package struct Welcome: Codable, Equatable, Sendable {
        package var `protocol` = 1
        package var name: String
        package var attempt: Int
        @Null package var resume: Resume?
        /// Why the attempt before this one ended; null where there is none or it did not fail.
        @Null package var lastFailure: LastFailure?

        package init(
            name: String, attempt: Int, resume: Resume?, lastFailure: LastFailure? = nil
        ) {
            self.name = name
            self.attempt = attempt
            self.resume = resume
            self.lastFailure = lastFailure
        }

        package enum CodingKeys: String, CodingKey {
            case `protocol`, name, attempt, resume
            case lastFailure = "last_failure"
        }
    }

    /// The checkpoint that the attempt goes on from.
    package struct Resume: Codable, Equatable, Sendable {
        package var id: CheckpointID
        /// Absolute: the payload's directory, or the file itself where it is a single adopted one.
        package var path: String
        @Null package var step: Int64?
        package var metrics: [String: Double]
        package var metadata: [String: JSONValue]

        package init(
            id: CheckpointID, path: String, metrics: [String: Double],
            metadata: [String: JSONValue]
        ) {
            self.id = id
            self.path = path
            step = id.step
            self.metrics = metrics
            self.metadata = metadata
        }
    }

    package struct Began: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var path: String

        package init(id: CheckpointID, path: String) {
            self.id = id
            self.path = path
        }
    }

    /// What came of `prune` and of `delete`.
    package struct Pruned: Codable, Equatable, Sendable {
        /// How many checkpoints are gone.
        package var removed: Int
        /// How much of the disk they took.
        package var bytes: Int64
        /// How many stay because somebody is reading them.
        package var held: Int

        package init(removed: Int, bytes: Int64, held: Int) {
            self.removed = removed
            self.bytes = bytes
            self.held = held
        }
    }

    package struct Committed: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var path: String
        package var bytes: Int64
        package var seconds: Double

        package init(id: CheckpointID, path: String, bytes: Int64, seconds: Double) {
            self.id = id
            self.path = path
            self.bytes = bytes
            self.seconds = seconds
        }
    }
}

/// `checkpoint_request`; also what the event of that name tells.
package struct CheckpointRequest: Codable, Equatable, Sendable {
    package var request: Int
    package var reason: Manifest.Reason
    package var final: Bool
    /// Seconds left; null where there is no fixed deadline.
    @Null package var deadline: Double?

    package enum CodingKeys: String, CodingKey {
        case request, reason, final
        case deadline = "deadline_s"
    }

    package init(request: Int, reason: Manifest.Reason, final: Bool, deadline: Double?) {
        self.request = request
        self.reason = reason
        self.final = final
        self.deadline = deadline
    }
}

/// What went wrong, in a sentence that says what to do.
package struct ProtocolError: Error, Codable, Equatable, Sendable {
    package var code: Code
    package var message: String
    /// Of `unsupported_protocol`: the version that is spoken here.
    package var supported: Int?

    package enum Code: String, Codable, Sendable {
        case badMessage = "bad_message"
        case tooLong = "too_long"
        case unknownType = "unknown_type"
        case helloFirst = "hello_first"
        case staleToken = "stale_token"
        case unsupportedProtocol = "unsupported_protocol"
        case unknownCheckpoint = "unknown_checkpoint"
        case emptyCheckpoint = "empty_checkpoint"
        case badPath = "bad_path"
        case noSpace = "no_space"
        case io, conflict, stopping
        /// A newer checkpoint took its place before the disk had begun with it.
        case superseded
    }

    package init(_ code: Code, _ message: String, supported: Int? = nil) {
        self.code = code
        self.message = message
        self.supported = supported
    }
}

/// Why the attempt before this one ended, for the job.
package struct LastFailure: Codable, Equatable, Sendable {
    package var attempt: Int
    package var kind: Failure.Kind
    @Null package var exitCode: Int?
    /// The name of the signal that ended it, such as `SIGKILL`.
    @Null package var signal: String?
    /// The time since its last checkpoint, which has to be done again, in seconds.
    package var lostSeconds: Double

    package init(_ failure: Failure) {
        attempt = failure.attempt
        kind = failure.kind
        exitCode = failure.exitCode
        signal = failure.signal
        lostSeconds = failure.lostSeconds
    }

    package enum CodingKeys: String, CodingKey {
        case attempt, kind, signal
        case exitCode = "exit_code"
        case lostSeconds = "lost_s"
    }
}
