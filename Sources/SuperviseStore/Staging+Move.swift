import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Taking a payload by giving it another name. It is hashed and synced where it is; then its place is
/// made ready durably, under a name of its own, `ID.move`; only then is it moved there, and becomes
/// visible. So wherever this is cut off, the payload is where it was, or whole in a place that the
/// next ``RunStore/prepare()`` makes a checkpoint of. It is never where only a sweep would find it.
extension Staging {
    private static let ending = ".move"

    private func moving(_ id: CheckpointID) -> String { "\(paths.staging(id))\(Self.ending)" }

    /// - Returns: nil where only a copy can bring it here; nothing has been changed then.
    func moveIn(
        _ source: String, _ order: CommitOrder, _ context: CommitContext
    ) throws(StoreError) -> CheckpointSummary? {
        // A rename by us would give the job what it could not take itself.
        if owner != nil { return nil }
        let base = paths.staging(order.id)
        _ = try make(order.id)
        guard try device(source) == device(base) else { return nil }
        let original = try payload(at: source, context.content)
        let place = Placement(of: original, source)
        let hashed = try hashAndSync(original, base: "", order.id, context)
            .map { file in
                HashedPayloadFile(
                    path: place.inside(file.path), status: file.status, digest: file.digest)
            }
        let links = original.links.map {
            Manifest.Link(path: place.inside($0.path), target: $0.target)
        }
        try refuseRepeat(context, hashed, links, top: place.top)
        try syncDirectories(original, base: "")
        let manifest = manifest(
            order, context, hashed, links, single: place.single, directory: place.directory)
        try write(manifest, hashed, base: base)
        try writing { () throws(SystemError) in try files.syncDirectory(base) }
        try checkUnchanged(original, try Payload.outside(files, FilePath(source)), base: "")
        try context.goOn()
        let summary = try take(source, to: place, manifest, hashed)
        if summary != nil { noteTaken(manifest, hashed, from: place.source, order, context) }
        return summary
    }

    private func take(
        _ source: String, to place: Placement, _ manifest: Manifest, _ hashed: [HashedPayloadFile]
    ) throws(StoreError) -> CheckpointSummary? {
        let moving = moving(manifest.id)
        let target = "\(moving)/\(place.top)"
        do throws(SystemError) {
            try files.rename(paths.staging(manifest.id), to: moving)
            // What leads to the payload is durable before the payload is there.
            try files.syncDirectory(paths.staging)
            try files.syncDirectory(paths.payload)
            try files.rename(source, to: target)
        } catch {
            // It may not even have come to its name.
            try? trash.discard(moving)
            if error.isBeyondRename, error.subject == source { return nil }
            throw StoreError(writing: error)
        }
        do throws(StoreError) {
            try writing { () throws(SystemError) in
                try files.syncDirectory(parent(of: target))
                try files.syncDirectoryIfReadable(parent(of: source))
            }
            return try publish(manifest, try statusAfterMove(hashed, moving), moving)
        } catch {
            putBack(source, from: moving, target)
            throw error
        }
    }

    /// A file that was moved has changed, but not its content.
    private func statusAfterMove(
        _ hashed: [HashedPayloadFile], _ moving: String
    ) throws(StoreError) -> [HashedPayloadFile] {
        let now = try Payload.read(files, base: moving)
        guard now.files.map(\.path) == hashed.map(\.path) else {
            throw .changed("\(moving)/\(CheckpointFile.data)")
        }
        var moved = hashed
        for (index, file) in now.files.enumerated() {
            var before = moved[index].status
            before.changed = file.status.changed
            guard before.isUnchanged(file.status) else { throw .changed("\(moving)/\(file.path)") }
            moved[index].status = file.status
        }
        return moved
    }

    /// Where even that fails, it waits for the next start in its place.
    private func putBack(_ source: String, from moving: String, _ target: String) {
        do throws(SystemError) {
            let taken = try unlessMissing { () throws(SystemError) in try files.status(source) }
            guard taken == nil else { return }
            try files.rename(target, to: source)
            try files.syncDirectoryIfReadable(parent(of: source))
            try trash.discard(moving)
        } catch {
            return
        }
    }

    /// Makes checkpoints of what an earlier supervisor had moved here when it ended.
    func finishMoves() throws(StoreError) {
        let found = try reading { () throws(SystemError) in try entries(paths.staging) }
        let ending = Self.ending.utf8
        for entry in found where entry.name.utf8.suffix(ending.count).elementsEqual(ending) {
            guard let id = CheckpointID(String(Substring(entry.name.utf8.dropLast(ending.count))))
            else {
                continue
            }
            let moving = "\(paths.staging)/\(entry.name)"
            // It was put back.
            guard try exists("\(moving)/\(CheckpointFile.data)") else { continue }
            let payload = try Payload.read(files, base: moving)
            // Nothing had come yet.
            if payload.files.isEmpty { continue }
            try syncDirectories(payload, base: moving)
            try writing { () throws(SystemError) in
                try files.syncDirectory(moving)
                try files.rename(moving, to: paths.checkpoint(id))
                try files.syncDirectory(paths.checkpoints)
            }
        }
    }

    private func device(_ path: String) throws(StoreError) -> UInt64 {
        try reading { () throws(SystemError) in try files.status(path).device }
    }
}
