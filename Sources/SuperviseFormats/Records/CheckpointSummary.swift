/// What is known of a committed checkpoint without opening its files again.
///
/// Made small, as a run may have a hundred thousand: metrics are a list, and the path is put together
/// when it is asked for.
package struct CheckpointSummary: Equatable, Sendable {
    package var id: CheckpointID
    package var created: Timestamp
    /// The size of the payload, as the job saved it. Sums use ``sizeOnDisk``.
    package var bytes: Int64
    /// How much of the disk it takes, where it is compressed; nil where it is not.
    package var compressedBytes: Int64?
    /// The sequence number of its parent; 0 for the beginning, -1 where it is not known.
    private var parentSequence: Int64
    private var measured: [Metric]
    private var place: Place

    private struct Metric: Equatable {
        var name: String
        var value: Double
    }

    /// What a checkpoint continued from, by its manifest.
    package enum Origin: Equatable, Sendable {
        case unknown
        case beginning
        /// A checkpoint of this sequence number, which may be gone.
        case checkpoint(Int64)
    }

    private enum Place {
        case at(String)
        case below(checkpoints: String, payload: String)
    }

    package init(
        id: CheckpointID, created: Timestamp, bytes: Int64, metrics: [String: Double],
        path: String, compressedBytes: Int64? = nil, origin: Origin = .unknown
    ) {
        self.init(
            id: id, created: created, bytes: bytes, compressedBytes: compressedBytes,
            origin: origin, measured: [], place: .at(path))
        self.metrics = metrics
    }

    /// - Parameters:
    ///   - checkpoints: the directory that the checkpoint's own is in.
    ///   - payload: the path below the checkpoint's directory, or an absolute one.
    ///   - metrics: in any order, each name once.
    package init(
        id: CheckpointID, created: Timestamp, bytes: Int64, metrics: [(String, Double)],
        checkpoints: String, payload: String, compressedBytes: Int64?, origin: Origin
    ) {
        self.init(
            id: id, created: created, bytes: bytes, compressedBytes: compressedBytes,
            origin: origin, measured: Self.inOrder(metrics),
            place: payload.utf8.first == UInt8(ascii: "/")
                ? .at(payload) : .below(checkpoints: checkpoints, payload: payload))
    }

    private init(
        id: CheckpointID, created: Timestamp, bytes: Int64, compressedBytes: Int64?,
        origin: Origin, measured: [Metric], place: Place
    ) {
        self.id = id
        self.created = created
        self.bytes = bytes
        self.compressedBytes = compressedBytes
        self.measured = measured
        self.place = place
        parentSequence = Self.number(origin)
    }

    package var origin: Origin {
        get {
            switch parentSequence {
            case 0: .beginning
            case 1...: .checkpoint(parentSequence)
            default: .unknown
            }
        }
        set { parentSequence = Self.number(newValue) }
    }

    private static func number(_ origin: Origin) -> Int64 {
        switch origin {
        case .unknown: -1
        case .beginning: 0
        case .checkpoint(let sequence): sequence
        }
    }

    package var metrics: [String: Double] {
        get { .init(measured.map { ($0.name, $0.value) }) { $1 } }
        set { measured = Self.inOrder(newValue.map { ($0.key, $0.value) }) }
    }

    private static func inOrder(_ metrics: [(String, Double)]) -> [Metric] {
        var measured = metrics.map { Metric(name: $0, value: $1) }
        if measured.count > 1 { measured.sort { $0.name < $1.name } }
        return measured
    }

    /// In order of the names.
    package var sortedMetrics: [(name: String, value: Double)] {
        measured.map { ($0.name, $0.value) }
    }

    package func metric(_ name: String) -> Double? {
        measured.first { $0.name == name }?.value
    }

    /// What a job is given: the payload's directory, or the file where it is a single adopted one.
    package var path: String {
        switch place {
        case .at(let path): path
        case .below(let checkpoints, let payload): "\(checkpoints)/\(id)/\(payload)"
        }
    }

    /// - Parameter checkpoints: the directory that the run's checkpoints are in.
    package func isOutside(of checkpoints: String) -> Bool {
        switch place {
        case .at(let path): !FilePath(path).isBelow(FilePath(checkpoints))
        case .below(let parent, _): FilePath(parent) != FilePath(checkpoints)
        }
    }

    package static func == (left: CheckpointSummary, right: CheckpointSummary) -> Bool {
        left.id == right.id && left.created == right.created && left.bytes == right.bytes
            && left.compressedBytes == right.compressedBytes && left.measured == right.measured
            && left.parentSequence == right.parentSequence
            && FilePath(left.path) == FilePath(right.path)
    }
}

/// How much of the disk checkpoints take: the one rule for every sum that is shown or decided by.
extension CheckpointSummary {
    /// In bytes: of the compressed copy, if there is one, else of the payload.
    package var sizeOnDisk: Int64 { compressedBytes ?? bytes }
}

extension Sequence<CheckpointSummary> {
    /// The sum of all sizes on the disk, in bytes.
    package var sizeOnDisk: Int64 { reduce(0) { $0 + $1.sizeOnDisk } }

    /// The sum of the payloads as the job saved them, in bytes.
    package var sizeAsSaved: Int64 { reduce(0) { $0 + $1.bytes } }
}

extension Status {
    /// Takes over what is on the disk, in order of sequence.
    package mutating func setCheckpoints(_ found: [CheckpointSummary]) {
        checkpoints = found.count
        checkpointBytes = found.sizeOnDisk
        toBeRemoved = 0
        checkpoint = found.last.map {
            .init(id: $0.id, path: $0.path, committed: $0.created, bytes: $0.bytes)
        }
    }
}

/// A summary of an archived run, for the decision which parts of it stay.
package struct ArchiveSummary: Equatable, Sendable {
    /// When it was archived, as in `20261121T050401Z`. Later ones compare as greater.
    package var time: String
    /// Which of its checkpoints are pinned; nil where that cannot be told, or the archive cannot be
    /// read: then nothing of it goes.
    package var pins: Set<CheckpointID>?
    /// In order of sequence; none for the newest archive, of which nothing goes.
    package var checkpoints: [CheckpointSummary]
    /// Those whose manifest is missing or garbage.
    package var damaged: [CheckpointID]
    /// How many failures in a row there were from a checkpoint, by id.
    package var suspects: [String: Int]

    package init(
        time: String, pins: Set<CheckpointID>? = [], checkpoints: [CheckpointSummary] = [],
        damaged: [CheckpointID] = [], suspects: [String: Int] = [:]
    ) {
        self.time = time
        self.pins = pins
        self.checkpoints = checkpoints
        self.damaged = damaged
        self.suspects = suspects
    }

    /// It holds pins, or may hold some.
    package var isPinned: Bool { pins?.isEmpty != true }
}

/// A checkpoint that is there and cannot be used.
package struct DamagedCheckpoint: Equatable, Sendable {
    package var id: CheckpointID
    /// Such as `manifest.json is missing`.
    package var reason: String

    package init(id: CheckpointID, reason: String) {
        self.id = id
        self.reason = reason
    }
}
