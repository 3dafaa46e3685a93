import SuperviseFormats
import SuperviseSystem
import Synchronization

/// How a checkpoint becomes one. All that it consists of is durable before the rename that makes it
/// visible: payload files, manifest, checksums, and every directory from the lowest up. The
/// directory that it is moved into is durable before anyone is told.
extension Staging {
    /// Makes what is in staging a checkpoint. It is durable when this returns.
    ///
    /// Where this throws, staging is as it was, for the caller to drop, or to try again where
    /// ``StoreError/canTryAgain``. Only where the last fsync failed the checkpoint may be there,
    /// whole, and a later scan finds it.
    ///
    /// - Parameters:
    ///   - lane: has threads that hash and sync other files meanwhile; nil does it all here.
    ///   - elapsed: the seconds since the request, or since `begin`; asked when all files are durable. nil
    ///     is those of the order.
    ///   - isCancelled: asked at least once for each MiB, by any thread.
    /// - Throws: `emptyCheckpoint`, `badPath`, `changed`, `cancelled`, `unreadable`, `unwritable`.
    package func commit(
        _ order: CommitOrder, beside lane: WorkerLane? = nil,
        elapsed: (@Sendable () -> Double)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(StoreError) -> CheckpointSummary {
        let context = CommitContext(lane: lane, elapsed: elapsed, isCancelled: isCancelled)
        return try commit(order, place: nil, context)
    }

    /// What a commit needs beside its order: who works on it, until when, and what it is compared with.
    struct CommitContext: Sendable {
        var lane: WorkerLane?
        var elapsed: (@Sendable () -> Double)?
        var isCancelled: @Sendable () -> Bool
        /// See ``AddOrder/content``.
        var content: ContentMark?
        /// See ``AddOrder/takesAgain``.
        var takesAgain: (@Sendable (TakenContent) -> Bool)?

        func goOn() throws(StoreError) {
            if isCancelled() { throw .cancelled }
        }
    }

    /// - Parameter place: where in the staged payload that is which was taken from outside.
    func commit(
        _ order: CommitOrder, place: Placement?, _ context: CommitContext
    ) throws(StoreError) -> CheckpointSummary {
        let base = paths.staging(order.id)
        let payload = try acting(as: owner) { () throws(StoreError) in
            try Payload.read(files, base: base)
        }
        let hashed = try hashAndSync(payload, base: base, order.id, context)
        if let place {
            try refuseRepeat(context, hashed, payload.links, top: place.top)
        }
        try takeFromOwner(base)
        let manifest = manifest(
            order, context, hashed, payload.links, single: place?.single,
            directory: place?.directory)
        try write(manifest, hashed, base: base)
        try syncDirectories(payload, base: base)
        try writing { () throws(SystemError) in try files.syncDirectory(base) }
        try checkUnchanged(payload, try Payload.read(files, base: base), base: base)
        try context.goOn()
        let summary = try publish(manifest, hashed, base)
        noteTaken(manifest, hashed, from: place?.source, order, context)
        return summary
    }

    func manifest(
        _ order: CommitOrder, _ context: CommitContext, _ hashed: [HashedPayloadFile],
        _ links: [Manifest.Link], single: FilePath?, directory: FilePath? = nil,
        outside: OutsidePayload? = nil
    ) -> Manifest {
        var manifest = Manifest(
            id: order.id, reason: order.reason, attempt: order.attempt, parent: order.parent,
            created: order.created, seconds: context.elapsed?() ?? order.secondsSoFar,
            files: hashed.map {
                Manifest.File(
                    path: $0.path, bytes: $0.status.size,
                    modified: outside == nil ? nil : $0.status.modified)
            },
            links: links, metrics: order.metrics, metadata: order.metadata,
            single: single, directory: directory, outside: outside, source: order.source)
        manifest.progress = order.progress
        return manifest
    }

    /// - Returns: the files in order of path.
    func hashAndSync(
        _ payload: Payload, base: String, _ id: CheckpointID, _ context: CommitContext
    ) throws(StoreError) -> [HashedPayloadFile] {
        guard !payload.files.isEmpty else { throw .emptyCheckpoint(id) }
        // The largest first, so that no thread is left with it when the others are done.
        let ordered = payload.files.enumerated().sorted {
            ($0.element.status.size, $1.offset) > ($1.element.status.size, $0.offset)
        }
        .map(\.element)
        let hashed = try forEach(ordered, beside: context.lane) {
            [files, owner] file throws(StoreError) in
            let path = Manifest.place(of: file.path, in: base)
            let found = try acting(as: owner) { () throws(StoreError) in
                try reading { () throws(SystemError) in
                    try files.hashFile(path, startsWriting: true) { _ in !context.isCancelled() }
                }
            }
            guard file.status.isUnchanged(found.before), file.status.isUnchanged(found.after),
                found.size == file.status.size
            else { throw .changed(path) }
            return HashedPayloadFile(path: file.path, status: file.status, digest: found.digest)
        }
        // Now that all of it is on its way, the first of these waits, and the others hardly do.
        _ = try forEach(ordered, beside: context.lane) { [files, owner] file throws(StoreError) in
            try context.goOn()
            try acting(as: owner) { () throws(StoreError) in
                try writing { () throws(SystemError) in
                    try files.syncFile(Manifest.place(of: file.path, in: base))
                }
            }
        }
        return hashed.sorted { $0.path < $1.path }
    }

    /// The lowest first.
    func syncDirectories(_ payload: Payload, base: String) throws(StoreError) {
        try writing { () throws(SystemError) in
            for directory in payload.directories.reversed() {
                try files.syncDirectory(Manifest.place(of: directory, in: base))
            }
        }
    }

    func write(
        _ manifest: Manifest, _ hashed: [HashedPayloadFile], base: String
    ) throws(StoreError) {
        let manifestPath = "\(base)/\(CheckpointFile.manifest)"
        let checksumsPath = "\(base)/\(CheckpointFile.checksums)"
        let bytes = try encode(manifest, for: manifestPath)
        var entries = [
            Checksums.Entry(digest: Digest.of(bytes).hex, path: FilePath(CheckpointFile.manifest))
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
    func checkUnchanged(
        _ payload: Payload, _ now: Payload, base: String
    ) throws(StoreError) {
        let isSameList = payload.files.map(\.path) == now.files.map(\.path)
        guard isSameList, payload.links == now.links else {
            throw .changed(
                Manifest.place(of: now.directories.first ?? CheckpointFile.data, in: base))
        }
        for (before, after) in zip(payload.files, now.files)
        where !before.status.isUnchanged(after.status) {
            throw .changed(Manifest.place(of: before.path, in: base))
        }
    }

    /// Makes it visible. All that it consists of is durable.
    func publish(
        _ manifest: Manifest, _ hashed: [HashedPayloadFile], _ directory: String
    ) throws(StoreError) -> CheckpointSummary {
        try writing { () throws(SystemError) in
            try files.rename(directory, to: paths.checkpoint(manifest.id))
            try files.syncDirectory(paths.checkpoints)
        }
        checkpoints.add(manifest, hashed)
        forgetBegun(manifest.id)
        return checkpoints.summary(of: manifest)
    }

}
