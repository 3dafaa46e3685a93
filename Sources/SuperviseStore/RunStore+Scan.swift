import SuperviseFormats
import SuperviseSystem
import Synchronization

/// What checkpoints there are, by their manifests.
package struct Scan: Equatable, Sendable {
    /// In order of sequence.
    package var checkpoints: [CheckpointSummary] = []
    /// The paths that `--watch` took them from, of those whose manifest was read: at least of the newest.
    package var sources: [CheckpointID: FilePath] = [:]
    /// Those whose manifest is missing or garbage, in order of sequence.
    package var damaged: [Damaged] = []
    /// The highest sequence number of anything that is or was a checkpoint; 0 where there is none.
    package var highestSequence: Int64 = 0
    /// The names of what is in `staging/`, `trash/` and `set-aside/`.
    package var staging: [String] = []
    package var trash: [String] = []
    package var setAside: [String] = []
    /// The index as it should be, where it is missing or of little use.
    var newIndex: IndexText?

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
        let claims = try scanCheckpoints(&scan)
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

    /// - Parameter makesIndex: whether or not it is needed.
    /// - Returns: the payloads that stay outside.
    @discardableResult
    func scanCheckpoints(
        _ scan: inout Scan, makesIndex: Bool = false
    ) throws(StoreError) -> [CheckpointID: FilePath] {
        var claims: [CheckpointID: FilePath] = [:]
        let found = try checkpointEntries()
        let isMany = found.count > limits.unindexed
        let index = isMany ? try readIndex() : nil
        let checkpoints = paths.checkpoints
        let lines = index?.lines ?? 0
        let isUseful = lines * 2 > found.count && lines <= 2 * found.count + limits.unindexed
        let isMade = makesIndex || (isMany && !isUseful)
        var made = IndexText()
        let fromDisk = found.count - limits.unindexed / 4
        scan.checkpoints.reserveCapacity(found.count)
        for (position, (id, inode)) in found.enumerated() {
            scan.highestSequence = max(scan.highestSequence, id.sequence)
            var summary =
                position < fromDisk
                ? index?.summary(of: id, inode: inode, in: checkpoints) : nil
            if summary == nil {
                switch try readManifest(id) {
                case .success(let manifest):
                    summary = self.summary(of: manifest)
                    summary?.compressedBytes = try compressedBytes(of: manifest)
                    scan.sources[id] = manifest.source
                case .failure where isHidden(paths.checkpoint(id)):
                    state.withLock { _ = $0.hidden.insert(id) }
                    continue
                case .failure(let damage):
                    scan.damaged.append(Scan.Damaged(id: id, reason: damage.reason))
                }
            }
            guard let summary else { continue }
            scan.checkpoints.append(summary)
            if summary.isOutside(of: checkpoints) { claims[id] = FilePath(summary.path) }
            if isMade { made.add(summary, inode: inode, in: paths) }
        }
        scan.newIndex = isMade ? made : nil
        state.withLock { state in
            state.live = found.count
            state.indexLines = isMade ? nil : lines
        }
        return claims
    }

    /// The path that a job gets of a checkpoint, by its manifest; nil where that cannot be read.
    package func payloadPath(of id: CheckpointID) -> String? {
        guard case .success(let manifest)? = try? readManifest(id) else { return nil }
        return summary(of: manifest).path
    }

    /// With their inodes, in order of sequence; names that are none of ours are left alone.
    func checkpointEntries() throws(StoreError) -> [(CheckpointID, UInt64)] {
        do throws(SystemError) {
            var found: [(CheckpointID, UInt64)] = []
            try files.visit(paths.checkpoints) { entry in
                guard entry.kind == .directory, let id = CheckpointID(entry.name) else { return }
                if id.sequence <= CheckpointID.mostSequence { found.append((id, entry.inode)) }
            }
            found.sort { $0.0 < $1.0 }
            return found
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
            return .failure(Damage(reason: "\(shown(single.text)) is not among its files"))
        }
        if let directory = manifest.directory,
            !directory.isBelow(CheckpointFile.data) || directory.components.contains("..")
                || !manifest.files.allSatisfy({ $0.path.isBelow(directory) })
        {
            return .failure(Damage(reason: "\(shown(directory.text)) does not hold its files"))
        }
        return .success(manifest)
    }
}
