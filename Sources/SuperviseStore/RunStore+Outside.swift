import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Payloads that stay where the job wrote them.
extension RunStore {
    func leaveOutside(
        _ outside: OutsidePayload, _ order: CommitOrder, _ crew: Crew
    ) throws(StoreError) -> CheckpointSummary {
        let base = try makeStagingDirectory(order.id)
        let payload = try acting(as: owner) { () throws(StoreError) in
            try self.payload(at: outside.path.text, order)
        }
        let hashed = try hashAndSync(payload, base: "", order.id, crew)
        try refuseRepeat(order, hashed, payload.links, top: outside.path)
        try acting(as: owner) { () throws(StoreError) in
            try syncDirectories(payload, base: "")
            try syncNames(above: outside.path.text)
        }
        let manifest = manifest(
            order, hashed, payload.links,
            single: payload.directories.isEmpty ? outside.path : nil, outside: outside)
        try write(manifest, hashed, base: base)
        try writing { () throws(SystemError) in try files.syncDirectory(base) }
        let now = try acting(as: owner) { () throws(StoreError) in
            try Payload.outside(files, outside.path)
        }
        try checkUnchanged(payload, now, base: "")
        try crew.goOn()
        let summary = try publish(manifest, hashed, base)
        noteTaken(manifest, hashed, from: outside.path, order)
        return summary
    }

    /// The job may have made the directories above just now. Those that were synced before, and are
    /// the same, need it no more; the lowest has a new name in it every time.
    private func syncNames(above path: String) throws(StoreError) {
        try writing { () throws(SystemError) in
            let device = try files.status(path).device
            var directory = parent(of: path)
            try files.syncDirectoryIfReadable(directory)
            while directory != "/" {
                let status = try files.status(directory)
                let known = state.withLock { $0.durableNames[FilePath(directory)] }
                guard status.device == device, known != status.inode else { return }
                try files.syncDirectoryIfReadable(parent(of: directory))
                state.withLock { [directory] in $0.durableNames[FilePath(directory)] = status.inode
                }
                directory = parent(of: directory)
            }
        }
    }

    /// What a manifest lists of a payload outside, as it is now; what else is there is the job's.
    ///
    /// - Throws: `missing` where not even the directory is there that it was in; `unreadable`,
    ///   `badPath` where it is something else by now.
    func listedPayload(
        _ manifest: Manifest, in outside: OutsidePayload
    ) throws(StoreError) -> Payload {
        do throws(StoreError) {
            var listed: [Payload.File] = []
            for file in manifest.files {
                let status = try acting(as: owner) { () throws(StoreError) in
                    try reading { () throws(SystemError) in try files.status(file.path.text) }
                }
                guard status.kind == .file else {
                    throw .badPath(file.path.text, reason: "is no regular file")
                }
                listed.append(Payload.File(path: file.path, status: status))
            }
            var links: [Manifest.Link] = []
            for link in manifest.links {
                let target = try acting(as: owner) { () throws(StoreError) in
                    try reading { () throws(SystemError) in try files.readLink(link.path.text) }
                }
                links.append(Manifest.Link(path: link.path, target: FilePath(target)))
            }
            return Payload(files: listed, links: links)
        } catch {
            let home = outside.path.parent.text
            if error.systemError?.isMissing == true, try !exists(home) { throw .missing(home) }
            throw error
        }
    }
}

/// How a payload outside goes when its checkpoint does. What has been written anew since it was taken
/// is no longer what was taken, and stays; so does what another checkpoint claims.
extension RunStore {
    /// What a checkpoint in the trash is called that takes its payload elsewhere with it. Nothing
    /// that was never committed has this ending.
    static let owningEnding = ".owned"

    /// Moves a committed checkpoint to the trash.
    ///
    /// - Parameter mayOwn: false where it is known that it owns nothing elsewhere.
    /// - Returns: where it is now; nil where there was nothing.
    func discardCommitted(
        _ path: String, mayOwn: Bool = true
    ) throws(SystemError) -> String? {
        let name = FilePath(path).name
        try files.makeDirectoryIfMissing(paths.trash)
        guard mayOwn, try ownedPayload(path) != nil else {
            return try move(path, into: paths.trash)
        }
        // Until its payload has gone too, it must be found there.
        try files.syncDirectory(paths.payload)
        let place = try move(path, into: paths.trash, as: "\(name)\(Self.owningEnding)")
        try files.syncDirectory(paths.trash)
        return place
    }

    /// Deletes what is in the trash, for good.
    func removeForGood(_ place: String) throws(SystemError) {
        let name = FilePath(place).name
        if name.contains(Self.owningEnding) { try removeOwnedPayload(of: place) }
        try files.removeTree(place)
    }

    /// - Parameters:
    ///   - directory: of a checkpoint that was committed.
    ///   - isArchived: it is of an archived run that is no longer among the others.
    func removeOwnedPayload(
        of directory: String, isArchived: Bool = false
    ) throws(SystemError) {
        guard let manifest = try ownedPayload(directory), let outside = manifest.outside else {
            return
        }
        let own = isArchived ? nil : manifest.id
        for file in manifest.files where !isClaimed(file.path, apartFrom: own) {
            try removingAsOwner { () throws(SystemError) in
                let now = try unlessMissing { () throws(SystemError) in
                    try files.status(file.path.text)
                }
                guard let now, now.kind == .file, now.size == file.bytes,
                    now.modified == file.modified
                else { return }
                try removeIfThere(file.path.text)
            }
        }
        for link in manifest.links where !isClaimed(link.path, apartFrom: own) {
            try removingAsOwner { () throws(SystemError) in
                let now = try unlessMissing { () throws(SystemError) in
                    try files.status(link.path.text)
                }
                if now?.kind == .link { try removeIfThere(link.path.text) }
            }
        }
        try removingAsOwner { () throws(SystemError) in
            try removeEmptyDirectories(outside.path.text)
            // The checkpoint is forgotten next; what it took with it must not come back then.
            _ = try unlessMissing { () throws(SystemError) in
                try files.syncDirectoryIfReadable(outside.path.parent.text)
            }
        }
    }

    /// Where the job is another user, what that user may not remove stays.
    private func removingAsOwner(
        _ body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) {
            try acting(as: owner, body)
        } catch {
            guard owner != nil, error.isForbidden else { throw error }
        }
    }

    /// Removes a directory and those in it, as far as they hold nothing else.
    func removeEmptyDirectories(_ top: String) throws(SystemError) {
        let kind = try unlessMissing { () throws(SystemError) in try files.status(top) }?.kind
        guard kind == .directory else { return }
        var found: [String] = []
        var waiting = [top]
        while let directory = waiting.popLast() {
            found.append(directory)
            waiting += try entries(directory).filter { $0.kind == .directory && $0.isUTF8 }
                .map { "\(directory)/\($0.name)" }
        }
        for directory in found.reversed() {
            do throws(SystemError) {
                try files.removeDirectory(directory)
            } catch {
                guard error.isInUse || error.isMissing else { throw error }
            }
        }
    }

    /// The manifest of a checkpoint that owns a payload elsewhere; nil for any other, and for one
    /// whose manifest is not to be believed.
    func ownedPayload(_ directory: String) throws(SystemError) -> Manifest? {
        func read(_ name: String) throws(SystemError) -> [UInt8]? {
            do throws(SystemError) {
                let (content, owner) = try files.readOwned(
                    "\(directory)/\(name)", limit: limits.document)
                // Root removes nothing because another user says that it is owned.
                return userId() == 0 && owner != 0 ? nil : content
            } catch {
                let isNone = error.isMissing || error.isTaken || error.isNoRegularFile
                guard isNone || error.isTooLarge else { throw error }
                return nil
            }
        }
        guard let bytes = try read(CheckpointFile.manifest),
            let manifest = try? JSONText.decode(Manifest.self, from: bytes),
            manifest.outside?.isOwned == true,
            let sums = try read(CheckpointFile.checksums),
            let entries = try? Checksums.parse(String(decoding: sums, as: UTF8.self)),
            entries.contains(where: {
                $0.path == FilePath(CheckpointFile.manifest) && $0.digest == Digest.of(bytes).hex
            }),
            try manifest.id.sequence > sharedThrough(in: parent(of: parent(of: directory)))
        else { return nil }
        return manifest
    }

    /// Whether another checkpoint needs it, of this run or of another one of its name. Where that
    /// cannot be found out, it does.
    private func isClaimed(_ path: FilePath, apartFrom id: CheckpointID?) -> Bool {
        if isClaimedHere(path, apartFrom: id) { return true }
        guard let family else { return isClaimedInArchive(path, apartFrom: nil) }
        return family.isClaimedHere(path, apartFrom: nil)
            || family.isClaimedInArchive(path, apartFrom: paths.archivedAt)
    }

    private func isClaimedHere(_ path: FilePath, apartFrom id: CheckpointID?) -> Bool {
        if state.withLock({ $0.claims == nil }) { _ = try? scan() }
        return state.withLock { state in
            guard let claims = state.claims else { return true }
            return claims.contains { $0.key != id && path.isBelow($0.value) }
        }
    }

    private func isClaimedInArchive(_ path: FilePath, apartFrom time: String?) -> Bool {
        guard let claims = claimsOfArchives() else { return true }
        return claims.contains { other, paths in
            other != time && paths.contains { path.isBelow($0) }
        }
    }

    /// Looked through once: only who removes archives changes them.
    private func claimsOfArchives() -> [String: [FilePath]]? {
        if let known = state.withLock({ $0.archiveClaims }) { return known }
        var found: [String: [FilePath]] = [:]
        do throws(StoreError) {
            for time in try archivedTimes() {
                let store = try archived(time)
                guard try store.exists(store.paths.checkpoints) else { continue }
                let outside = try store.scan().checkpoints.filter {
                    $0.isOutside(of: store.paths.checkpoints)
                }
                found[time] = outside.map { FilePath($0.path) }
            }
        } catch {
            return nil
        }
        state.withLock { [found] in $0.archiveClaims = found }
        return found
    }
}
