import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem

/// The directories that a run watches, each claimed by a lock beside those of the runs, so that a second
/// run that watches one of them says so. A claim refuses nothing.
///
/// Runs of the same state directory know of each other. The locks are the supervisor's alone and go with
/// it; how many runs are stored makes no difference.
struct WatchClaims {
    let paths: RunPaths

    struct Claimed {
        var locks: [FileLock] = []
        /// What people should know.
        var lines: [String] = []
    }

    /// So many runs of one directory know of each other.
    private static let slots = 4

    /// - Parameter directory: what relative patterns are relative to.
    func take(_ patterns: [WatchPattern], in directory: String) -> Claimed {
        var claimed = Claimed()
        let places = Set(patterns.map { place(of: $0, in: directory) })
        for place in places.sorted() { claim(place, &claimed) }
        return claimed
    }

    /// What cannot be locked is claimed by nobody: the run works all the same.
    private func claim(_ place: FilePath, _ claimed: inout Claimed) {
        let name = Digest.of(Array(place.text.utf8)).hex.prefix(32)
        let files = (1...Self.slots).map { "\(paths.locks)/.watch-\(name)-\($0)" }
        var others: [String] = []
        for file in files {
            guard case .process? = try? FileLock.holder(file) else { continue }
            others.append(owner(in: file) ?? "another run")
        }
        for file in files {
            guard case .taken(let lock)? = try? FileLock.take(file) else { continue }
            try? lock.note(paths.name.description, file)
            claimed.locks.append(lock)
            break
        }
        guard !others.isEmpty else { return }
        claimed.lines.append(
            "\(HumanText.printable(place.text)) is watched by \(others.joined(separator: " and ")), "
                + "too: each takes what the other's job saves there for its own; let each save into "
                + "a directory of its own, or give another --watch")
    }

    private func owner(in file: String) -> String? {
        let lines = (try? readSmallFile(file))?.split(separator: "\n") ?? []
        return lines.count > 1 ? "run \(HumanText.printable(String(lines[1])))" : nil
    }

    /// Where looking begins, with links followed as far as it is there.
    private func place(of pattern: WatchPattern, in directory: String) -> FilePath {
        var place = FilePath(pattern.isAbsolute ? "/" : directory)
        for part in pattern.parts.dropLast() {
            guard let name = part.literal else { break }
            place = name == ".." ? place.parent : place.appending(name)
            if let resolved = try? Disk().resolved(place.text) { place = FilePath(resolved) }
        }
        return place
    }
}
