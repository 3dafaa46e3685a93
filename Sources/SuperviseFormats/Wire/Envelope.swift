/// A message with the number that pairs a request with its answer.
package struct Envelope<Message: Codable & Equatable & Sendable>: Equatable, Sendable {
    package var seq: Int64?
    package var message: Message

    package init(_ message: Message, seq: Int64? = nil) {
        self.seq = seq
        self.message = message
    }

    /// The line that says it, with its newline.
    ///
    /// - Throws: ``FormatError`` where a number in it is not finite.
    package func line() throws(FormatError) -> [UInt8] {
        try JSONText.encode(self) + [UInt8(ascii: "\n")]
    }
}

private enum EnvelopeKeys: String, CodingKey { case seq, type }

/// What is wrong with a line, and its `seq` where that could still be read.
package struct RefusedLine: Error, Equatable, Sendable {
    package var seq: Int64?
    package var error: ProtocolError
}

extension Envelope: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EnvelopeKeys.self)
        seq = try container.decodeIfPresent(Int64.self, forKey: .seq)
        message = try Message(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EnvelopeKeys.self)
        try container.encodeIfPresent(seq, forKey: .seq)
        try message.encode(to: encoder)
    }
}

extension Envelope where Message == JobMessage {
    /// Reads one line of a job or an operator, without its newline.
    ///
    /// - Throws: ``RefusedLine`` with `bad_message` or `unknown_type` and a sentence why.
    package static func read(_ line: some BidirectionalCollection<UInt8>) throws(RefusedLine)
        -> Envelope
    {
        guard !Nesting.isTooDeep(line) else {
            let message = "this line is nested more than \(Nesting.limit) levels deep"
            throw RefusedLine(seq: nil, error: ProtocolError(.badMessage, message))
        }
        guard String(validating: line, as: UTF8.self) != nil else {
            throw RefusedLine(error: ProtocolError(.badMessage, "this line is not UTF-8"))
        }
        let bytes = NonFinite.replaced(in: line)
        let refused: FormatError
        do {
            if let bytes { return try JSONText.decode(Envelope.self, from: bytes) }
            return try JSONText.decode(Envelope.self, from: line)
        } catch {
            refused = error
        }
        let head = try? JSONText.decode(Head.self, from: bytes ?? Array(line))
        guard let type = head?.type, JobMessage.TypeName(rawValue: type) == nil else {
            let message = "this line is no message: \(refused)"
            throw RefusedLine(seq: head?.seq, error: ProtocolError(.badMessage, message))
        }
        let message = "there is no message of type \"\(type)\" in protocol 1"
        throw RefusedLine(seq: head?.seq, error: ProtocolError(.unknownType, message))
    }
}

private struct Head: Decodable {
    var type: String?
    var seq: Int64?
}
