import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Collects what the doctor judges. It reads, and changes nothing.
struct DoctorReader {
    let surroundings: Surroundings
    let place: StatePlace
    /// Reads every byte of every checkpoint.
    let readsAll: Bool
    var user: UInt32 = userId()
    /// What another command has to be given to find the same runs.
    var placeOption: [String] = []

    /// The directories in a state directory that could be runs, also those without a record.
    func names() throws(Complaint) -> [RunName] {
        do throws(SystemError) {
            return try Disk().list("\(place.directory)/.").compactMap { RunName($0.name) }
        } catch {
            if error.isMissing || error.isNoDirectory { return [] }
            throw Complaint("cannot read \(place.directory): \(error)")
        }
    }

    func run(_ name: RunReference) -> RunFacts {
        let paths =
            name.isArchived
            ? RunPaths(archived: name, in: place.directory)
            : RunPaths(stateDirectory: place.directory, name: name.name)
        let found =
            name.isArchived
            ? FoundRun.read(archived: name, in: place.directory)
            : FoundRun.read(name.name, in: place.directory)
        let store = found?.store ?? RunStore(paths)
        var facts = RunFacts(name: name, path: paths.run, record: found?.record)
        facts.host = hostName()
        facts.placeOption = placeOption
        facts.holder = outcome { () throws(StoreError) in
            name.isArchived ? .nobody : try RunLock.holder(paths)
        }
        if case .success(.process(let pid?)) = facts.holder {
            facts.distance = store.distance(toHolder: pid)
            facts.holderLives =
                facts.distance != .here || pathExists("/proc/\(pid)") || !pathExists("/proc/self")
            if facts.holderLives { facts.reach = reach(store, holder: pid) }
        }
        facts.status = outcome { () throws(StoreError) in try store.derived.readStatus() }
        facts.names = ((try? Disk().list(paths.run)) ?? []).map(\.name)
        facts.checkpoints = outcome { () throws(StoreError) in try store.checkpoints.scan() }
        facts.isInitial = !name.isArchived && (try? store.hasNotBegun()) == true
        if readsAll { facts.rotten = rotten(store, facts) }
        do throws(StoreError) {
            _ = try store.pins.load()
        } catch {
            facts.pinsFault = store.pins.advice(on: error)
        }
        facts.exposed = exposed(store.paths)
        facts.free = (try? Mount.of(store.paths.payload))?.free
        if case .success(let record) = facts.record {
            let wanted = [record.options[OptionName.compress.rawValue]].compactMap { $0 }.filter {
                $0 != "off"
            }
            facts.jobFaults = jobFaults(record)
            if !name.isArchived { facts.jobFaults += foreignRecord(store) }
            // Both ask what a start would do, and an archived run never starts.
            let mayStart = !facts.name.isArchived
            if mayStart { facts.tenancy = tenancy(store) }
            if mayStart, case .success(.nobody) = facts.holder {
                facts.origin = try? OriginInquiry(store, record).answer()
            }
            facts.missingPrograms = wanted.filter { program($0) == nil }
        }
        return facts
    }

    /// Asks the supervisor how it is.
    private func reach(_ store: RunStore, holder pid: Int32) -> RunFacts.Reach? {
        let status = try? store.derived.readStatus()
        let published = status?.supervisorPID == Int(pid) ? status?.socket : nil
        let socket = SupervisorSocket(store.paths.run, published: published)
        guard socket.isThere else { return nil }
        do {
            let client = try socket.connect(within: HealthCheck.patience)
            let line = try Envelope<JobMessage>(.control(.init(command: "status")), seq: 1).line()
            try client.send(line: String(decoding: line.dropLast(), as: UTF8.self))
            let answer = try client.readLine(within: HealthCheck.patience)
            return answer == nil ? .failed("it closed the connection") : .answered(client.path)
        } catch {
            return .failed("\(error)")
        }
    }

    private func outcome<Value>(
        _ body: () throws(StoreError) -> Value
    ) -> Result<Value, StoreError> {
        do throws(StoreError) {
            return .success(try body())
        } catch {
            return .failure(error)
        }
    }

    /// What keeps root from starting the run.
    private func foreignRecord(_ store: RunStore) -> [String] {
        do throws(StoreError) {
            _ = try store.record.loadToRun()
            return []
        } catch {
            return ["\(error)"]
        }
    }

    private func tenancy(_ store: RunStore) -> (level: Finding.Level, sentence: String)? {
        let claim = PayloadClaim(store)
        do throws(StoreError) {
            guard let tenancy = try claim.tenancy() else { return nil }
            return StartText.refusal(tenancy, store.paths).map { (.problem, $0) }
                ?? StartText.line(tenancy, store.paths).map { (.note, $0) }
        } catch {
            return (.problem, "\(error)")
        }
    }

    private func rotten(_ store: RunStore, _ facts: RunFacts) -> [(CheckpointID, String)] {
        guard case .success(let found) = facts.checkpoints else { return [] }
        return found.checkpoints.compactMap { summary in
            do throws(StoreError) {
                let hold = try store.checkpoints.hold(summary.id)
                defer { withExtendedLifetime(hold) {} }
                if case .bad(let reason) = try store.checkpoints.verify(summary.id) {
                    return (summary.id, reason)
                }
            } catch {
                if case .unknownCheckpoint = error { return nil }
                return (summary.id, "\(error)")
            }
            return nil
        }
    }

    /// What the job was given when the run began, and is not there any more.
    private func jobFaults(_ record: RunRecord) -> [String] {
        var faults: [String] = []
        if let chdir = record.options[OptionName.chdir.rawValue], !pathExists(chdir) {
            let path = HumanText.printable(chdir)
            faults.append("--chdir: \(path) is not there; make it, or give another")
        }
        guard let choice = record.options[OptionName.user.rawValue].flatMap({ UserChoice($0) })
        else { return faults }
        do throws(UserDatabase.Problem) {
            _ = try UserDatabase().identity(user: choice.user, group: choice.group)
        } catch {
            faults.append("--user: \(error); make that user, or give another")
        }
        return faults
    }

    /// The directories and files that decide about a run.
    private func exposed(_ paths: RunPaths) -> [(path: String, owner: Ownership)] {
        let all = [paths.run, paths.record, paths.payload, paths.checkpoints]
        var seen: Set<FilePath> = []
        let owner = try? Ownership.of(place.directory)
        return all.filter { seen.insert(FilePath($0)).inserted }.compactMap { path in
            guard let found = try? Ownership.of(path) else { return nil }
            let isForeign = found.user != (owner?.user ?? user)
            return isForeign || found.mode & 0o022 != 0 ? (path, found) : nil
        }
    }

    private func program(_ name: String) -> String? {
        pathOfProgram(name, in: surroundings.environment["PATH"])
    }
}

/// What the doctor knows of one run.
struct RunFacts: Sendable {
    var name: RunReference
    /// The run's own directory.
    var path: String
    var holder: Result<FileLock.Holder, StoreError> = .success(.nobody)
    /// Whether the process that holds the lock is there.
    var holderLives = true
    /// How far that process is from us.
    var distance = SupervisorDistance.here
    /// What came of a question to it; nil where it was not asked, as it has published no socket yet.
    var reach: Reach?
    /// nil where there is none, though there is a directory of that name.
    var record: Result<RunRecord, StoreError>?
    /// `supervise init` has made it, and it has not begun.
    var isInitial = false
    /// Where nobody is at work on it: whether it had ended.
    var status: Result<Status?, StoreError> = .success(nil)
    /// Whether its directory is the one that the record was written in; nil where that was not asked:
    /// somebody is at work on it.
    var origin: StateOrigin?
    /// The finding about a directory of `--checkpoint-dir`, with its level; nil if there is none.
    var tenancy: (level: Finding.Level, sentence: String)?
    var checkpoints: Result<Scan, StoreError> = .success(Scan())
    /// Those whose every byte was read and is not what was saved, with the reason; nil where that was
    /// not asked for.
    var rotten: [(id: CheckpointID, reason: String)]?
    /// Why the pins cannot be read, and after a semicolon what to do.
    var pinsFault: String?
    /// Entries of the run's directory.
    var names: [String] = []
    /// Entries of ours that belong to another user, or that others may write to.
    var exposed: [(path: String, owner: Ownership)] = []
    /// Bytes free where the checkpoints are.
    var free: Int64?
    /// Programs that options of the run name and that are not here.
    var missingPrograms: [String] = []
    /// Why its job could not be started as it was, and after a semicolon what to do.
    var jobFaults: [String] = []
    /// What another command has to be given to find the same run.
    var placeOption: [String] = []
    /// This machine's name.
    var host = ""

    enum Reach: Equatable, Sendable {
        /// It has answered at this path.
        case answered(String)
        case failed(String)
    }
}
