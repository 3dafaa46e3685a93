import SuperviseFormats
import SuperviseSystem

/// Orders to a puppet, and what it tells.
extension Program {
    /// Waits for the next attempt.
    ///
    /// - Parameter number: which one it must be; nil for any.
    /// - Returns: the job's pid.
    @discardableResult
    package func nextAttempt(_ number: Int?) throws -> Int32 {
        let line = try line(starting: "ready ")
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 3, number == nil || words[1] == number?.description,
            let pid = Int32(words[2])
        else {
            throw failure("another attempt was expected, not: \(line)")
        }
        return pid
    }

    /// Sends a message of the protocol over a connection of the puppet.
    package func send(
        _ message: JobMessage, seq: Int64? = nil, on connection: String = "1"
    ) throws {
        let line = String(
            decoding: try Envelope(message, seq: seq).line().dropLast(), as: UTF8.self)
        try say("send \(connection) \(line)")
    }

    /// The next message to a connection of the puppet, as it was written.
    package func received(on connection: String = "1") throws -> String {
        String(try line(starting: "\(connection)< ").dropFirst(connection.utf8.count + 2))
    }

    /// The next message to a connection of the puppet.
    package func message(on connection: String = "1") throws -> Envelope<SupervisorMessage> {
        let text = try received(on: connection)
        return try JSONText.decode(Envelope<SupervisorMessage>.self, from: text.utf8)
    }

    /// Says hello and takes the welcome.
    @discardableResult
    package func hello(
        accepts: Bool = true, on connection: String = "1"
    ) throws -> SupervisorMessage.Welcome {
        try say("hello \(connection) \(accepts ? "checkpoint" : "")")
        guard case .welcome(let welcome) = try message(on: connection).message else {
            throw failure("no welcome")
        }
        return welcome
    }

    package func request(on connection: String = "1") throws -> CheckpointRequest {
        let answer = try message(on: connection).message
        guard case .checkpointRequest(let request) = answer else {
            throw failure("a request was expected, not \(answer)")
        }
        return request
    }

    package func began(on connection: String = "1") throws -> SupervisorMessage.Began {
        let answer = try message(on: connection).message
        guard case .began(let began) = answer else {
            throw failure("began was expected, not \(answer)")
        }
        return began
    }

    package func committed(on connection: String = "1") throws -> SupervisorMessage.Committed {
        let answer = try message(on: connection).message
        guard case .committed(let committed) = answer else {
            throw failure("committed was expected, not \(answer)")
        }
        return committed
    }

    package func refusal(on connection: String = "1") throws -> ProtocolError {
        let answer = try message(on: connection).message
        guard case .error(let error) = answer else {
            throw failure("an error was expected, not \(answer)")
        }
        return error
    }

    /// Begins a checkpoint and writes its files.
    package func begin(
        step: Int64?, request: Int? = nil, files: [String: String] = ["state": "s"]
    ) throws -> SupervisorMessage.Began {
        try send(.begin(.init(step: step, request: request)))
        let began = try began()
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            try say("write \(began.path)/\(name) \(text)")
            try line(starting: "written \(began.path)/\(name)")
        }
        return began
    }

    /// A whole checkpoint, from `begin` to `committed`.
    @discardableResult
    package func checkpoint(
        step: Int64?, request: Int? = nil, files: [String: String] = ["state": "s"]
    ) throws -> SupervisorMessage.Committed {
        let began = try begin(step: step, request: request, files: files)
        try send(.commit(.init(id: began.id, request: request)))
        return try committed()
    }
}
