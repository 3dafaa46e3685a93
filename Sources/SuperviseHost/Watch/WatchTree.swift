import SuperviseCore
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
        case written
        case movedHere
    }

    private struct Goal: Hashable {
        let pattern: Int
        /// How many parts of the pattern the directory's path has fitted.
        let depth: Int
    }

    private struct Directory {
        let watch: Int32
        var goals: Set<Goal> = []
        /// What fits a pattern and holds this one, or is it.
        var inside: String?
    }

    /// The parts of each pattern from the root on, and where looking begins.
    private let patterns: [(parts: [NamePattern], start: Int)]
    private let files = Disk()
    private var inotify: Inotify?
    private var directories: [String: Directory] = [:]
    private var paths: [Int32: Set<String>] = [:]
    private var starts: Set<String> = []
    private var isLimitTold = false

    /// Gets what fits: its path, what it is, what was seen of it.
    var appeared: (String, FileKind, Sign) -> Void = { _, _, _ in }
    /// Something has happened in this directory, which fits.
    var stirred: (String) -> Void = { _ in }
    /// This is gone, and all below it.
    var gone: (String) -> Void = { _ in }
    /// Gets a sentence about what cannot be watched.
    var warned: (String) -> Void = { _ in }
    /// All that came at once was told.
    var settled: () -> Void = {}

    /// - Throws: EMFILE.
    init(
        _ patterns: [WatchPattern], in directory: String, on loop: EventLoop
    ) throws(SystemError) {
        let base = directory.split(separator: "/").map { NamePattern(literal: String($0)) }
        self.patterns = patterns.map { pattern in
            let leading = pattern.parts.dropLast().prefix { $0.literal != nil }.count
            return pattern.isAbsolute
                ? (pattern.parts, max(0, leading - 1)) : (base + pattern.parts, base.count)
        }
        inotify = try Inotify(on: loop) { [unowned self] in changed($0) }
    }

    /// Looks at everything, from the beginning; what is there is told as found.
    func look() {
        for directory in directories.values { inotify?.remove(directory.watch) }
        directories = [:]
        paths = [:]
        starts = []
        for (number, pattern) in patterns.enumerated() {
            // Where the place itself is missing, the nearest one above it that is there.
            var depth = pattern.start
            while true {
                let names = pattern.parts[..<depth].map { $0.literal ?? "" }
                let path = "/" + names.joined(separator: "/")
                if enter(path, Goal(pattern: number, depth: depth)) || depth == 0 {
                    starts.insert(path)
                    break
                }
                depth -= 1
            }
        }
    }

    func drain() {
        inotify?.drain()
    }

    /// Watches everything in a directory that fits.
    func watchInside(_ path: String) {
        enter(path, inside: path)
    }

    /// - Returns: whether it is there.
    @discardableResult
    private func enter(_ path: String, _ goal: Goal? = nil, inside: String? = nil) -> Bool {
        guard let inotify else { return false }
        do throws(SystemError) {
            let watch = try inotify.add(path, for: .all)
            var directory = directories[path] ?? Directory(watch: watch)
            if directory.watch != watch {
                // Another one has its name by now.
                leave(path)
                directory = Directory(watch: watch)
            }
            let isKnown = goal.map { directory.goals.contains($0) } ?? (directory.inside == inside)
            goal.map { _ = directory.goals.insert($0) }
            directory.inside = inside ?? directory.inside
            directories[path] = directory
            paths[watch, default: []].insert(path)
            if isKnown { return true }
            if let goal, patterns[goal.pattern].parts[goal.depth].literal == ".." {
                enter(join(path, ".."), Goal(pattern: goal.pattern, depth: goal.depth + 1))
            }
            // After the watch was added, so that nothing appears in between.
            for entry in try files.list(join(path, ".")) where entry.isUTF8 {
                see(entry.name, entry.kind, in: path, goals: goal.map { [$0] } ?? [], .found)
                if inside != nil, entry.kind == .directory {
                    enter(join(path, entry.name), inside: inside)
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
        _ name: String, _ kind: FileKind, in path: String, goals: Set<Goal>, _ sign: Sign
    ) {
        for goal in goals {
            let parts = patterns[goal.pattern].parts
            guard parts[goal.depth].fits(name) else { continue }
            let found = join(path, name)
            if goal.depth == parts.count - 1 {
                if kind == .file || kind == .directory { appeared(found, kind, sign) }
            } else if kind != .other {
                // It may be a link to a directory.
                enter(found, Goal(pattern: goal.pattern, depth: goal.depth + 1))
            }
        }
    }

    private func changed(_ changes: [Inotify.Change]) {
        for change in changes {
            if change.kind == .lost {
                look()
            } else {
                for path in paths[change.watch] ?? [] { changed(change, in: path) }
            }
        }
        settled()
    }

    private func changed(_ change: Inotify.Change, in path: String) {
        guard let directory = directories[path] else { return }
        let kind: FileKind = change.isDirectory ? .directory : .file
        directory.inside.map(stirred)
        switch change.kind {
        case .created where change.isDirectory:
            see(change.name, .directory, in: path, goals: directory.goals, .found)
        case .created:
            // A link to a directory; a file is complete when it is closed.
            let above = directory.goals.filter { $0.depth < patterns[$0.pattern].parts.count - 1 }
            see(change.name, .link, in: path, goals: above, .found)
        case .written: see(change.name, .file, in: path, goals: directory.goals, .written)
        case .movedHere:
            leave(join(path, change.name))
            see(change.name, kind, in: path, goals: directory.goals, .movedHere)
        case .gone:
            leave(join(path, change.name))
            gone(join(path, change.name))
        case .directoryGone:
            leave(path)
            gone(path)
            if starts.contains(path) { look() }
            return
        case .lost: return
        }
        if let inside = directory.inside, change.isDirectory,
            change.kind == .created || change.kind == .movedHere
        {
            enter(join(path, change.name), inside: inside)
        }
    }

    /// Forgets a directory and all below it.
    private func leave(_ path: String) {
        guard directories[path] != nil else { return }
        let below = join(path, "")
        for (left, directory) in directories where left == path || left.hasPrefix(below) {
            directories[left] = nil
            paths[directory.watch]?.remove(left)
            if paths[directory.watch]?.isEmpty == true {
                paths[directory.watch] = nil
                inotify?.remove(directory.watch)
            }
        }
    }

    private func join(_ path: String, _ name: String) -> String {
        path == "/" ? "/" + name : "\(path)/\(name)"
    }
}
