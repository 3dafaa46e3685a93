import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The committed checkpoints of a run: finds, reads and verifies them.
package final class CommittedCheckpoints: RunPart {
    package let place: RunPlace
    /// The files that this process has hashed.
    package let verified = VerifiedFiles()
    let index: IndexFile
    /// The programs that restore compressed files.
    let tools: Tools
    private let state = Mutex(State())

    private struct State {
        /// Payloads that stay outside, by their checkpoints; nil before the first scan.
        var claims: [CheckpointID: FilePath]?
        /// Found among the checkpoints, and about to be deleted.
        var hidden: Set<CheckpointID> = []
    }

    init(_ place: RunPlace, tools: Tools) {
        self.place = place
        self.tools = tools
        index = IndexFile(place)
    }

    /// Forgets all that is known: the run's files were moved away.
    func forgetAll() {
        verified.forgetAll()
        index.forget()
        state.withLock { $0 = State() }
    }

    /// Takes note of a checkpoint that has just become visible.
    func add(_ manifest: Manifest, _ hashed: [HashedPayloadFile]) {
        verified.add(hashed, of: manifest.id)
        guard let outside = manifest.outside else { return }
        state.withLock { $0.claims?[manifest.id] = outside.path }
    }

    /// Takes note of a checkpoint that is no longer visible.
    func forget(_ id: CheckpointID) {
        verified.forget(id)
        state.withLock { $0.claims?[id] = nil }
    }

    private func noteClaims(_ found: [CheckpointID: FilePath]) {
        state.withLock { $0.claims = $0.claims ?? found }
    }

    private func noteHidden(_ id: CheckpointID) {
        state.withLock { _ = $0.hidden.insert(id) }
    }

    /// Those that scans have found hidden by the checksums in their manifest's place.
    var hidden: Set<CheckpointID> { state.withLock { $0.hidden } }

    /// False if it is known that the payload of a checkpoint is in its own directory.
    func mayBeOutside(_ id: CheckpointID) -> Bool {
        state.withLock { $0.claims.map { $0[id] != nil } ?? true }
    }

    /// Whether another checkpoint has this file in its payload; true if that is unknown.
    func isClaimed(_ path: FilePath, apartFrom id: CheckpointID?) -> Bool {
        if state.withLock({ $0.claims == nil }) { _ = try? scan() }
        return state.withLock { state in
            guard let claims = state.claims else { return true }
            return claims.contains { $0.key != id && path.isBelow($0.value) }
        }
    }

    /// Looks through the checkpoints without opening their payload. Writes nothing.
    ///
    /// - Throws: `missing` where there is no directory of checkpoints, `unreadable`, `newerFormat`.
    package func scan() throws(StoreError) -> Scan {
        var scan = Scan()
        let claims = try scanCheckpoints(&scan)
        do throws(SystemError) {
            scan.staging = try entries(paths.staging).map(\.name)
            scan.trash = try entries(paths.trash).map(\.name)
            scan.setAside = try entries(paths.setAside).map(\.name)
        } catch {
            throw StoreError(reading: error)
        }
        noteClaims(claims)
        for name in scan.staging + scan.setAside {
            // A second one of a name has a number after a point.
            let id = CheckpointID(String(name.prefix { $0 != "." }))
            guard let id, id.sequence <= CheckpointID.mostSequence else { continue }
            scan.highestSequence = max(scan.highestSequence, id.sequence)
        }
        return scan
    }

    /// - Parameter makesIndex: whether or not it is needed.
    /// - Returns: the payloads that stay outside.
    @discardableResult
    func scanCheckpoints(
        _ scan: inout Scan, makesIndex: Bool = false
    ) throws(StoreError) -> [CheckpointID: FilePath] {
        var claims: [CheckpointID: FilePath] = [:]
        let found = try directories()
        let isMany = found.count > limits.unindexed
        let known = isMany ? index.read() : nil
        let checkpoints = paths.checkpoints
        let lines = known?.lines ?? 0
        let isUseful = lines * 2 > found.count && lines <= 2 * found.count + limits.unindexed
        let isMade = makesIndex || (isMany && !isUseful)
        var made = IndexText()
        let fromDisk = found.count - limits.unindexed / 4
        scan.checkpoints.reserveCapacity(found.count)
        for (position, (id, inode)) in found.enumerated() {
            scan.highestSequence = max(scan.highestSequence, id.sequence)
            var summary =
                position < fromDisk
                ? known?.summary(of: id, inode: inode, in: checkpoints) : nil
            if summary == nil {
                switch try readManifest(id) {
                case .success(let manifest):
                    summary = self.summary(of: manifest)
                    summary?.compressedBytes = try compressedBytes(of: manifest)
                    scan.sources[id] = manifest.source
                case .failure where isHidden(paths.checkpoint(id)):
                    noteHidden(id)
                    continue
                case .failure(let damage):
                    scan.damaged.append(DamagedCheckpoint(id: id, reason: damage.reason))
                }
            }
            guard let summary else { continue }
            scan.checkpoints.append(summary)
            if summary.isOutside(of: checkpoints) { claims[id] = FilePath(summary.path) }
            if isMade { made.add(summary, inode: inode, in: paths) }
        }
        scan.newIndex = isMade ? made : nil
        index.setCounts(live: found.count, lines: isMade ? nil : lines)
        return claims
    }

    /// With their inodes, in order of sequence; names that are none of ours are left alone.
    func directories() throws(StoreError) -> [(CheckpointID, UInt64)] {
        do throws(SystemError) {
            var found: [(CheckpointID, UInt64)] = []
            try files.visit(paths.checkpoints) { entry in
                guard entry.kind == .directory, let id = CheckpointID(entry.name) else { return }
                if id.sequence <= CheckpointID.mostSequence { found.append((id, entry.inode)) }
            }
            found.sort { $0.0 < $1.0 }
            return found
        } catch {
            if error.isNoDirectory { throw .noDirectory(paths.checkpoints) }
            throw error.isMissing ? .missing(paths.checkpoints) : StoreError(reading: error)
        }
    }

}

/// The index, and holds.
extension CommittedCheckpoints {
    /// Counts a checkpoint that was committed a moment ago, and notes it in the index where there
    /// are many. Belongs on the thread that removes.
    package func noteInIndex(_ summary: CheckpointSummary) throws(StoreError) {
        if try index.note(summary) { return }
        var scan = Scan()
        try scanCheckpoints(&scan, makesIndex: true)
        try mendIndex(scan)
    }

    /// Writes the index anew where the scan has found that it is of little use.
    package func mendIndex(_ scan: Scan) throws(StoreError) {
        if let new = scan.newIndex { try index.write(new) }
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

    /// Waits until nobody reads a checkpoint; one that is not there is read by nobody.
    package func awaitRelease(_ id: CheckpointID) throws(StoreError) {
        _ = try reading { () throws(SystemError) in
            try unlessMissing { () throws(SystemError) in
                try files.awaitRelease(ofDirectory: paths.checkpoint(id))
            }
        }
    }
}
