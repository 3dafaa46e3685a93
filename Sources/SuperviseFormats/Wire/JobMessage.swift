/// What a job or an operator says over the socket (protocol version 1).
package enum JobMessage: Equatable, Sendable {
    case hello(Hello)
    case heartbeat
    case progress(ProgressReport)
    case begin(Begin)
    case commit(Commit)
    case add(Add)
    case abort(Abort)
    case failed(SaveFailed)
    case giveUp(GiveUp)
    case control(Control)

    package struct Hello: Codable, Equatable, Sendable {
        package var `protocol`: Int
        package var token: String
        package var client: String?
        /// What the job can do on request: `checkpoint`.
        package var accepts: [String]?
        package var rank: Int?
        package var ranks: Int?

        package init(
            protocol version: Int = 1, token: String, client: String? = nil,
            accepts: [String]? = nil
        ) {
            self.protocol = version
            self.token = token
            self.client = client
            self.accepts = accepts
        }
    }

    package struct ProgressReport: Codable, Equatable, Sendable {
        package var step: Int64?
        /// The step at the beginning, where that is not 0.
        package var first: Int64?
        package var total: Int64?
        package var unit: String?
        package var metrics: Metrics?
        package var message: String?

        package init(
            step: Int64? = nil, first: Int64? = nil, total: Int64? = nil, unit: String? = nil,
            metrics: Metrics? = nil, message: String? = nil
        ) {
            self.step = step
            self.first = first
            self.total = total
            self.unit = unit
            self.metrics = metrics
            self.message = message
        }
    }

    package struct Begin: Codable, Equatable, Sendable {
        package var step: Int64?
        package var request: Int?

        package init(step: Int64? = nil, request: Int? = nil) {
            self.step = step
            self.request = request
        }
    }

    package struct Commit: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var request: Int?
        package var metrics: Metrics?
        package var metadata: [String: JSONValue]?
        /// How long the job itself was held up by the save, in seconds.
        package var blocked: Double?

        package init(
            id: CheckpointID, request: Int? = nil, metrics: Metrics? = nil,
            metadata: [String: JSONValue]? = nil, blocked: Double? = nil
        ) {
            self.id = id
            self.request = request
            self.metrics = metrics
            self.metadata = metadata
            self.blocked = blocked
        }

        package enum CodingKeys: String, CodingKey {
            case id, request, metrics, metadata
            case blocked = "blocked_s"
        }
    }

    package struct Add: Codable, Equatable, Sendable {
        package var path: String
        package var mode: String?
        package var step: Int64?
        package var request: Int?
        package var metrics: Metrics?
        package var metadata: [String: JSONValue]?
        /// How long the job itself was held up until now, in seconds.
        package var blocked: Double?

        package init(
            path: String, mode: String? = nil, step: Int64? = nil, request: Int? = nil,
            metrics: Metrics? = nil, metadata: [String: JSONValue]? = nil, blocked: Double? = nil
        ) {
            self.path = path
            self.mode = mode
            self.step = step
            self.request = request
            self.metrics = metrics
            self.metadata = metadata
            self.blocked = blocked
        }

        package enum CodingKeys: String, CodingKey {
            case path, mode, step, request, metrics, metadata
            case blocked = "blocked_s"
        }
    }

    package struct Abort: Codable, Equatable, Sendable {
        package var id: CheckpointID
        package var error: String?
        /// Why, as the codes of errors say it; those that are not known say nothing.
        package var code: String?

        package init(id: CheckpointID, error: String? = nil, code: String? = nil) {
            self.id = id
            self.error = error
            self.code = code
        }
    }

    package struct SaveFailed: Codable, Equatable, Sendable {
        package var request: Int?
        package var error: String?
        /// As ``Abort/code``.
        package var code: String?

        package init(request: Int?, error: String?, code: String? = nil) {
            self.request = request
            self.error = error
            self.code = code
        }
    }

    /// What `abort` and `failed` say of a disk that is full.
    package static let noSpace = ProtocolError.Code.noSpace.rawValue

    /// Another attempt is of no use.
    package struct GiveUp: Codable, Equatable, Sendable {
        package var error: String?

        package init(error: String?) { self.error = error }
    }

    package struct Control: Codable, Equatable, Sendable {
        package var command: String
        /// Of `stop` and `restart`: false skips the final checkpoint.
        package var checkpoint: Bool?
        /// Of `pin`, `unpin` and `delete`.
        package var id: CheckpointID?

        package init(command: String, checkpoint: Bool? = nil, id: CheckpointID? = nil) {
            self.command = command
            self.checkpoint = checkpoint
            self.id = id
        }
    }
}

/// Numbers by name. What is null or no number is left out, and that this happened is told.
package struct Metrics: Codable, Equatable, Sendable {
    package var values: [String: Double]
    /// Names whose values were left out.
    package var dropped: [String] = []

    package init(_ values: [String: Double]) {
        self.values = values
    }

    package init(from decoder: any Decoder) throws {
        let all = try decoder.singleValueContainer().decode([String: PerhapsNumber].self)
        values = all.compactMapValues(\.number)
        dropped = all.filter { $0.value.number == nil }.keys.sorted()
    }

    /// A number that can be held, or anything else.
    private struct PerhapsNumber: Decodable {
        let number: Double?

        init(from decoder: any Decoder) throws {
            let number = try? decoder.singleValueContainer().decode(Double.self)
            self.number = number.flatMap { $0.isFinite ? $0 : nil }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }
}

/// What a job says that speaks sd_notify(3) instead of our own protocol.
package enum JobNotice: Equatable, Sendable {
    /// Its start is over.
    case ready
    /// It is alive.
    case alive
    /// It is about to end.
    case stopping
    /// What it is doing, for people.
    case status(String)

    /// Reads the assignments of a datagram, one on a line; whatever else there is in it is none of
    /// our affair.
    package static func read(_ bytes: [UInt8]) -> [JobNotice] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix(statusName) {
                return .status(String(text.dropFirst(statusName.count)))
            }
            return switch text {
            case "READY=1": .ready
            case "WATCHDOG=1": .alive
            case "STOPPING=1": .stopping
            default: nil
            }
        }
    }

    private static let statusName = "STATUS="
}
