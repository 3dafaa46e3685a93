import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// Finds the run that is meant.
struct RunFinder: Sendable {
    /// Where the runs are.
    let place: StatePlace
    let now: Timestamp
    /// Where runs of services are, which are looked for where none was found.
    var services = StatePlace.ofServices
    /// The run whose job calls us.
    var own: RunReference?

    /// The run that was named, or the one that is meant where none was: for a job its own, else the one that
    /// is running, or else the only one that there is.
    func run(_ name: String?, for command: Command) throws(Complaint) -> FoundRun {
        guard let name else { return try only(for: command) }
        if let run = RunReference(name), run.isArchived {
            return try archived(run, for: command)
        }
        guard let valid = RunName(name) else {
            let shown = HumanText.printable(name)
            throw Complaint(
                "\"\(shown)\" cannot be the name of a run"
                    + (NameHint.escaped(name) ?? " (supervise list)"))
        }
        for directory in directories {
            guard let found = FoundRun.read(valid, in: directory) else { continue }
            guard let closed = found.closed else { return found }
            if closed.names.isEmpty { continue }
            throw Complaint(
                "run \(name): \(closed.sentence(for: "\(command.rawValue) \(name)"))")
        }
        if let initial = initial(valid) { throw initial }
        let found = try all()
        let names = found.open.map(\.name.description)
        let hint =
            Suggestion.nearest(to: name, among: names).map { "; did you mean \($0)?" }
            ?? " (supervise list)"
        // One that is closed as a whole may have it.
        let call = "\(command.rawValue) \(name)"
        throw nothing(
            "there is no run \(name) in \(place.directory)", hint,
            found.closed.filter(\.names.isEmpty), call)
    }

    /// What there is: in order of name, by state directory.
    struct Found {
        var open: [FoundRun] = []
        var closed: [ClosedRuns] = []
    }

    func all() throws(Complaint) -> Found {
        var found = Found()
        for directory in directories {
            do throws(StoreError) {
                let runs = try StateDirectory(directory).runs().compactMap {
                    FoundRun.read($0, in: directory)
                }
                found.open += runs.filter { $0.closed == nil }
                let closed = runs.filter { $0.closed != nil }.map(\.name)
                if !closed.isEmpty {
                    found.closed.append(ClosedRuns(directory: directory, names: closed))
                }
            } catch {
                if FilePath(directory) == FilePath(place.directory) { throw Complaint("\(error)") }
                if error.isForbidden { found.closed.append(ClosedRuns(directory: directory)) }
            }
        }
        return found
    }

    /// What is told where nothing was found, perhaps only because it is closed to us.
    private func nothing(
        _ text: String, _ hint: String, _ closed: [ClosedRuns], _ call: String
    ) -> Complaint {
        guard let first = closed.first else { return Complaint(text + hint, status: Complaint.no) }
        return Complaint("\(text), and \(first.sentence(for: call))")
    }

    var directories: [String] {
        place.isChosen || place.directory == services
            ? [place.directory] : [place.directory, services]
    }

    private func only(for command: Command) throws(Complaint) -> FoundRun {
        let found = try all()
        let runs = found.open
        if let own, let run = runs.first(where: { $0.name == own }) { return run }
        let glances = runs.map { try? $0.glance(at: now) }
        let running = runs.indices.filter { glances[$0]?.isRunning == true }
        if let index = running.first, running.count == 1 { return runs[index] }
        if command.needsSupervisor, running.isEmpty {
            throw nothing(
                "no run is running in \(place.directory)", " (supervise list)", found.closed,
                command.rawValue)
        }
        if let run = runs.first, runs.count == 1 { return run }
        guard !runs.isEmpty else {
            throw nothing(
                "there are no runs in \(place.directory)", "", found.closed, command.rawValue)
        }
        let shown = running.isEmpty ? Array(runs.indices) : running
        var names = shown.prefix(8).map { "\(runs[$0].name) (\(glances[$0]?.word ?? "damaged"))" }
        if shown.count > names.count { names.append("…") }
        throw Complaint(
            "there are \(shown.count) runs: \(names.joined(separator: ", ")); "
                + "say which: supervise \(command.rawValue) NAME", status: Complaint.no)
    }
}

/// Runs that `supervise init` has made: there is nothing of them to show yet.
extension RunFinder {
    /// What a command answers that names such a run; nil if it is none.
    func initial(_ name: RunName) -> Complaint? {
        for directory in directories {
            let paths = RunPaths(stateDirectory: directory, name: name)
            if (try? RunStore(paths).hasNotBegun()) == true {
                return Complaint(sentence(name, paths.run), status: Complaint.no)
            }
        }
        return nil
    }

    /// A line for each of them.
    func initialNotes() -> [String] {
        directories.flatMap { directory in
            StateDirectory(directory).initialRuns().map { sentence($0, "\(directory)/\($0)") }
        }
    }

    private func sentence(_ name: RunName, _ path: String) -> String {
        "run \(name) was made by supervise init and has not begun (\(HumanText.printable(path))); it "
            + "begins when its command is started"
    }
}

/// Runs of somebody else, who keeps them closed: those of services, for whoever is not root.
struct ClosedRuns: Equatable, Sendable {
    /// Their state directory.
    let directory: String
    /// None where that itself is closed.
    var names: [RunReference] = []
    var user = userId()

    /// What cannot be read, by whom, and how it can.
    ///
    /// - Parameter call: of `supervise`, that was in vain.
    func sentence(for call: String) -> String {
        let owner = names.count > 1 ? "their owner" : "its owner"
        return "user \(user) may not read \(what); call it as \(owner), or as root: "
            + "sudo supervise \(call)"
    }

    private var what: String {
        guard let first = names.first else { return directory }
        guard names.count > 1 else { return "\(directory)/\(first)" }
        var shown = names.prefix(8).map(\.description)
        if names.count > shown.count { shown.append("…") }
        return "\(names.count) runs in \(directory) (\(shown.joined(separator: ", ")))"
    }
}

extension FoundRun {
    /// That we may not read it, or not even know whether it is there; nil where we may, or where it
    /// cannot be read for another reason.
    var closed: ClosedRuns? {
        guard case .failure(let error) = record, error.isForbidden else { return nil }
        let isKnown = (try? Disk().status(store.paths.run)) != nil
        return ClosedRuns(directory: store.paths.stateDirectory, names: isKnown ? [name] : [])
    }
}

extension StoreError {
    /// The permissions are in the way.
    var isForbidden: Bool { systemError?.isForbidden ?? false }
}
