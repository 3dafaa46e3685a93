import SuperviseFormats
import SuperviseSystem

/// What came of comparing a checkpoint with its checksums.
package enum Verification: Equatable, Sendable {
    case good(CheckpointSummary, metadata: [String: JSONValue])
    /// Such as `data/model.bin: SHA-256 differs`.
    case bad(reason: String)
}

extension RunStore {
    /// Compares every file of a checkpoint with `SHA256SUMS` and the manifest. Writes nothing.
    ///
    /// - Parameters:
    ///   - trusting: files count as verified that this process has hashed and that are unchanged.
    ///   - isCancelled: asked after each MiB.
    ///   - progress: gets the number of bytes that were read since the last time.
    /// - Throws: where nothing can be said: `unreadable` (EIO, EACCES, …), `missing`, `newerFormat`,
    ///   `cancelled`.
    package func verify(
        _ id: CheckpointID, trusting: Bool = false, isCancelled: () -> Bool = { false },
        progress: (Int) -> Void = { _ in }
    ) throws(StoreError) -> Verification {
        try checkThatItIsThere(id)
        let goOn = { (count: Int) -> Bool in
            progress(count)
            return !isCancelled()
        }
        do throws(StoreError) {
            switch try compare(id, trusting: trusting, goOn: goOn) {
            case .success(let manifest):
                return .good(summary(of: manifest), metadata: manifest.metadata)
            case .failure(let damage):
                return .bad(reason: damage.reason)
            }
        } catch {
            switch error {
            case .garbage(let path, let reason):
                return .bad(reason: "\(relative(path, id)): \(reason)")
            case .badPath(let path, let reason):
                return .bad(reason: "\(relative(path, id)) \(reason)")
            case .unreadable(let system) where system.isMissing:
                // What has gone from a directory that is there is missing from it.
                try checkThatItIsThere(id)
                return .bad(reason: "\(relative(system.subject, id)) is missing")
            case .unreadable(let system) where system.isNoDirectory:
                // Something else was put where one of its directories had been.
                try checkThatItIsThere(id)
                return .bad(reason: "\(relative(system.subject, id)) is no directory")
            default: throw error
            }
        }
    }

    private func checkThatItIsThere(_ id: CheckpointID) throws(StoreError) {
        for directory in [paths.checkpoints, paths.checkpoint(id)] {
            guard try exists(directory) else { throw .missing(directory) }
        }
    }

    private func compare(
        _ id: CheckpointID, trusting: Bool, goOn: (Int) -> Bool
    ) throws(StoreError) -> Result<Manifest, Damage> {
        let listed: Listed
        switch try readLists(id) {
        case .success(let lists): listed = lists
        case .failure(let damage): return .failure(damage)
        }
        let payload = try Payload.read(files, base: paths.checkpoint(id))
        if let damage = compare(payload, with: listed.manifest) { return .failure(damage) }
        var hashed: [HashedPayloadFile] = []
        for (file, entry) in zip(payload.files, listed.entries) {
            var digest = trusting ? verified.digest(of: file.path, file.status, in: id) : nil
            if digest == nil { digest = try hash(file, id, goOn) }
            guard let digest, digest.hex == entry.digest else {
                return .failure(Damage(reason: "\(shown(file.path)): SHA-256 differs"))
            }
            hashed.append(
                HashedPayloadFile(path: file.path, status: file.status, digest: digest))
        }
        verified.add(hashed, of: id)
        return .success(listed.manifest)
    }

    /// - Returns: nil where somebody writes to the file.
    private func hash(
        _ file: Payload.File, _ id: CheckpointID, _ goOn: (Int) -> Bool
    ) throws(StoreError) -> Digest? {
        let found = try reading { () throws(SystemError) in
            try files.hashFile(
                "\(paths.checkpoint(id))/\(file.path)", startsWriting: false, goOn: goOn)
        }
        return file.status.isUnchanged(found.after) ? found.digest : nil
    }

    /// Names, sizes and links, before anything is read.
    private func compare(_ payload: Payload, with manifest: Manifest) -> Damage? {
        let expected = Dictionary(
            manifest.files.map { (Array($0.path.utf8), $0.bytes) },
            uniquingKeysWith: { first, _ in first })
        for file in payload.files {
            guard let bytes = expected[Array(file.path.utf8)] else {
                return Damage(reason: "\(shown(file.path)) does not belong to it")
            }
            guard bytes == file.status.size else {
                return Damage(
                    reason: "\(shown(file.path)): \(file.status.size) bytes instead of \(bytes)")
            }
        }
        let found = Set(payload.files.map { Array($0.path.utf8) })
        for file in manifest.files where !found.contains(Array(file.path.utf8)) {
            return Damage(reason: "\(shown(file.path)) is missing")
        }
        let areLinksTheSame = payload.links.elementsEqual(manifest.links) {
            isSame($0.path, $1.path) && isSame($0.target, $1.target)
        }
        return areLinksTheSame ? nil : Damage(reason: "its symbolic links have changed")
    }
}

/// The two lists of a checkpoint's files, which vouch for each other.
extension RunStore {
    private struct Listed {
        var manifest: Manifest
        /// Of the payload, in order of the paths' bytes.
        var entries: [Checksums.Entry]
    }

    private func readLists(_ id: CheckpointID) throws(StoreError) -> Result<Listed, Damage> {
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
        // Before the manifest is believed, also where it says that it is newer than we are.
        let own = entries.first { $0.path == CheckpointFile.manifest }
        guard own?.digest == Digest.of(bytes).hex else {
            return .failure(Damage(reason: "\(CheckpointFile.manifest): SHA-256 differs"))
        }
        let decoded = try decode(Manifest.self, from: bytes, in: manifestPath)
        let manifest: Manifest
        switch check(decoded, id) {
        case .success(let found): manifest = found
        case .failure(let damage): return .failure(damage)
        }
        let payload = entries.filter { $0.path != CheckpointFile.manifest }
            .sorted { precedes($0.path, $1.path) }
        let names = manifest.files.map(\.path).sorted(by: precedes)
        guard payload.count == names.count, zip(payload, names).allSatisfy({ isSame($0.path, $1) })
        else {
            return .failure(
                Damage(reason: "\(CheckpointFile.checksums) does not list the manifest's files"))
        }
        return .success(Listed(manifest: manifest, entries: payload))
    }

    private func relative(_ path: String, _ id: CheckpointID) -> String {
        let base = "\(paths.checkpoint(id))/"
        return shown(path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path)
    }
}
