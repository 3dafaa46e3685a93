import SuperviseFormats
import SuperviseSystem
import Synchronization

/// How a checkpoint goes: out of sight first, durably, and only then file by file.
extension RunStore {
    /// Removes checkpoints, apart from those that somebody is reading.
    ///
    /// - Returns: those that are gone.
    /// - Throws: `unwritable`. What was moved away is then deleted at the next start.
    package func remove(_ ids: [CheckpointID]) throws(StoreError) -> [CheckpointID] {
        try writing { () throws(SystemError) in
            var removed: [CheckpointID] = []
            var places: [String] = []
            for id in ids {
                guard let hold = try holdAlone(id) else { continue }
                let place = try hide(
                    id, mayOwn: state.withLock { $0.claims.map { $0[id] != nil } ?? true })
                withExtendedLifetime(hold) {}
                forget(id)
                removed.append(id)
                if let place { places.append(place) }
            }
            state.withLock { $0.live -= places.count }
            if places.isEmpty { return removed }
            try files.syncDirectory(paths.checkpoints)
            for place in places { try removeHidden(place) }
            return removed
        }
    }

    /// How many bytes the job may still write beside its checkpoints; nil where the file system does
    /// not tell.
    package func freeSpace() -> Int64? {
        let isRoot = (owner?.user ?? userId()) == 0
        let free = try? files.freeSpace(paths.payload, asRoot: isRoot)
        return free == .max ? nil : free
    }

    /// Keeps a checkpoint from being removed while it is read, until the result is let go of.
    ///
    /// - Throws: `unknownCheckpoint` where it is not there, or about to go.
    package func hold(_ id: CheckpointID) throws(StoreError) -> DirectoryHold {
        do throws(SystemError) {
            let path = paths.checkpoint(id)
            if let hold = try files.holdDirectory(path, alone: false) {
                // It may have been moved away between the opening and the lock.
                _ = try files.status(path)
                return hold
            }
        } catch {
            if !error.isMissing { throw StoreError(reading: error) }
        }
        throw .unknownCheckpoint(id)
    }

    /// A checkpoint that is not there is held by nobody.
    func holdAlone(_ id: CheckpointID) throws(SystemError) -> DirectoryHold? {
        do throws(SystemError) {
            return try files.holdDirectory(paths.checkpoint(id), alone: true)
        } catch {
            if error.isMissing { return DirectoryHold() }
            throw error
        }
    }

    /// Takes a checkpoint that is not good out of the way. The newest two of these are kept.
    ///
    /// - Returns: where it is now; nil where there was no such checkpoint.
    package func setAside(_ id: CheckpointID) throws(StoreError) -> String? {
        taken.forget(id)
        forget(id)
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

    private func forget(_ id: CheckpointID) {
        verified.forget(id)
        state.withLock { $0.claims?[id] = nil }
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
}
