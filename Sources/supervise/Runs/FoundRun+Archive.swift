import SuperviseFormats
import SuperviseHost
import SuperviseStore

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
