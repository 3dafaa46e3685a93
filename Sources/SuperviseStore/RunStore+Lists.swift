import SuperviseFormats
import SuperviseSystem

/// The two lists of a checkpoint's files, which vouch for each other.
extension RunStore {
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
        guard let text = String(validating: sums, as: UTF8.self),
            let entries = try? Checksums.parse(text)
        else { return .failure(Damage(reason: "\(CheckpointFile.checksums) is damaged")) }
        let manifestName = FilePath(CheckpointFile.manifest)
        // Before the manifest is believed, also where it says that it is newer than we are.
        let own = entries.first { $0.path == manifestName }
        guard own?.digest == Digest.of(bytes).hex else {
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
            let text = String(validating: sums, as: UTF8.self),
            let entries = try? Checksums.parse(text),
            let own = entries.first(where: { $0.path == FilePath(CheckpointFile.manifest) })
        else { return false }
        return own.digest != Digest.of(bytes).hex
    }

    func relative(_ path: String, _ id: CheckpointID) -> String {
        let base = FilePath(paths.checkpoint(id))
        return shown(FilePath(path).below(base)?.text ?? path)
    }
}
