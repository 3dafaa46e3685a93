import SuperviseFormats
import SuperviseSystem
import Synchronization

/// How a checkpoint goes out of sight on a disk that has no room for that: where it is. No scan ever
/// sees one that is half deleted, and what is hidden is deleted at the next start at the latest.
extension RunStore {
    /// Takes a committed checkpoint out of sight: to the trash, or, on a full disk, in its place.
    ///
    /// - Parameter mayOwn: false where it is known that it owns nothing elsewhere.
    /// - Returns: where it is now, to be removed for good; nil where there was nothing.
    func hide(_ id: CheckpointID, mayOwn: Bool) throws(SystemError) -> String? {
        do throws(SystemError) {
            return try discardCommitted(paths.checkpoint(id), mayOwn: mayOwn)
        } catch {
            guard error.isNoSpace else { throw error }
            return try hideInPlace(id, mayOwn: mayOwn)
        }
    }

    /// By a name that is no checkpoint's. If even that has no room, the checksums take the place of
    /// the manifest, which needs none: nobody else ever writes that.
    private func hideInPlace(_ id: CheckpointID, mayOwn: Bool) throws(SystemError) -> String? {
        let path = paths.checkpoint(id)
        let owns = mayOwn ? try ownedPayload(path) != nil : false
        do throws(SystemError) {
            let name = ".\(id)" + (owns ? Self.owningEnding : "")
            return try move(path, into: paths.checkpoints, as: name)
        } catch {
            // What it owns elsewhere could not be found any more.
            guard error.isNoSpace, !owns else { throw error }
            // It tells of checkpoints without looking at them.
            try removeIfThere(paths.index)
            try files.syncDirectory(paths.payload)
            state.withLock { $0.indexLines = nil }
            try files.rename(
                "\(path)/\(CheckpointFile.checksums)", to: "\(path)/\(CheckpointFile.manifest)")
            try files.syncDirectory(path)
            return path
        }
    }

    /// Whether a checkpoint's directory is on its way out, by the checksums in its manifest's place.
    func isHidden(_ directory: String) -> Bool {
        guard (try? files.status("\(directory)/\(CheckpointFile.checksums)")) == nil,
            let bytes = try? files.readFile(
                "\(directory)/\(CheckpointFile.manifest)", limit: limits.document),
            let entries = try? Checksums.parse(String(decoding: bytes, as: UTF8.self))
        else { return false }
        return entries.contains { $0.path == FilePath(CheckpointFile.manifest) }
    }

    /// Deletes what ``hide(_:mayOwn:)`` has hidden: what hides it goes last.
    func removeHidden(_ place: String) throws(SystemError) {
        guard FilePath(place).isBelow(FilePath(paths.checkpoints)), isHidden(place) else {
            return try removeForGood(place)
        }
        for entry in try entries(place) where entry.name != CheckpointFile.manifest {
            try files.removeTree("\(place)/\(entry.name)")
        }
        // By now there may be room; else the next start tries again.
        do throws(SystemError) {
            guard let rest = try moveToTrash(place), rest != place else { return }
            try files.syncDirectory(paths.checkpoints)
            try files.removeTree(rest)
        } catch {
            guard error.isNoSpace else { throw error }
        }
    }

    /// What an earlier process had hidden among the checkpoints, and not yet deleted.
    func hiddenCheckpoints() throws(SystemError) -> [String] {
        var names = state.withLock { $0.hidden.map(\.description) }
        // An archived run may have no checkpoints any more.
        _ = try unlessMissing { () throws(SystemError) in
            try files.visit(paths.checkpoints) { entry in
                guard entry.kind == .directory, entry.name.utf8.first == UInt8(ascii: ".") else {
                    return
                }
                let id = entry.name.dropFirst().prefix { $0 != "." }
                if CheckpointID(String(id)) != nil { names.append(entry.name) }
            }
        }
        return names.map { "\(paths.checkpoints)/\($0)" }
    }
}
