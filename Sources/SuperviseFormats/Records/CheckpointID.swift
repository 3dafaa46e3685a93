/// The name of a checkpoint: its sequence number, and its step where the job gave one.
///
/// Written `000013-step-4520` or `000013`; also the name of its directory.
package struct CheckpointID: Hashable, Sendable {
    /// Given when it was begun, never used again in the run; what "newest" goes by.
    package let sequence: Int64
    package let step: Int64?

    package init(sequence: Int64, step: Int64?) {
        self.sequence = sequence
        self.step = step
    }
}

extension CheckpointID: Comparable {
    package static func < (left: CheckpointID, right: CheckpointID) -> Bool {
        left.sequence < right.sequence
    }
}

extension CheckpointID: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        let number = padded(sequence, 6)
        guard let step else { return number }
        return "\(number)-step-\(step)"
    }

    /// There is always a next one, whatever a directory is called.
    private static let sequences: Range<Int64> = 1..<1_000_000_000_000_000

    /// Nobody counts so far. What has a higher number was put there by hand, and must not be what the
    /// next number is made from: there would be none.
    package static let mostSequence: Int64 = 100_000_000_000_000

    /// Only what ``description`` writes, so that a directory has one name.
    package init?(_ text: String) {
        let digits = text.prefix { $0 != "-" }
        guard let sequence = Int64(digits), Self.sequences.contains(sequence) else { return nil }
        let rest = text.dropFirst(digits.count)
        guard rest.isEmpty || rest.hasPrefix("-step-") else { return nil }
        self.init(sequence: sequence, step: rest.isEmpty ? nil : Int64(rest.dropFirst(6)))
        guard description == text else { return nil }
    }
}

extension CheckpointID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = CheckpointID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text) is no checkpoint's id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
