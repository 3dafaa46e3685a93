import SuperviseCore
import SuperviseFormats

/// What is on the simulated disk, and what still waits to be written to it.
struct Disk {
    struct Payload {
        var summary: CheckpointSummary
        /// The watched path that it was taken from.
        var source: FilePath?
        /// Its bytes have changed since they were committed.
        var isRotten = false
        /// No size and no time of a file shows it.
        var isRotSilent = false
        var isCompressed = false
        /// The supervisor that has read all of it.
        var hashedBy = 0
        /// Its manifest is garbage: found as damaged by the next supervisor.
        var hasNoManifest = false
        /// Reading it gives an I/O error until then.
        var unreadableUntil: Int64 = 0
        /// What becomes of an attempt that goes on from it.
        var poison: Poison?
    }

    enum Poison {
        /// The job crashes before it has done anything.
        case job
        /// The machine goes down with it.
        case machine
    }

    struct PendingRecord {
        let record: RunRecord
        let confirm: Bool
        /// What the naive model knew when it was written, to go on from if the record is read.
        let counts: FailureWitness.Counts
    }

    struct PendingCommit {
        let order: CommitOrder
        /// Of what is added; nil where it was staged.
        var source: FilePath?
        /// Of a watched file.
        var rule: RepeatRule?
    }

    var record: RunRecord?
    var counts = FailureWitness.Counts()
    var records: [PendingRecord] = []
    var isWritingRecord = false
    /// Records that nobody waits for are not written.
    var holdsRecords = false
    /// The record on the disk is one whose writing failed after it had got its name.
    var isVisible = false
    /// The last record of the running supervisor could not be written.
    var recordFailed = false
    /// The highest number of an attempt that it was told to be reserved.
    var reserved = 0
    var outputTaken = 0

    var payloads: [CheckpointID: Payload] = [:]
    var setAside: [CheckpointID] = []
    /// The oldest first.
    var archives: [ArchiveSummary] = []
    var pins: Set<CheckpointID> = []
    /// The one that was verified last.
    var held: CheckpointID?
    /// Somebody reads them until then.
    var readUntil: [CheckpointID: Int64] = [:]
    /// Files of old output and old events.
    var oldLogs = 0
    var staging: Set<CheckpointID> = []
    var stagedFiles = 0
    var commits: [PendingCommit] = []
    /// Contents of watched files, with what holds them and where they were taken from.
    var taken: [Int: (id: CheckpointID, source: FilePath?)] = [:]
    var isCommitting = false

    /// Every checkpoint that was ever visible.
    var everCommitted: Set<CheckpointID> = []

    var visible: [CheckpointID] { payloads.keys.sorted() }

    /// As a scan at the start finds it; what was staged is then swept.
    mutating func scan(for record: RunRecord, mayHaveLeftovers: Bool) -> Supervisor.Found {
        let all = payloads.keys.map(\.sequence) + setAside.map(\.sequence)
        let highest = (all + staging.map(\.sequence)).max() ?? 0
        staging = []
        held = nil
        let damaged = payloads.filter(\.value.hasNoManifest).keys.sorted()
        return Supervisor.Found(
            record: record,
            checkpoints: payloads.values.filter { !$0.hasNoManifest }.map {
                var summary = $0.summary
                summary.compressedBytes = $0.isCompressed ? 5 : nil
                return summary
            },
            sources: payloads.filter { !$0.value.hasNoManifest }.compactMapValues(\.source),
            damaged: damaged.map { .init(id: $0, reason: "its manifest is garbage") },
            pins: pins, highestSequence: highest, mayHaveLeftovers: mayHaveLeftovers,
            socket: "/run/s")
    }

    mutating func makeVisible(
        _ order: CommitOrder, by generation: Int, poison: Poison?, at wall: Timestamp
    ) -> CheckpointSummary {
        let summary = CheckpointSummary(
            id: order.id, created: wall, bytes: 10,
            metrics: ["loss": Double(order.id.sequence * 7 % 5)], path: "/\(order.id)",
            origin: order.parent.map { .checkpoint($0.sequence) } ?? .beginning)
        payloads[order.id] = Payload(
            summary: summary, source: order.source, hashedBy: generation, poison: poison)
        staging.remove(order.id)
        everCommitted.insert(order.id)
        return summary
    }
}
