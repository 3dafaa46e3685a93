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
            try Payload.outside(files, outside.path)
        }
        let hashed = try hashAndSync(payload, base: "", order.id, crew)
        try acting(as: owner) { () throws(StoreError) in
            try syncDirectories(payload, base: "")
            try syncNames(above: outside.path)
        }
        let manifest = manifest(
            order, hashed, payload.links,
            single: payload.directories.isEmpty ? outside.path : nil, outside: outside)
        try write(manifest, hashed, base: base)
        try writing { () throws(SystemError) in try files.syncDirectory(base) }
        try checkUnchanged(payload, try Payload.outside(files, outside.path), base: "")
        try crew.goOn()
        return try publish(manifest, hashed, base)
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
                let known = state.withLock { $0.durableNames[directory] }
                guard status.device == device, known != status.inode else { return }
                try files.syncDirectoryIfReadable(parent(of: directory))
                state.withLock { [directory] in $0.durableNames[directory] = status.inode }
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
                let status = try reading { () throws(SystemError) in try files.status(file.path) }
                guard status.kind == .file else {
                    throw .badPath(file.path, reason: "is no regular file")
                }
                listed.append(Payload.File(path: file.path, status: status))
            }
            var links: [Manifest.Link] = []
            for link in manifest.links {
                let target = try reading { () throws(SystemError) in
                    try files.readLink(link.path)
                }
                links.append(Manifest.Link(path: link.path, target: target))
            }
            return Payload(files: listed, links: links)
        } catch {
            let home = parent(of: outside.path)
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
        let name = path.split(separator: "/").last.map(String.init) ?? path
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
        let name = place.split(separator: "/").last ?? ""
        if name.contains(Self.owningEnding) { try removeOwnedPayload(of: place) }
        try files.removeTree(place)
    }

    /// - Parameter directory: of a checkpoint that was committed.
    func removeOwnedPayload(of directory: String) throws(SystemError) {
        guard let manifest = try ownedPayload(directory), let outside = manifest.outside else {
            return
        }
        for file in manifest.files where !isClaimed(file.path, apartFrom: manifest.id) {
            let now = try unlessMissing { () throws(SystemError) in try files.status(file.path) }
            guard let now, now.kind == .file, now.size == file.bytes,
                now.modified == file.modified
            else { continue }
            try removeIfThere(file.path)
        }
        for link in manifest.links where !isClaimed(link.path, apartFrom: manifest.id) {
            let now = try unlessMissing { () throws(SystemError) in try files.status(link.path) }
            if now?.kind == .link { try removeIfThere(link.path) }
        }
        try removeEmptyDirectories(outside.path)
        // The checkpoint is forgotten next; what it took with it must not come back then.
        _ = try unlessMissing { () throws(SystemError) in
            try files.syncDirectoryIfReadable(parent(of: outside.path))
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
                return try files.readFile("\(directory)/\(name)", limit: limits.document)
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
                $0.path == CheckpointFile.manifest && $0.digest == Digest.of(bytes).hex
            })
        else { return nil }
        return manifest
    }

    /// Whether another checkpoint needs it. Where that cannot be found out, it does.
    private func isClaimed(_ path: String, apartFrom id: CheckpointID) -> Bool {
        if state.withLock({ $0.claims == nil }) { _ = try? scan() }
        return state.withLock { state in
            guard let claims = state.claims else { return true }
            return claims.contains { $0.key != id && isBelow(path, $0.value) }
        }
    }
}
