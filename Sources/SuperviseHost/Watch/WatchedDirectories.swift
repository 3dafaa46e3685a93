import SuperviseFormats
import SuperviseSystem

/// The directories that are watched, by path and by watch. One that can be reached by several paths
/// has one watch.
struct WatchedDirectories {
    struct Directory {
        let watch: Int32
        fileprivate(set) var goals: Set<WatchGoals.Goal> = []
        /// What fits a pattern and holds this one, or is it.
        fileprivate(set) var inside: FilePath?
    }

    private var directories: [FilePath: Directory] = [:]
    private var paths: [Int32: Set<FilePath>] = [:]

    subscript(_ path: FilePath) -> Directory? { directories[path] }

    func paths(of watch: Int32) -> Set<FilePath> { paths[watch] ?? [] }

    var watches: [Int32] { Array(paths.keys) }

    /// Adds a directory, or to what is known of it.
    ///
    /// - Returns: whether there was anything to add.
    mutating func enter(
        _ path: FilePath, _ watch: Int32, _ goal: WatchGoals.Goal?, inside: FilePath?
    ) -> Bool {
        var directory = directories[path] ?? Directory(watch: watch)
        let isKnown = goal.map { directory.goals.contains($0) } ?? (directory.inside == inside)
        goal.map { _ = directory.goals.insert($0) }
        directory.inside = inside ?? directory.inside
        directories[path] = directory
        paths[watch, default: []].insert(path)
        return !isKnown
    }

    /// Forgets a directory and all below it.
    ///
    /// - Returns: the watches that nobody needs any more.
    mutating func leave(_ path: FilePath) -> [Int32] {
        guard directories[path] != nil else { return [] }
        var unneeded: [Int32] = []
        for (left, directory) in directories where left.isBelow(path) {
            directories[left] = nil
            paths[directory.watch]?.remove(left)
            if paths[directory.watch]?.isEmpty == true {
                paths[directory.watch] = nil
                unneeded.append(directory.watch)
            }
        }
        return unneeded
    }
}

/// A watched path as it really is: symbolic links in the directories above it are followed.
///
/// A payload that stays in place is stored under this path. It is found when the content is looked at,
/// as a link may lead elsewhere later.
struct RealPath: Hashable, Sendable {
    let path: FilePath

    init(_ path: FilePath) { self.path = path }

    /// - Parameter told: an absolute path. Its last name is never that of a link, for no link is watched.
    init?(_ told: FilePath, _ files: Disk) {
        guard let directory = try? files.resolved(told.parent.text) else { return nil }
        path = FilePath(directory).appending(told.name)
    }
}
