import SuperviseFormats
import SuperviseSystem

/// `checkpoints.index`: what the manifests of many checkpoints say, for a scan that need not open
/// each of them.
///
/// It is derived, and believed only where it fits: a line has a checksum of its own, and the name and
/// the inode of the directory that it tells of. Of what has no such line the manifest is read. A line
/// is
///
///     CHECKSUM ID INODE CREATED BYTES COMPRESSED PARENT PAYLOAD [METRIC VALUE]…
///
/// with a comma after the checksum and tabs between the others: checksum (FNV-1a of what follows the
/// comma), inode, and the bits of values in hexadecimal, the time in milliseconds, `COMPRESSED` -1
/// where it is not, `PARENT` a sequence number or 0 for the beginning, and `PAYLOAD` absolute where it
/// is outside the checkpoint's directory. Of two lines of one id the later holds.
///
/// A line of an earlier version has a tab after its checksum and no parent. It is no line here, so
/// an index of such lines is of no use and is written anew.
struct CheckpointIndex {
    private let bytes: [UInt8]
    /// Where the line of a sequence number begins, in order of the numbers; of one number the last.
    private var starts: [(sequence: Int64, start: Int)] = []

    /// How many lines there are, good or not.
    var lines: Int { starts.count }

    private static let newline = UInt8(ascii: "\n")
    private static let tab = UInt8(ascii: "\t")
    private static let comma = UInt8(ascii: ",")
    private static let checksumLength = 16

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // A line is hardly shorter than this.
        starts.reserveCapacity(bytes.count / 64)
        var isInOrder = true
        bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            while start < bytes.count {
                // CHECKSUM, comma, and the digits that an id begins with.
                var sequence: Int64 = 0
                var place = start + Self.checksumLength + 1
                while place < bytes.count, let digit = Self.digit(bytes[place]), sequence < 1 << 50
                {
                    sequence = sequence * 10 + digit
                    place += 1
                }
                let mark = start + Self.checksumLength
                if mark < bytes.count, bytes[mark] == Self.comma {
                    isInOrder = isInOrder && starts.last.map { $0.sequence <= sequence } ?? true
                    starts.append((sequence, start))
                }
                while place < bytes.count, bytes[place] != Self.newline { place += 1 }
                start = place + 1
            }
        }
        // As they are written but for a few.
        if !isInOrder { starts.sort { ($0.sequence, $0.start) < ($1.sequence, $1.start) } }
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            ? Int64(byte - UInt8(ascii: "0")) : nil
    }

    private func start(of sequence: Int64) -> Int? {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
        }
        guard low > 0, starts[low - 1].sequence == sequence else { return nil }
        return starts[low - 1].start
    }

    /// nil where it is not told here, or does not fit what is there.
    ///
    /// - Parameter checkpoints: the directory that it is in.
    func summary(
        of id: CheckpointID, inode: UInt64, in checkpoints: String
    ) -> CheckpointSummary? {
        guard let start = start(of: id.sequence) else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            guard let end = bytes[start...].firstIndex(of: Self.newline) else { return nil }
            let told = min(end, start + Self.checksumLength + 1)
            var head = FieldReader(bytes[start..<min(end, start + Self.checksumLength)])
            var reader = FieldReader(bytes[told..<end])
            guard head.hexadecimal() == Self.checksum(bytes[told..<end]),
                reader.id() == id, reader.hexadecimal() == inode,
                let created = reader.integer(), let size = reader.integer(),
                let compressed = reader.integer(), let parent = reader.integer(),
                let payload = reader.text()
            else { return nil }
            var metrics: [(String, Double)] = []
            while let name = reader.text(), let value = reader.hexadecimal() {
                metrics.append((name, Double(bitPattern: value)))
            }
            return CheckpointSummary(
                id: id, created: Timestamp(milliseconds: created), bytes: size, metrics: metrics,
                checkpoints: checkpoints, payload: payload,
                compressedBytes: compressed < 0 ? nil : compressed,
                origin: parent == 0 ? .beginning : .checkpoint(parent))
        }
    }

    /// - Parameter payload: the path that a job gets, below the checkpoint's directory where it is
    ///   there.
    /// - Returns: nil for what cannot be told in a line: then the manifest is read.
    static func line(
        _ summary: CheckpointSummary, inode: UInt64, payload: String
    ) -> [UInt8]? {
        let parent: Int64
        switch summary.origin {
        case .unknown: return nil
        case .beginning: parent = 0
        case .checkpoint(let sequence): parent = sequence
        }
        var fields = [
            summary.id.description, String(inode, radix: 16),
            String(summary.created.milliseconds), String(summary.bytes),
            String(summary.compressedBytes ?? -1), String(parent), payload,
        ]
        for (name, value) in summary.metrics {
            fields += [name, String(value.bitPattern, radix: 16)]
        }
        guard fields.allSatisfy({ !$0.utf8.contains(tab) && !$0.utf8.contains(newline) }) else {
            return nil
        }
        let told = Array(fields.joined(separator: "\t").utf8)
        let digits = String(told.withUnsafeBufferPointer { checksum($0[...]) }, radix: 16)
        let zeros = String(repeating: "0", count: checksumLength - digits.count)
        return Array("\(zeros)\(digits),".utf8) + told + [newline]
    }

    /// FNV-1a, 64 bits (RFC 9923).
    private static func checksum(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}

/// Reads a line field by field.
private struct FieldReader {
    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private let bytes: Slice<UnsafeBufferPointer<UInt8>>
    private var place: Int
    private var isDone = false

    init(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// nil where there are no more.
    private mutating func next() -> Bytes? {
        if isDone { return nil }
        let end = bytes[place...].firstIndex(of: UInt8(ascii: "\t")) ?? bytes.endIndex
        let field = bytes[place..<end]
        isDone = end == bytes.endIndex
        place = end + 1
        return field
    }

    mutating func id() -> CheckpointID? {
        next().flatMap { CheckpointID(utf8: $0) }
    }

    /// A scan reads hundreds of thousands, and to find out that one is UTF-8 takes longest where all of
    /// it is ASCII, as nearly all are.
    mutating func text() -> String? {
        next().flatMap { field in
            field.allSatisfy { $0 < 0x80 }
                ? String(decoding: UnsafeBufferPointer(rebasing: field), as: UTF8.self)
                : String(validating: field, as: UTF8.self)
        }
    }

    mutating func integer() -> Int64? {
        guard var digits = next(), let first = digits.first else { return nil }
        let isNegative = first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard let value = number(digits, radix: 10), value <= UInt64(Int64.max) else { return nil }
        return isNegative ? -Int64(value) : Int64(value)
    }

    mutating func hexadecimal() -> UInt64? {
        next().flatMap { number($0, radix: 16) }
    }

    private func number(_ digits: Bytes, radix: UInt64) -> UInt64? {
        var value: UInt64 = 0
        for byte in digits {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            guard digit < radix else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            if overflow { return nil }
            value = product &+ UInt64(digit)
        }
        return digits.isEmpty ? nil : value
    }
}
