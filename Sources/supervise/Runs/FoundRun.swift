import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

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

/// Runs in the archive: they are read like any other, and nobody is at work on them.
extension FoundRun {
    /// An archived run; nil where there is none of that name and time.
    static func read(archived run: RunReference, in stateDirectory: String) -> FoundRun? {
        let store = RunStore(RunPaths(archived: run, in: stateDirectory))
        do throws(StoreError) {
            guard try store.isThere() else { return nil }
            let located = RunStore(try ArchivedRun(store).locatePayload())
            guard let record = try located.record.load() else {
                return FoundRun(
                    name: run, store: located, record: .failure(.missing(located.paths.record)))
            }
            return FoundRun(name: run, store: located, record: .success(record))
        } catch {
            return FoundRun(name: run, store: store, record: .failure(error))
        }
    }
}

extension RunFinder {
    /// - Throws: ``Complaint`` where there is no such run, or the command is none for it.
    func archived(_ run: RunReference, for command: Command) throws(Complaint) -> FoundRun {
        guard Command.withArchives.contains(command) else {
            throw Complaint(
                "run \(run) is in the archive, where nothing runs or is changed: "
                    + "\(command.rawValue) is not for it. To take a checkpoint out: "
                    + "supervise checkpoints \(run) export ID DEST", status: Complaint.no)
        }
        for directory in directories {
            guard let found = FoundRun.read(archived: run, in: directory) else { continue }
            guard let closed = found.closed else { return found }
            throw Complaint("run \(run): \(closed.sentence(for: "\(command.rawValue) \(run)"))")
        }
        let others = try archives().filter { $0.name.name == run.name }.map(\.name)
        var shown = others.suffix(8).map(\.description)
        if shown.count < others.count { shown.insert("…", at: 0) }
        let hint =
            shown.isEmpty
            ? " (supervise list --archived)" : "; there is \(shown.joined(separator: ", "))"
        throw Complaint(
            "there is no archived run \(run) in \(place.directory)\(hint)", status: Complaint.no)
    }

    /// All that can be found, in order of name and time, by state directory.
    func archives() throws(Complaint) -> [FoundRun] {
        var found: [FoundRun] = []
        for directory in directories {
            do throws(StoreError) {
                found += try StateDirectory(directory).archives().compactMap {
                    FoundRun.read(archived: $0, in: directory)
                }
            } catch {
                if directory == place.directory { throw Complaint("\(error)") }
            }
        }
        return found
    }
}

/// The holder of a run's lock: its supervisor, or processes that a dead supervisor has left.
extension FoundRun {
    /// Whether one that lives has it, and not only the guard of one that is gone.
    ///
    /// - Parameter limit: how long one that was just killed may take to end.
    func isHeldByLiving(
        within limit: Duration = .milliseconds(250)
    ) throws(Complaint) -> Bool {
        guard case .process(let pid) = try lockHolder() else { return false }
        // Elsewhere its number means another process, or none; it has the lock, so it lives.
        guard store.distance(toHolder: pid) == .here else { return true }
        // One that has not written its number yet has just started.
        return pid.map { !HeldLock.hasEnded($0, within: limit) } ?? true
    }

    /// Why it is still held though its supervisor is gone; nil where it is free, or one that lives
    /// has it.
    ///
    /// - Parameter again: what to do when it is free.
    func whyStillHeld(_ again: String) throws(Complaint) -> String? {
        guard case .process(let pid?) = try lockHolder() else { return nil }
        return whyStillHeld(by: pid, again)
    }

    /// - Parameter pid: whose number is in the lock.
    func whyStillHeld(by pid: Int32, _ again: String) -> String? {
        guard store.distance(toHolder: pid) == .here, HeldLock.hasEnded(pid) else { return nil }
        let held = HeldLock(paths: store.paths, pid: pid, again: again)
        return held.left(store.paths.lock).sentence
    }

    private func lockHolder() throws(Complaint) -> FileLock.Holder {
        do throws(StoreError) {
            return try RunLock.holder(store.paths)
        } catch {
            throw Complaint("run \(name): \(error)")
        }
    }
}

/// The call that runs a run's command again, from the directory where the reader stands.
///
/// It has the options of the run, as without them others would hold: fewer checkpoints kept, say.
struct RunAgain {
    let record: RunRecord
    /// Where the run was found.
    let stateDirectory: String
    let surroundings: Surroundings

    var line: String {
        var words = ["supervise", "--name", record.name]
        if !isStandardPlace { words += ["--state-dir", stateDirectory] }
        for spec in OptionTable.options(of: .run) {
            guard spec.isRecorded, spec.name != "state-dir", let text = record.options[spec.name]
            else { continue }
            words += Self.words(for: spec, text)
        }
        let call = HumanText.commandLine(words + ["--"] + record.command)
        return isHere ? call : "cd \(HumanText.commandLine([record.directory])) && \(call)"
    }

    private static func words(for spec: OptionSpec, _ text: String) -> [String] {
        if spec.isFlag { return ["\(spec.dashed)=\(text)"] }
        let values = spec.isRepeatable ? text.split(separator: "\n").map(String.init) : [text]
        return values.flatMap { value in
            value.hasPrefix("-") ? ["\(spec.dashed)=\(value)"] : [spec.dashed, value]
        }
    }

    private var isStandardPlace: Bool {
        let given = surroundings.environment["SUPERVISE_STATE_DIR"]
        let place = try? StatePlace.choose(given: given, surroundings)
        return place.map { FilePath($0.directory) == FilePath(stateDirectory) } ?? false
    }

    private var isHere: Bool {
        if record.options[OptionName.chdir.rawValue] != nil { return true }
        guard case .success(let path) = surroundings.directory else { return false }
        return FilePath(path) == FilePath(record.directory)
    }
}
