import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Looks at the checkpoints of a run.
struct CheckpointReader {
    let run: FoundRun
    let surroundings: Surroundings

    /// A checkpoint in JSON.
    struct Listed: Codable, Equatable {
        var id: CheckpointID
        @Null var step: Int64?
        var created: Timestamp
        /// As the job saved it.
        var bytes: Int64
        /// What it takes of the disk.
        var diskBytes: Int64
        /// The same, where it is compressed.
        @Null var compressedBytes: Int64?
        var metrics: [String: Double]
        var path: String
        /// null where it cannot be told.
        @Null var pinned: Bool?

        enum CodingKeys: String, CodingKey {
            case id, step, created, bytes, metrics, path, pinned
            case diskBytes = "disk_bytes"
            case compressedBytes = "compressed_bytes"
        }

        init(_ summary: CheckpointSummary, isPinned: Bool?) {
            id = summary.id
            step = summary.id.step
            created = summary.created
            bytes = summary.bytes
            diskBytes = summary.sizeOnDisk
            compressedBytes = summary.compressedBytes
            metrics = summary.metrics
            path = summary.path
            pinned = isPinned
        }
    }

    /// What came of verifying one, also in JSON.
    struct Verified: Codable, Equatable {
        var id: CheckpointID
        var good: Bool
        /// Where it is bad: why.
        @Null var reason: String?
        /// Where it is good.
        @Null var bytes: Int64?

        init(_ id: CheckpointID, good: Bool, reason: String? = nil, bytes: Int64? = nil) {
            self.id = id
            self.good = good
            self.reason = reason
            self.bytes = bytes
        }
    }

    func scan() throws(Complaint) -> Scan {
        // Where the record cannot be read we do not know where the checkpoints are.
        _ = try run.knownRecord()
        do throws(StoreError) {
            return try run.store.checkpoints.scan()
        } catch {
            throw Complaint("run \(run.name): \(error)")
        }
    }

    /// The checkpoint that was named by its id or its number; without a name, the newest.
    func summary(_ text: String?) throws(Complaint) -> CheckpointSummary {
        let found = try scan()
        if let text {
            let id = try resolve(text, in: found)
            if let summary = found.checkpoints.first(where: { $0.id == id }) { return summary }
            let reason = found.damaged.first { $0.id == id }?.reason ?? "it is gone"
            throw Complaint("checkpoint \(id): \(reason)", status: Complaint.no)
        }
        guard let newest = found.checkpoints.last else {
            throw Complaint("run \(run.name) has no checkpoint", status: Complaint.no)
        }
        return newest
    }

    /// As ``summary(_:)``, and with its files in their places: those that are compressed are restored.
    func usable(_ text: String?) throws(Complaint) -> CheckpointSummary {
        let found = try summary(text)
        guard found.compressedBytes != nil else { return found }
        let result: VerifyResult
        do throws(StoreError) {
            let hold = try run.store.checkpoints.hold(found.id)
            defer { withExtendedLifetime(hold) {} }
            result = try run.store.checkpoints.verify(found.id, .init(depth: .size, restores: true))
        } catch {
            throw Complaint("checkpoint \(found.id): \(error)")
        }
        switch result {
        case .good(let summary, metadata: _): return summary
        case .bad(let reason):
            throw Complaint("checkpoint \(found.id): \(reason)", status: Complaint.no)
        }
    }

    func manifest(_ text: String?) throws(Complaint) -> Manifest {
        let id = try summary(text).id
        do {
            let path = "\(run.store.paths.checkpoint(id))/manifest.json"
            return try JSONText.decode(Manifest.self, from: try readSmallFile(path).utf8)
        } catch {
            throw Complaint("checkpoint \(id): manifest.json: \(error)")
        }
    }

    /// Reads every byte of one checkpoint or of all, the newest first.
    func verify(_ text: String?) throws(Complaint) -> [Verified] {
        let found = try scan()
        let all = (found.checkpoints.map(\.id) + found.damaged.map(\.id)).sorted().reversed()
        let ids = try text.map { (text) throws(Complaint) in [try resolve(text, in: found)] }
        var results: [Verified] = []
        for id in ids ?? Array(all) {
            if let result = try verify(id) { results.append(result) }
        }
        return results
    }

    /// - Returns: nil where it was removed in the meantime.
    private func verify(_ id: CheckpointID) throws(Complaint) -> Verified? {
        do throws(StoreError) {
            let hold = try run.store.checkpoints.hold(id)
            defer { withExtendedLifetime(hold) {} }
            switch try run.store.checkpoints.verify(id) {
            case .good(let summary, metadata: _):
                return Verified(id, good: true, bytes: summary.bytes)
            case .bad(let reason):
                return Verified(id, good: false, reason: reason)
            }
        } catch {
            if case .unknownCheckpoint = error { return nil }
            throw Complaint("checkpoint \(id): \(error)")
        }
    }

    func resolve(_ text: String, in found: Scan) throws(Complaint) -> CheckpointID {
        let ids = found.checkpoints.map(\.id) + found.damaged.map(\.id)
        let number = text.allSatisfy({ $0.isASCII && $0.isNumber }) ? Int64(text) : nil
        if let id = ids.first(where: { $0.description == text || $0.sequence == number }) {
            return id
        }
        let shown = HumanText.printable(text)
        throw Complaint(
            "run \(run.name) has no checkpoint \(shown) (supervise checkpoints \(run.name) list)",
            status: Complaint.no)
    }
}
