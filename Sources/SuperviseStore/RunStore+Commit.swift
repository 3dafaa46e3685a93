import SuperviseFormats
import SuperviseSystem
import Synchronization

/// How a checkpoint becomes one. All that it consists of is durable before the rename that makes it
/// visible: payload files, manifest, checksums, and every directory from the lowest up. The
/// directory that it is moved into is durable before anyone is told.
extension RunStore {
    /// Makes what is in staging a checkpoint. It is durable when this returns.
    ///
    /// Where this throws, staging is as it was, for the caller to drop, or to try again where
    /// ``StoreError/canTryAgain``. Only where the last fsync failed the checkpoint may be there,
    /// whole, and a later scan finds it.
    ///
    /// - Parameter isCancelled: asked at least once for each MiB.
    /// - Throws: `emptyCheckpoint`, `badPath`, `changed`, `cancelled`, `unreadable`, `unwritable`.
    package func commit(
        _ order: CommitOrder, isCancelled: () -> Bool = { false }
    ) throws(StoreError) -> CheckpointSummary {
        try commit(order, single: nil, isCancelled: isCancelled)
    }

    /// - Parameter single: the only payload file, where the job is to get its path.
    func commit(
        _ order: CommitOrder, single: String?, isCancelled: () -> Bool
    ) throws(StoreError) -> CheckpointSummary {
        let base = paths.staging(order.id)
        let payload = try Payload.read(files, base: base)
        guard !payload.files.isEmpty else { throw .emptyCheckpoint(order.id) }
        let hashed = try hashAndSync(payload, base: base, isCancelled: isCancelled)
        let manifest = Manifest(
            id: order.id, reason: order.reason, attempt: order.attempt, parent: order.parent,
            created: order.created, seconds: order.elapsed(),
            files: hashed.map { Manifest.File(path: $0.path, bytes: $0.status.size) },
            links: payload.links, metrics: order.metrics, metadata: order.metadata,
            ranks: order.ranks, single: single)
        try write(manifest, hashed, base: base)
        try writing { () throws(SystemError) in
            for directory in payload.directories.reversed() {
                try files.syncDirectory("\(base)/\(directory)")
            }
            try files.syncDirectory(base)
        }
        try checkUnchanged(payload, base: base)
        if isCancelled() { throw .cancelled }
        try writing { () throws(SystemError) in
            try files.rename(base, to: paths.checkpoint(order.id))
            try files.syncDirectory(paths.checkpoints)
        }
        verified.add(hashed, of: order.id)
        state.withLock { _ = $0.begun.remove(order.id) }
        return summary(of: manifest)
    }

    private func hashAndSync(
        _ payload: Payload, base: String, isCancelled: () -> Bool
    ) throws(StoreError) -> [HashedPayloadFile] {
        var hashed: [HashedPayloadFile] = []
        for file in payload.files {
            let path = "\(base)/\(file.path)"
            let found = try reading { () throws(SystemError) in
                try files.hashFile(path, startsWriting: true) { _ in !isCancelled() }
            }
            guard file.status.isUnchanged(found.before), file.status.isUnchanged(found.after),
                found.size == file.status.size
            else { throw .changed(path) }
            hashed.append(
                HashedPayloadFile(path: file.path, status: file.status, digest: found.digest))
        }
        // Now that all of it is on its way, the first of these waits, and the others hardly do.
        for file in payload.files {
            if isCancelled() { throw .cancelled }
            try writing { () throws(SystemError) in try files.syncFile("\(base)/\(file.path)") }
        }
        return hashed
    }

    private func write(
        _ manifest: Manifest, _ hashed: [HashedPayloadFile], base: String
    ) throws(StoreError) {
        let manifestPath = "\(base)/\(CheckpointFile.manifest)"
        let checksumsPath = "\(base)/\(CheckpointFile.checksums)"
        let bytes = try encode(manifest, for: manifestPath)
        var entries = [
            Checksums.Entry(digest: Digest.of(bytes).hex, path: CheckpointFile.manifest)
        ]
        entries += hashed.map { Checksums.Entry(digest: $0.digest.hex, path: $0.path) }
        try writing { () throws(SystemError) in
            try files.writeFile(manifestPath, bytes)
            try files.syncFile(manifestPath)
            try files.writeFile(checksumsPath, Array(Checksums.format(entries).utf8))
            try files.syncFile(checksumsPath)
        }
    }

    /// A job that goes on writing after `commit` has a bug; what it wrote was not hashed.
    private func checkUnchanged(_ payload: Payload, base: String) throws(StoreError) {
        let now = try Payload.read(files, base: base)
        let isSameList = payload.files.elementsEqual(now.files) { isSame($0.path, $1.path) }
        guard isSameList, payload.links == now.links else {
            throw .changed("\(base)/\(CheckpointFile.data)")
        }
        for (before, after) in zip(payload.files, now.files)
        where !before.status.isUnchanged(after.status) {
            throw .changed("\(base)/\(before.path)")
        }
    }

    func summary(of manifest: Manifest) -> CheckpointSummary {
        CheckpointSummary(
            id: manifest.id, created: manifest.created, bytes: manifest.bytes,
            metrics: manifest.metrics,
            path: "\(paths.checkpoint(manifest.id))/\(manifest.single ?? CheckpointFile.data)")
    }
}
