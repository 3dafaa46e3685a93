import SuperviseFormats
import SuperviseSystem
import Synchronization

/// The payloads outside that archived runs of a name need.
final class ArchiveClaims: RunPart {
    let place: RunPlace
    /// By the times of the runs; nil where that was not asked.
    private let known = Mutex<[String: [FilePath]]?>(nil)

    init(_ place: RunPlace) { self.place = place }

    /// Archived runs have changed.
    func forget() { known.withLock { $0 = nil } }

    /// Whether an archived run has this file in its payload; true if that is unknown.
    func isClaimed(_ path: FilePath, apartFrom time: String?) -> Bool {
        guard let claims = claims() else { return true }
        return claims.contains { other, paths in
            other != time && paths.contains { path.isBelow($0) }
        }
    }

    /// Looked through once: only who removes archives changes them.
    private func claims() -> [String: [FilePath]]? {
        if let known = known.withLock({ $0 }) { return known }
        var found: [String: [FilePath]] = [:]
        do throws(StoreError) {
            for time in try archivedTimes() {
                let checkpoints = CommittedCheckpoints(try archivedPlace(time), tools: Tools())
                let directory = checkpoints.paths.checkpoints
                guard try checkpoints.exists(directory) else { continue }
                let outside = try checkpoints.scan().checkpoints.filter {
                    $0.isOutside(of: directory)
                }
                found[time] = outside.map { FilePath($0.path) }
            }
        } catch {
            return nil
        }
        known.withLock { [found] in $0 = found }
        return found
    }
}

/// What an archived run is called, `NAME-20261121T050401Z`, and where it is.
extension RunPart {
    /// Of the runs of this name, in order of time.
    func times(in archive: String) throws(StoreError) -> [String] {
        let found = try reading { () throws(SystemError) in try entries(archive) }
        return found.compactMap { entry in
            guard let run = RunReference(label: entry.name), run.name == paths.name else {
                return nil
            }
            return run.time
        }.sorted()
    }

    /// Of all archived runs of this name, in order of time.
    func archivedTimes() throws(StoreError) -> [String] {
        var times = Set(try times(in: paths.archive))
        if paths.isSplit { times.formUnion(try self.times(in: paths.payloadArchive)) }
        return times.sorted()
    }

    /// Where an archived run of this name is.
    func archivedPlace(_ time: String) throws(StoreError) -> RunPlace {
        let run = RunReference(paths.name, time: time)
        let whole = RunPaths(archived: run, in: paths.stateDirectory)
        let located = try RunPlace(whole, owner: nil, files: files, limits: limits)
            .located(orIn: paths.isSplit ? paths.payloadArchive : nil)
        return RunPlace(located, owner: nil, files: files, limits: limits)
    }
}

extension RunPlace: RunPart {
    package var place: RunPlace { self }

    /// Where the checkpoints of an archived run are. The directory in its record is the one that it
    /// had before it was archived, perhaps in a state that was moved since.
    ///
    /// - Parameter other: an archive of checkpoints to look in where the record does not tell.
    func located(orIn other: String? = nil) throws(StoreError) -> RunPaths {
        if try exists(paths.checkpoints) { return paths }
        // A record that cannot be read tells nothing.
        let recorded = (try? RecordFile(self).load())?.checkpointDirectory
        let archives = recorded.map { ["\(parent(of: $0))/.archive"] } ?? other.map { [$0] } ?? []
        guard let archive = archives.first else { return paths }
        return paths.with(payload: "\(archive)/\(paths.reference.label)")
    }
}
