import SuperviseFormats
import SuperviseSystem

/// How a payload outside goes when its checkpoint does. What has been written anew since it was taken
/// is no longer what was taken, and stays; so does what another checkpoint claims.
extension Trash {
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
        try walk(FilePath(top)) { (directory) throws(SystemError) in
            found.append(directory.text)
            return try entries(directory.text)
        } visit: { (_, _) throws(SystemError) in
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
            let entries = Checksums.parse(sums),
            Checksums.digestOfManifest(entries) == Digest.of(bytes).hex,
            try manifest.id.sequence
                > PayloadDirectory(place).sharedThrough(in: parent(of: parent(of: directory)))
        else { return nil }
        return manifest
    }

    /// Whether another checkpoint needs it, of this run or of another one of its name. Where that
    /// cannot be found out, it does.
    private func isClaimed(_ path: FilePath, apartFrom id: CheckpointID?) -> Bool {
        if checkpoints.isClaimed(path, apartFrom: id) { return true }
        guard let family else { return archived.isClaimed(path, apartFrom: nil) }
        return family.checkpoints.isClaimed(path, apartFrom: nil)
            || family.archived.isClaimed(path, apartFrom: paths.archivedAt)
    }
}
