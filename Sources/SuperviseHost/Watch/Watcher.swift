import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Finds out when what fits a pattern is complete, and tells of it once.
///
/// What was moved into place is complete. A file that was closed is, when nothing happens to it for
/// a moment in which the job could have died; a directory, when nothing happens in it for longer.
/// What looks as it did when it was last told, or as it did at the start, is nothing new.
final class Watcher {
    private struct Waiting {
        var kind: FileKind
        var mark: Mark
        /// When it was closed, or something last happened in it.
        var since: MonotonicTime
        var due: MonotonicTime
        /// Of what was closed at the same moment, which came first.
        var number: Int
    }

    private let tree: WatchTree
    private let patterns: [WatchPattern]
    private let timing: WatchTiming
    private let post: (Event) -> Void
    private let look = MarkReader()
    private var timer: TimerSource?
    /// What is there, as it was told or found at the start.
    private var known: [String: Mark] = [:]
    private var waiting: [String: Waiting] = [:]
    private var ready: [WatchedFile] = []
    private var lastNumber = 0
    private var isStarting = true

    /// - Throws: EMFILE.
    init(
        _ patterns: [WatchPattern], in directory: String, on loop: EventLoop, timing: WatchTiming,
        _ post: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.patterns = patterns
        self.timing = timing
        self.post = post
        tree = try WatchTree(patterns, in: directory, on: loop)
        timer = try TimerSource(on: loop) { [unowned self] in ring() }
        tree.appeared = { [unowned self] in appeared($0, $1, $2) }
        tree.stirred = { [unowned self] in stirred($0) }
        tree.gone = { [unowned self] in gone($0) }
        tree.warned = { post(.warned($0)) }
        tree.settled = { [unowned self] in tell() }
    }

    func start() {
        tree.look()
        isStarting = false
    }

    func obey(_ command: FileWatch.Command) {
        tree.drain()
        switch command {
        case .flush:
            for (path, entry) in inOrder(waiting) { tellAtEnd(path, entry) }
            waiting = [:]
        case .gather(let since): gather(since)
        case .again(let path):
            known[path] = nil
            guard let mark = look.mark(of: path) else { break }
            wait(path, mark.isDirectory ? .directory : .file, mark, for: timing.directory)
        }
        tell()
        switch command {
        case .flush, .gather: post(.watchFlushed)
        case .again: break
        }
    }

    private func appeared(_ path: String, _ kind: FileKind, _ sign: WatchTree.Sign) {
        if kind == .directory { tree.watchInside(path) }
        guard let mark = look.mark(of: path), mark.isDirectory == (kind == .directory) else {
            return
        }
        if isStarting {
            known[path] = mark
        } else if kind == .directory {
            wait(path, kind, mark, for: timing.directory)
        } else if mark != known[path], mark.bytes > 0 {
            // What nobody saw coming shows it too, where it was moved into place.
            if sign == .movedHere || sign == .found && mark.wasMovedLast {
                ready(path, mark, since: .now(), wasMoved: true)
            } else {
                wait(path, kind, mark, for: timing.file)
            }
        }
    }

    private func stirred(_ path: String) {
        if isStarting { return }
        let now = MonotonicTime.now()
        lastNumber += 1
        waiting[path] = Waiting(
            kind: .directory, mark: .nothing, since: now, due: now + timing.directory,
            number: lastNumber)
    }

    private func gone(_ path: String) {
        guard known.count + waiting.count > 0 else { return }
        known[path] = nil
        waiting[path] = nil
        let below = path + "/"
        // Files that wait or are known below a directory that is gone.
        for other in known.keys where other.hasPrefix(below) { known[other] = nil }
        for other in waiting.keys where other.hasPrefix(below) { waiting[other] = nil }
    }

    private func wait(_ path: String, _ kind: FileKind, _ mark: Mark, for time: Duration) {
        let now = MonotonicTime.now()
        lastNumber += 1
        waiting[path] = Waiting(
            kind: kind, mark: mark, since: now, due: now + time, number: lastNumber)
    }

    private func ring() {
        let now = MonotonicTime.now()
        // What has happened up to now counts.
        tree.drain()
        for (path, entry) in inOrder(waiting.filter({ $0.value.due <= now })) {
            waiting[path] = nil
            if entry.kind == .directory {
                directoryIsDue(path, entry)
            } else {
                fileIsDue(path, entry)
            }
        }
        tell()
    }

    /// Where it is still being written, its end will be told.
    private func fileIsDue(_ path: String, _ entry: Waiting) {
        guard let mark = look.mark(of: path), mark == entry.mark,
            look.isBeingWritten(path) != true
        else { return }
        ready(path, mark, since: entry.since, wasMoved: false)
    }

    private func directoryIsDue(_ path: String, _ entry: Waiting) {
        guard let mark = look.mark(of: path), mark.isDirectory, mark.bytes > 0, mark != known[path]
        else { return }
        let quiet = wallClockNow() - mark.changed
        if (0..<timing.directory.nanoseconds).contains(quiet) || look.isBeingWritten(path) == true {
            // Somebody writes without closing, of which nothing is told.
            wait(path, .directory, mark, for: timing.directory)
        } else {
            ready(path, mark, since: entry.since, wasMoved: false)
        }
    }

    private func tellAtEnd(_ path: String, _ entry: Waiting) {
        guard let mark = look.mark(of: path), mark.bytes > 0, mark != known[path],
            look.isBeingWritten(path) != true
        else { return }
        ready(path, mark, since: entry.since, wasMoved: mark.isDirectory && mark.wasMovedLast)
    }

    /// What was moved into place shows it: something has happened to it after its content changed.
    private func gather(_ since: Timestamp) {
        let found = known.keys.compactMap { path in look.mark(of: path).map { (path, $0) } }
        for (path, mark) in found.sorted(by: { $0.1.moved < $1.1.moved })
        where mark.wasMovedLast && mark.bytes > 0 && mark.moved / 1_000_000 > since.milliseconds {
            ready(path, mark, since: .now(), wasMoved: true)
        }
    }

    private func ready(_ path: String, _ mark: Mark, since: MonotonicTime, wasMoved: Bool) {
        known[path] = mark
        waiting[path] = nil
        let step = patterns.lazy.compactMap { $0.step(in: path) }.first
        ready.removeAll { $0.path == path }
        ready.append(
            WatchedFile(
                path: path, step: step, completedAt: Instant(nanoseconds: since.nanoseconds),
                wasMoved: wasMoved))
    }

    private func tell() {
        if !ready.isEmpty { post(.watched(ready)) }
        ready = []
        timer?.set(waiting.values.map(\.due).min())
    }

    private func inOrder(_ entries: [String: Waiting]) -> [(String, Waiting)] {
        entries.map { ($0.key, $0.value) }.sorted { $0.1.number < $1.1.number }
    }
}
