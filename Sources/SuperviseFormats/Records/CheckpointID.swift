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
        var text = text
        guard let id = text.withUTF8({ CheckpointID(utf8: $0[...]) }) else { return nil }
        self = id
    }

    /// The same of its bytes.
    package init?(utf8 bytes: Slice<UnsafeBufferPointer<UInt8>>) {
        guard let id = Self.read(bytes) else { return nil }
        self = id
    }

    private static func read(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> CheckpointID? {
        let digits = text.prefix { $0 != UInt8(ascii: "-") }
        let isPadded = digits.count <= 6
        guard let sequence = number(isPadded ? digits.drop { $0 == UInt8(ascii: "0") } : digits),
            digits.count >= 6, sequences.contains(sequence)
        else { return nil }
        let rest = text.dropFirst(digits.count)
        if rest.isEmpty { return CheckpointID(sequence: sequence, step: nil) }
        guard rest.starts(with: "-step-".utf8) else { return nil }
        var magnitude = rest.dropFirst(6)
        let isNegative = magnitude.first == UInt8(ascii: "-")
        if isNegative { magnitude = magnitude.dropFirst() }
        let isZero = magnitude.elementsEqual("0".utf8)
        guard let step = isZero && !isNegative ? 0 : number(magnitude, isNegative: isNegative)
        else { return nil }
        return CheckpointID(sequence: sequence, step: step)
    }

    /// Without zeros in front, and so never 0.
    private static func number(
        _ digits: Slice<UnsafeBufferPointer<UInt8>>, isNegative: Bool = false
    ) -> Int64? {
        guard let first = digits.first, first != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooMuch) =
                isNegative
                ? product.subtractingReportingOverflow(digit)
                : product.addingReportingOverflow(digit)
            if isTooLarge || isTooMuch { return nil }
            value = sum
        }
        return value
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
