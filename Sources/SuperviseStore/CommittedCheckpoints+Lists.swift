import SuperviseFormats
import SuperviseSystem

/// What checkpoints there are, by their manifests.
package struct Scan: Equatable, Sendable {
    /// In order of sequence.
    package var checkpoints: [CheckpointSummary] = []
    /// The paths that `--watch` took them from, of those whose manifest was read: at least of the newest.
    package var sources: [CheckpointID: FilePath] = [:]
    /// Those whose manifest is missing or garbage, in order of sequence.
    package var damaged: [DamagedCheckpoint] = []
    /// The highest sequence number of anything that is or was a checkpoint; 0 where there is none.
    package var highestSequence: Int64 = 0
    /// The names of what is in `staging/`, `trash/` and `set-aside/`.
    package var staging: [String] = []
    package var trash: [String] = []
    package var setAside: [String] = []
    /// The index as it should be, where it is missing or of little use.
    var newIndex: IndexText?

    package init() {}
}

/// Reads the manifest of a checkpoint, and its checksums: each vouches for the other.
extension CommittedCheckpoints {
    /// The path that a job gets of a checkpoint, by its manifest; nil where that cannot be read.
    package func payloadPath(of id: CheckpointID) -> String? {
        guard case .success(let manifest)? = try? readManifest(id) else { return nil }
        return summary(of: manifest).path
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

    /// A manifest, and the digests of its files.
    struct Listed: Sendable {
        var manifest: Manifest
        /// 64 hexadecimal digits, by the payload file's path.
        var digests: [FilePath: String]

        func digest(of path: FilePath) -> String { digests[path] ?? "" }
    }

    func readLists(_ id: CheckpointID) throws(StoreError) -> Result<Listed, Damage> {
        let base = paths.checkpoint(id)
        let manifestPath = "\(base)/\(CheckpointFile.manifest)"
        guard let bytes = try document(manifestPath) else {
            return .failure(Damage(reason: "\(CheckpointFile.manifest) is missing"))
        }
        guard let sums = try document("\(base)/\(CheckpointFile.checksums)") else {
            return .failure(Damage(reason: "\(CheckpointFile.checksums) is missing"))
        }
        guard let entries = Checksums.parse(sums) else {
            return .failure(Damage(reason: "\(CheckpointFile.checksums) is damaged"))
        }
        let manifestName = FilePath(CheckpointFile.manifest)
        // Before the manifest is believed, also where it says that it is newer than we are.
        guard Checksums.digestOfManifest(entries) == Digest.of(bytes).hex else {
            return .failure(Damage(reason: "\(CheckpointFile.manifest): SHA-256 differs"))
        }
        let decoded = try decode(Manifest.self, from: bytes, in: manifestPath)
        let manifest: Manifest
        switch check(decoded, id) {
        case .success(let found): manifest = found
        case .failure(let damage): return .failure(damage)
        }
        let payload = entries.filter { $0.path != manifestName }
        guard payload.map(\.path).sorted() == manifest.files.map(\.path).sorted() else {
            return .failure(
                Damage(reason: "\(CheckpointFile.checksums) does not list the manifest's files"))
        }
        let digests = Dictionary(
            payload.map { ($0.path, $0.digest) },
            uniquingKeysWith: { first, _ in first })
        return .success(Listed(manifest: manifest, digests: digests))
    }

    /// Whether the checksums are in order and say that the manifest is not the one that was written.
    func isDisowned(_ id: CheckpointID) throws(StoreError) -> Bool {
        let base = paths.checkpoint(id)
        guard let bytes = try document("\(base)/\(CheckpointFile.manifest)"),
            let sums = try document("\(base)/\(CheckpointFile.checksums)"),
            let entries = Checksums.parse(sums),
            let digest = Checksums.digestOfManifest(entries)
        else { return false }
        return digest != Digest.of(bytes).hex
    }

    func relative(_ path: String, _ id: CheckpointID) -> String {
        let base = FilePath(paths.checkpoint(id))
        return shown(FilePath(path).below(base)?.text ?? path)
    }

    func summary(of manifest: Manifest) -> CheckpointSummary {
        CheckpointSummary(
            id: manifest.id, created: manifest.created, bytes: manifest.bytes,
            metrics: manifest.metrics,
            path: manifest.payloadPath(in: paths.checkpoint(manifest.id)),
            origin: manifest.parent.map { .checkpoint($0.sequence) } ?? .beginning)
    }

    /// Whether a checkpoint's directory is on its way out, by the checksums in its manifest's place.
    func isHidden(_ directory: String) -> Bool {
        guard (try? files.status("\(directory)/\(CheckpointFile.checksums)")) == nil,
            let bytes = try? files.readFile(
                "\(directory)/\(CheckpointFile.manifest)", limit: limits.document),
            let entries = Checksums.parse(bytes)
        else { return false }
        return Checksums.digestOfManifest(entries) != nil
    }

}

extension Checksums {
    /// The entries of a list; nil if it is damaged.
    static func parse(_ bytes: [UInt8]) -> [Entry]? {
        String(validating: bytes, as: UTF8.self).flatMap { try? parse($0) }
    }

    static func digestOfManifest(_ entries: [Entry]) -> String? {
        entries.first { $0.path == FilePath(CheckpointFile.manifest) }?.digest
    }
}
