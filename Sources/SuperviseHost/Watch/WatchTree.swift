import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// The directories in which something can appear that fits a pattern, each watched.
///
/// A directory is entered when it appears, and left when it is gone. What is in it when it is
/// entered is told as found: nobody has seen how it came there. Below a directory that fits a
/// pattern itself everything is watched.
final class WatchTree {
    /// What is told of something that fits a pattern.
    enum Sign: Equatable {
        /// It is there; how it came there was not seen.
        case found
        /// It was created: by a link to a file that was there, or by a writer.
        case created
        case written
        case movedHere
        /// A directory that holds it was moved here.
        case movedWithDirectory

        /// Of what is in a directory of which this was seen.
        fileprivate var inside: Sign {
            switch self {
            case .movedHere, .movedWithDirectory: .movedWithDirectory
            case .found, .created, .written: .found
            }
        }
    }

    /// How something went away.
    enum Departure { case removed, moved }

    private let goals: WatchGoals
    private let files = Disk()
    private var inotify: Inotify?
    private var directories = WatchedDirectories()
    private var starts: Set<FilePath> = []
    /// Nobody watches for what takes its place, or only for some of the patterns.
    private var hasLostStart = false
    private var isLimitTold = false
    private var isDraining = false

    /// Gets what fits: its path, what it is, what was seen of it.
    var appeared: (FilePath, FileKind, Sign) -> Void = { _, _, _ in }
    /// Something has happened in this directory, which fits.
    var stirred: (FilePath) -> Void = { _ in }
    /// This is gone, and all below it.
    var gone: (FilePath, Departure) -> Void = { _, _ in }
    /// Gets a sentence about what cannot be watched.
    var warned: (String) -> Void = { _ in }
    /// All that came at once was told.
    var settled: () -> Void = {}

    /// - Throws: EMFILE.
    init(
        _ patterns: [WatchPattern], in directory: String, on loop: EventLoop
    ) throws(SystemError) {
        goals = WatchGoals(patterns, in: directory)
        inotify = try Inotify(on: loop) { [unowned self] in changed($0) }
    }

    /// Looks at everything, from the beginning; what is there is told as found.
    func look() {
        // One may be replaced while the others are looked at; one that always is, at the next change.
        for _ in 1...10 {
            lookOnce()
            if !hasLostStart { break }
        }
    }

    private func lookOnce() {
        for watch in directories.watches { inotify?.remove(watch) }
        directories = WatchedDirectories()
        starts = []
        hasLostStart = false
        for places in goals.starts() {
            // Where the place itself is missing, the nearest one above it that is there.
            for (path, goal) in places where enter(path, goal) || goal.depth == 0 {
                starts.insert(path)
                break
            }
        }
    }

    /// Tells of all that has happened so far, without ``settled``.
    func drain() {
        isDraining = true
        inotify?.drain()
        isDraining = false
    }

    /// Watches everything in a directory that fits.
    func watchInside(_ path: FilePath) {
        enter(path, inside: path)
    }

    /// - Returns: whether it is there.
    @discardableResult
    private func enter(
        _ path: FilePath, _ goal: WatchGoals.Goal? = nil, inside: FilePath? = nil,
        _ sign: Sign = .found
    ) -> Bool {
        guard let inotify else { return false }
        do throws(SystemError) {
            let watch = try inotify.add(path.text, for: .all)
            // Another one may have its name by now.
            if let known = directories[path], known.watch != watch { leave(path) }
            guard directories.enter(path, watch, goal, inside: inside) else { return true }
            if let above = goal.flatMap(goals.above) { enter(path.appending(".."), above) }
            // After the watch was added, so that nothing appears in between.
            for entry in try files.list(path.appending(".").text) where entry.isUTF8 {
                see(
                    entry.name, entry.kind, in: path, goals: goal.map { [$0] } ?? [], sign.inside)
                if inside != nil, entry.kind == .directory {
                    enter(path.appending(entry.name), inside: inside)
                }
            }
            return true
        } catch {
            complain(error)
            return false
        }
    }

    private func complain(_ error: SystemError) {
        if error.isMissing || error.isTaken || isLimitTold { return }
        isLimitTold = true
        let advice =
            error.isNoSpace
            ? "; raise fs.inotify.max_user_watches, or let the pattern fit fewer directories" : ""
        warned("a directory cannot be watched: \(error)\(advice)")
    }

    private func see(
        _ name: String, _ kind: FileKind, in path: FilePath, goals some: Set<WatchGoals.Goal>,
        _ sign: Sign
    ) {
        let found = path.appending(name)
        for goal in some {
            switch goals.answer(goal, to: name) {
            case .none: break
            case .reached:
                if kind == .file || kind == .directory { appeared(found, kind, sign) }
            case .leads(let next):
                // It may be a link to a directory.
                if kind != .other { enter(found, next, sign) }
            }
        }
    }

    private func changed(_ changes: [Inotify.Change]) {
        for change in changes {
            if change.kind == .lost {
                look()
            } else {
                for path in directories.paths(of: change.watch) { changed(change, in: path) }
            }
        }
        if hasLostStart { look() }
        if !isDraining { settled() }
    }

    private func changed(_ change: Inotify.Change, in path: FilePath) {
        guard let directory = directories[path] else { return }
        let kind: FileKind = change.isDirectory ? .directory : .file
        directory.inside.map(stirred)
        switch change.kind {
        case .created where change.isDirectory:
            see(change.name, .directory, in: path, goals: directory.goals, .found)
        case .created:
            // A file, another link to one, or a symbolic link, which may lead to a directory.
            see(change.name, .file, in: path, goals: directory.goals, .created)
        case .written: see(change.name, .file, in: path, goals: directory.goals, .written)
        case .movedHere:
            // A link to a directory had this name, and now another one has.
            if directories[path.appending(change.name)] != nil {
                leave(path.appending(change.name))
                gone(path.appending(change.name), .moved)
            }
            see(change.name, kind, in: path, goals: directory.goals, .movedHere)
        case .removed, .movedAway:
            leave(path.appending(change.name))
            gone(path.appending(change.name), change.kind == .removed ? .removed : .moved)
        case .directoryGone, .directoryMoved:
            leave(path)
            gone(path, change.kind == .directoryGone ? .removed : .moved)
            return
        case .lost: return
        }
        if let inside = directory.inside, change.isDirectory,
            change.kind == .created || change.kind == .movedHere
        {
            enter(path.appending(change.name), inside: inside)
        }
    }

    private func leave(_ path: FilePath) {
        if starts.contains(where: { $0.isBelow(path) }) { hasLostStart = true }
        for watch in directories.leave(path) { inotify?.remove(watch) }
    }
}
