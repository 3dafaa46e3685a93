import SuperviseFormats
import SuperviseSystem

/// `trash/`: removes checkpoints. Each is first moved out of sight, durably, and then deleted file by file.
///
/// On a disk that has no room for the move, a checkpoint is hidden where it is. A scan sees none that is
/// half deleted, and what is hidden is deleted at the next start at the latest.
package final class Trash: RunPart {
    package let place: RunPlace
    let checkpoints: CommittedCheckpoints
    /// The payloads outside that archived runs need.
    let archived: ArchiveClaims
    /// Of an archived run: the trash of the run that has its name now.
    let family: Trash?

    init(
        _ place: RunPlace, checkpoints: CommittedCheckpoints, archived: ArchiveClaims,
        family: Trash?
    ) {
        self.place = place
        self.checkpoints = checkpoints
        self.archived = archived
        self.family = family
    }

    /// Removes checkpoints, apart from those that somebody is reading.
    ///
    /// - Returns: those that are gone.
    /// - Throws: `unwritable`. What was moved away is then deleted at the next start.
    package func remove(_ ids: [CheckpointID]) throws(StoreError) -> [CheckpointID] {
        try writing { () throws(SystemError) in
            var removed: [CheckpointID] = []
            var places: [String] = []
            for id in ids {
                guard let hold = try checkpoints.holdAlone(id) else { continue }
                let place = try hide(id, mayOwn: checkpoints.mayBeOutside(id))
                withExtendedLifetime(hold) {}
                checkpoints.forget(id)
                removed.append(id)
                if let place { places.append(place) }
            }
            checkpoints.index.countRemoved(places.count)
            if places.isEmpty { return removed }
            try files.syncDirectory(paths.checkpoints)
            for place in places { try removeHidden(place) }
            return removed
        }
    }

    /// Moves a bad checkpoint to `set-aside/`, and deletes all but the newest two of these.
    func setAside(_ id: CheckpointID) throws(StoreError) -> String? {
        checkpoints.forget(id)
        return try writing { () throws(SystemError) in
            if try files.makeDirectoryIfMissing(paths.setAside) {
                try files.syncDirectory(paths.payload)
            }
            let place = try move(paths.checkpoint(id), into: paths.setAside)
            try files.syncDirectory(paths.checkpoints)
            for name in try oldSetAside() {
                let old = try discardCommitted("\(paths.setAside)/\(name)")
                if let old { try removeForGood(old) }
            }
            return place
        }
    }

    private func oldSetAside() throws(SystemError) -> [String] {
        let names = try entries(paths.setAside).map(\.name)
        // Of one id the later ones have higher numbers after the point.
        func age(_ name: String) -> (Int64, Int) {
            let parts = name.split(separator: ".", maxSplits: 1)
            let id = parts.first.flatMap { CheckpointID(String($0)) }
            return (id?.sequence ?? 0, parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        }
        return names.sorted { age($0) < age($1) }.dropLast(2)
    }

    /// Making room needs it, and a full disk has no room for it. Only beside checkpoints: else a disk
    /// is not mounted.
    func prepare() {
        guard (try? files.status(paths.checkpoints))?.kind == .directory else { return }
        _ = try? files.makeDirectoryIfMissing(paths.trash)
    }

    /// Deletes what an earlier supervisor left half deleted.
    func sweep() throws(StoreError) {
        try writing { () throws(SystemError) in
            let leftovers =
                try entries(paths.trash).map { "\(paths.trash)/\($0.name)" } + hiddenCheckpoints()
            if leftovers.isEmpty { return }
            // Who put a checkpoint there may have ended before its move was durable: if power fails
            // now it must not come back with half of its files.
            try files.syncDirectory(paths.checkpoints)
            for place in leftovers { try removeHidden(place) }
        }
    }

    /// Moves away what nobody was ever shown, and deletes it.
    func discard(_ path: String) throws(SystemError) {
        guard let place = try take(path) else { return }
        try files.removeTree(place)
    }

    /// Moves something to the trash.
    ///
    /// - Returns: where it is now: on a disk without room for that, where it was; nil where there was
    ///   nothing.
    func take(_ path: String) throws(SystemError) -> String? {
        do throws(SystemError) {
            try files.makeDirectoryIfMissing(paths.trash)
            return try move(path, into: paths.trash)
        } catch {
            guard error.isNoSpace else { throw error }
            return try isThere(path) ? path : nil
        }
    }

    private func isThere(_ path: String) throws(SystemError) -> Bool {
        try unlessMissing { () throws(SystemError) in try files.status(path) } != nil
    }

}

/// How a checkpoint goes out of sight.
extension Trash {
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
            // A scan would believe the index without looking at the checkpoint.
            try checkpoints.index.remove()
            try files.rename(
                "\(path)/\(CheckpointFile.checksums)", to: "\(path)/\(CheckpointFile.manifest)")
            try files.syncDirectory(path)
            return path
        }
    }

    /// Deletes what ``hide(_:mayOwn:)`` has hidden: what hides it goes last.
    func removeHidden(_ place: String) throws(SystemError) {
        guard FilePath(place).isBelow(FilePath(paths.checkpoints)), checkpoints.isHidden(place)
        else {
            return try removeForGood(place)
        }
        for entry in try entries(place) where entry.name != CheckpointFile.manifest {
            try files.removeTree("\(place)/\(entry.name)")
        }
        // By now there may be room; else the next start tries again.
        do throws(SystemError) {
            guard let rest = try take(place), rest != place else { return }
            try files.syncDirectory(paths.checkpoints)
            try files.removeTree(rest)
        } catch {
            guard error.isNoSpace else { throw error }
        }
    }

    /// What an earlier process had hidden among the checkpoints, and not yet deleted.
    func hiddenCheckpoints() throws(SystemError) -> [String] {
        var names = checkpoints.hidden.map(\.description)
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
