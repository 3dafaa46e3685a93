import SuperviseFormats
import SuperviseSystem
import Synchronization

/// What checkpoints there are, by their manifests.
package struct Scan: Equatable, Sendable {
    /// In order of sequence.
    package var checkpoints: [CheckpointSummary] = []
    /// Those whose manifest is missing or garbage, in order of sequence.
    package var damaged: [Damaged] = []
    /// The highest sequence number of anything that is or was a checkpoint; 0 where there is none.
    package var highestSequence: Int64 = 0
    /// The names of what is in `staging/`, `trash/` and `set-aside/`.
    package var staging: [String] = []
    package var trash: [String] = []
    package var setAside: [String] = []

    package init() {}

    package struct Damaged: Equatable, Sendable {
        package var id: CheckpointID
        /// Such as `manifest.json is missing`.
        package var reason: String
    }
}

extension RunStore {
    /// Looks through the checkpoints without opening their payload. Writes nothing.
    ///
    /// - Throws: `missing` where there is no directory of checkpoints, `unreadable`, `newerFormat`.
    package func scan() throws(StoreError) -> Scan {
        var scan = Scan()
        var claims: [CheckpointID: String] = [:]
        for id in try checkpointIDs() {
            scan.highestSequence = max(scan.highestSequence, id.sequence)
            switch try readManifest(id) {
            case .success(let manifest):
                var found = summary(of: manifest)
                found.compressedBytes = try compressedBytes(of: manifest)
                scan.checkpoints.append(found)
                if let outside = manifest.outside { claims[id] = outside.path }
            case .failure(let damage):
                scan.damaged.append(Scan.Damaged(id: id, reason: damage.reason))
            }
        }
        do throws(SystemError) {
            scan.staging = try entries(paths.staging).map(\.name)
            scan.trash = try entries(paths.trash).map(\.name)
            scan.setAside = try entries(paths.setAside).map(\.name)
        } catch {
            throw StoreError(reading: error)
        }
        state.withLock { [claims] in $0.claims = $0.claims ?? claims }
        for name in scan.staging + scan.setAside {
            // A second one of a name has a number after a point.
            let id = CheckpointID(String(name.prefix { $0 != "." }))
            guard let id, id.sequence <= CheckpointID.mostSequence else { continue }
            scan.highestSequence = max(scan.highestSequence, id.sequence)
        }
        return scan
    }

    /// In order of sequence; names that are none of ours are left alone.
    private func checkpointIDs() throws(StoreError) -> [CheckpointID] {
        do throws(SystemError) {
            return try files.list(paths.checkpoints).filter { $0.kind == .directory }
                .compactMap { CheckpointID($0.name) }
                .filter { $0.sequence <= CheckpointID.mostSequence }.sorted()
        } catch {
            if error.isNoDirectory { throw .noDirectory(paths.checkpoints) }
            throw error.isMissing ? .missing(paths.checkpoints) : StoreError(reading: error)
        }
    }

    /// What is wrong with a checkpoint, without saying which.
    struct Damage: Error {
        var reason: String
    }

    /// - Throws: `unreadable`, `newerFormat`; where it is bad, that is the result.
    func readManifest(_ id: CheckpointID) throws(StoreError) -> Result<Manifest, Damage> {
        let path = "\(paths.checkpoint(id))/\(CheckpointFile.manifest)"
        do throws(StoreError) {
            guard let bytes = try document(path) else {
                return .failure(Damage(reason: "\(CheckpointFile.manifest) is missing"))
            }
            return check(try decode(Manifest.self, from: bytes, in: path), id)
        } catch {
            // What says that it is newer may be one of ours with a rotten digit.
            if case .newerFormat = error, try isDisowned(id) {
                return .failure(Damage(reason: "\(CheckpointFile.manifest): SHA-256 differs"))
            }
            guard case .garbage(_, let reason) = error else { throw error }
            return .failure(Damage(reason: "\(CheckpointFile.manifest): \(reason)"))
        }
    }

    func check(_ manifest: Manifest, _ id: CheckpointID) -> Result<Manifest, Damage> {
        guard manifest.id == id else {
            return .failure(Damage(reason: "its manifest is that of \(manifest.id)"))
        }
        if let fault = manifest.fault { return .failure(Damage(reason: fault)) }
        if let single = manifest.single, !manifest.files.contains(where: { $0.path == single }) {
            return .failure(Damage(reason: "\(shown(single)) is not among its files"))
        }
        return .success(manifest)
    }
}
