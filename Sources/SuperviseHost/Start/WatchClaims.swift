import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText

/// What a run watches, written into a locked file, so that a second run that watches some of the same says
/// so. A claim refuses nothing.
///
/// Runs of the same state directory know of each other. Each running one has a file here; the lock on it is
/// the supervisor's alone and goes with it. Files of supervisors that have gone are removed by the next start
/// that finds them, so how many runs are stored makes no difference.
struct WatchClaims {
    let paths: RunPaths

    struct Claimed {
        var locks: [FileLock] = []
        /// What people should know.
        var lines: [String] = []
    }

    private var home: String { "\(paths.locks)/.watch" }

    /// - Parameter directory: what relative patterns are relative to.
    func take(_ patterns: [WatchPattern], in directory: String) -> Claimed {
        let areas = patterns.map { area(of: $0, in: directory) }
        var claimed = Claimed()
        // Ours first: of two that start at once, one sees the other.
        if let lock = claim(areas) { claimed.locks = [lock] }
        var others: [FilePath: [String]] = [:]
        for (run, theirs) in claimsOfOthers() {
            for place in places(areas, theirs) { others[place, default: []].append(run) }
        }
        claimed.lines = others.sorted { $0.key < $1.key }.map { line($0.key, $0.value.sorted()) }
        return claimed
    }

    private func line(_ place: FilePath, _ runs: [String]) -> String {
        let names = runs.map { "run \(HumanText.printable($0))" }.joined(separator: " and ")
        return
            "\(HumanText.printable(place.text)) is watched by \(names), too: each takes what the "
            + "other's job saves there for its own; let each save into a directory of its own, or give "
            + "another \(OptionName.watch)"
    }

    /// The directories in which areas of the one overlap with some of the other.
    private func places(_ ours: [WatchedArea], _ theirs: [WatchedArea]) -> Set<FilePath> {
        var places: Set<FilePath> = []
        for (our, their) in ours.flatMap({ our in theirs.map { (our, $0) } })
        where our.overlaps(their) {
            let isInside = our.place.components.count >= their.place.components.count
            places.insert(isInside ? our.place : their.place)
        }
        return places
    }

    /// nil where nothing can be locked: the run works all the same.
    private func claim(_ areas: [WatchedArea]) -> FileLock? {
        let file = "\(home)/\(paths.name)"
        guard let bytes = try? JSONText.encode(areas) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        try? Disk().makeDirectory(home)
        // Somebody may be removing it, as nobody held it.
        for _ in 1...3 {
            guard case .taken(let lock)? = try? FileLock.take(file) else { continue }
            try? lock.note(text, file)
            if let areas = try? readSmallFile(file), areas.hasSuffix("\n\(text)\n") { return lock }
        }
        return nil
    }

    private func claimsOfOthers() -> [(run: String, areas: [WatchedArea])] {
        let names = ((try? Disk().list(home)) ?? []).map(\.name)
        return names.filter { $0 != "\(paths.name)" }.compactMap { name in
            let file = "\(home)/\(name)"
            guard case .process? = try? FileLock.holder(file) else {
                remove(file)
                return nil
            }
            let lines = (try? readSmallFile(file))?.split(separator: "\n") ?? []
            guard lines.count > 1,
                let areas = try? JSONText.decode([WatchedArea].self, from: lines[1].utf8)
            else { return nil }
            return (name, areas)
        }
    }

    private func remove(_ file: String) {
        guard case .taken(let lock)? = try? FileLock.take(file) else { return }
        try? Disk().removeFile(file)
        lock.release()
    }

    /// With links followed as far as it is there.
    private func area(of pattern: WatchPattern, in directory: String) -> WatchedArea {
        var place = FilePath(pattern.isAbsolute ? "/" : directory)
        var rest = FilePath(pattern.text).components.filter { $0 != "." }[...]
        while rest.count > 1, let name = rest.first.flatMap({ NamePattern($0.text).literal }) {
            rest.removeFirst()
            place = name == ".." ? place.parent : place.appending(name)
            if let resolved = try? Disk().resolved(place.text) { place = FilePath(resolved) }
        }
        return WatchedArea(place: place, rest: rest.map(\.text))
    }
}
