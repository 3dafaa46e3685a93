import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// A run on the disk, as it is read by those who do not hold its lock. Nothing here writes.
struct FoundRun: Sendable {
    let name: RunReference
    let store: RunStore
    /// What was read; or why it could not be.
    let record: Result<RunRecord, StoreError>

    /// The run of that name in a state directory; nil where there is none.
    static func read(_ name: RunName, in stateDirectory: String) -> FoundRun? {
        let run = RunReference(name)
        let paths = RunPaths(stateDirectory: stateDirectory, name: name)
        let store = RunStore(paths)
        do throws(StoreError) {
            guard let record = try store.record.load() else { return nil }
            return FoundRun(
                name: run, store: RunStore(paths.following(record)), record: .success(record))
        } catch {
            return FoundRun(name: run, store: store, record: .failure(error))
        }
    }

    /// - Throws: ``Complaint`` where the record is damaged, unreadable or of a newer version.
    func knownRecord() throws(Complaint) -> RunRecord {
        switch record {
        case .success(let record): return record
        case .failure(let error): throw Complaint("run \(name): \(error)")
        }
    }

    /// The same, read anew for a caller that runs what it says.
    ///
    /// - Throws: ``Complaint`` also where we are root and another user may have written it.
    func recordToRun() throws(Complaint) -> RunRecord {
        _ = try knownRecord()
        do throws(StoreError) {
            if let record = try store.record.loadToRun() { return record }
        } catch {
            throw Complaint("run \(name): \(error)")
        }
        throw Complaint("run \(name) has gone meanwhile")
    }

    /// Where the run stands now.
    ///
    /// - Throws: ``Complaint`` where neither status nor record tell.
    func glance(at now: Timestamp) throws(Complaint) -> Glance {
        let holder: FileLock.Holder
        var status: Status
        do throws(StoreError) {
            // The lock is that of the run that has its name now.
            holder = name.isArchived ? .nobody : try RunLock.holder(store.paths)
            if let published = try publishedStatus() {
                status = published
            } else {
                status = try statusFromRecord()
            }
        } catch {
            throw Complaint("run \(name): \(error)")
        }
        status.name = name.description
        switch holder {
        case .nobody:
            if let settled = Settlement.settled(status, by: try? record.get()) { status = settled }
            // Those of an archived run are elsewhere now, and fewer.
            if status.outcome?.isLost == true || status.toBeRemoved > 0 || name.isArchived {
                fillCheckpoints(of: &status)
            } else {
                findNewest(of: &status)
            }
        case .process(let pid):
            // A supervisor that has just started has not told of itself yet.
            if pid.map(Int.init) != status.supervisorPID {
                status.phase = .starting
                status.supervisorPID = pid.map(Int.init) ?? status.supervisorPID
                status.started = now
                status.outcome = nil
                // It is another supervisor's, perhaps that of the state that this is a copy of.
                status.socket = nil
                status.place = nil
            }
        }
        let record = try? record.get()
        return Glance(
            status: status, commits: record?.commits, failures: record?.failures.total)
    }

    /// Whether its status does not say yet how it ended. Nobody is at work on it.
    var isUnsettled: Bool {
        get throws(Complaint) {
            do throws(StoreError) {
                let known = try? record.get()
                guard let status = try publishedStatus() ?? known.map({ Status($0) }) else {
                    return false
                }
                return Settlement.settled(status, by: known) != nil
            } catch {
                throw Complaint("run \(name): \(error)")
            }
        }
    }

    /// A derived file that is garbage is as good as none.
    private func publishedStatus() throws(StoreError) -> Status? {
        do throws(StoreError) {
            return try store.derived.readStatus()
        } catch {
            if case .garbage = error { return nil }
            throw error
        }
    }

    private func statusFromRecord() throws(StoreError) -> Status {
        let record: RunRecord
        switch self.record {
        case .success(let known): record = known
        case .failure(let error): throw error
        }
        var status = Status(record)
        fillCheckpoints(of: &status)
        return status
    }

    /// Where the newest checkpoint is by now: the state may have been moved or copied.
    private func findNewest(of status: inout Status) {
        guard let newest = status.checkpoint,
            !newest.path.utf8.starts(with: "\(store.paths.checkpoint(newest.id))/".utf8),
            let path = store.checkpoints.payloadPath(of: newest.id)
        else { return }
        status.checkpoint?.path = path
    }

    /// From the disk itself: the last commits may have come after the last status.
    private func fillCheckpoints(of status: inout Status) {
        guard let found = try? store.checkpoints.scan().checkpoints else { return }
        status.setCheckpoints(found)
    }
}
