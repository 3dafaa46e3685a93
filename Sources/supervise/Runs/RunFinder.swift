import SuperviseFormats
import SuperviseHost
import SuperviseStore

/// Finds the run that is meant.
struct RunFinder: Sendable {
    /// Where the runs are.
    let place: StatePlace
    let now: Timestamp
    /// Where runs of services are, which are looked for where none was found.
    var services = StatePlace.ofServices

    /// The run that was named, or the one that is meant where none was: the one that is running, or
    /// else the only one that there is.
    func run(_ name: String?, for command: Command) throws(Complaint) -> FoundRun {
        guard let name else { return try only(for: command) }
        guard let valid = RunName(name) else {
            let shown = HumanText.printable(name)
            throw Complaint("\"\(shown)\" cannot be the name of a run (supervise list)")
        }
        for directory in directories {
            if let found = FoundRun.read(valid, in: directory) { return found }
        }
        let names = try all().map(\.name.description)
        let hint =
            Suggestion.nearest(to: name, among: names).map { "; did you mean \($0)?" }
            ?? " (supervise list)"
        throw Complaint(
            "there is no run \(name) in \(place.directory)\(hint)", status: Complaint.no)
    }

    /// All runs, in order of name.
    func all() throws(Complaint) -> [FoundRun] {
        var found: [FoundRun] = []
        for directory in directories {
            do throws(StoreError) {
                found += try StateDirectory(directory).runs().compactMap {
                    FoundRun.read($0, in: directory)
                }
            } catch {
                // The services' directory may well be closed to us.
                if directory == place.directory { throw Complaint("\(error)") }
            }
        }
        return found
    }

    private var directories: [String] {
        place.isChosen || place.directory == services
            ? [place.directory] : [place.directory, services]
    }

    private func only(for command: Command) throws(Complaint) -> FoundRun {
        let runs = try all()
        let glances = runs.map { try? $0.glance(at: now) }
        let running = runs.indices.filter { glances[$0]?.isRunning == true }
        if let index = running.first, running.count == 1 { return runs[index] }
        if command.needsSupervisor, running.isEmpty {
            throw Complaint(
                "no run is running in \(place.directory) (supervise list)", status: Complaint.no)
        }
        if let run = runs.first, runs.count == 1 { return run }
        guard !runs.isEmpty else {
            throw Complaint("there are no runs in \(place.directory)", status: Complaint.no)
        }
        let shown = running.isEmpty ? Array(runs.indices) : running
        var names = shown.prefix(8).map { "\(runs[$0].name) (\(glances[$0]?.word ?? "damaged"))" }
        if shown.count > names.count { names.append("…") }
        throw Complaint(
            "there are \(shown.count) runs: \(names.joined(separator: ", ")); "
                + "say which: supervise \(command.rawValue) NAME", status: Complaint.no)
    }
}
