import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// Finds out when what fits a pattern is complete, and tells of it once.
///
/// What was moved into place is complete. A file that was closed is, when nothing happens to it for
/// a moment in which the job could have died; a directory, when nothing happens in it for longer.
/// What looks as it did when it was last told, or as it did at the start, is nothing new.
final class Watcher {
    private let tree: WatchTree
    private let patterns: [WatchPattern]
    private let timing: WatchTiming
    private let complete: [CompletionPattern]
    private let post: (Event) -> Void
    private let look = MarkReader()
    private var timer: TimerSource?
    /// What is there, as it was told or found at the start.
    private var known: [FilePath: Mark] = [:]
    private var waiting = WaitingList()
    private var ready: [WatchedFile] = []
    /// Directories that fit, and lack what says that they are complete.
    private var incomplete: Set<FilePath> = []
    private var isStarting = true

    /// - Throws: EMFILE.
    init(
        _ patterns: [WatchPattern], in directory: String, on loop: EventLoop, timing: WatchTiming,
        complete: [CompletionPattern] = [], _ post: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.patterns = patterns
        self.timing = timing
        self.complete = complete
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
            for (path, entry) in waiting.takeAll() { tellAtEnd(path, entry) }
        case .gather(let since): gather(since)
        case .again(let path):
            known[path] = nil
            guard let mark = look.mark(of: path) else { break }
            waiting.add(path, mark, for: timing.directory)
        }
        tell()
        switch command {
        case .flush, .gather:
            if !complete.isEmpty { post(.watchIncomplete(incomplete.sorted())) }
            post(.watchFlushed)
        case .again: break
        }
    }

    private func appeared(_ path: FilePath, _ kind: FileKind, _ sign: WatchTree.Sign) {
        if kind == .directory { tree.watchInside(path) }
        guard let mark = look.mark(of: path), mark.isDirectory == (kind == .directory) else {
            return
        }
        if isStarting {
            known[path] = mark
        } else if kind == .directory {
            waiting.add(path, mark, for: timing.directory)
        } else if mark != known[path], mark.bytes > 0 {
            // What nobody saw coming shows it too, where it was moved into place.
            if sign == .movedHere || sign == .found && mark.wasMovedLast {
                ready(path, mark, since: .now(), wasMoved: true)
            } else {
                waiting.add(path, mark, for: timing.file)
            }
        }
    }

    private func stirred(_ path: FilePath) {
        if isStarting { return }
        waiting.add(path, Mark(isDirectory: true), for: timing.directory)
    }

    private func gone(_ path: FilePath) {
        guard !known.isEmpty || !waiting.isEmpty || !incomplete.isEmpty else { return }
        // With files that wait or are known below a directory that is gone.
        waiting.remove { $0.isBelow(path) }
        incomplete = incomplete.filter { !$0.isBelow(path) }
        for other in known.keys where other.isBelow(path) { known[other] = nil }
    }

    private func ring() {
        let now = MonotonicTime.now()
        // What has happened up to now counts.
        tree.drain()
        for (path, entry) in waiting.takeAll(dueAt: now) {
            if entry.mark.isDirectory {
                directoryIsDue(path, entry)
            } else {
                fileIsDue(path, entry)
            }
        }
        tell()
    }

    /// Where it is still being written, its end will be told.
    private func fileIsDue(_ path: FilePath, _ entry: WaitingList.Entry) {
        guard let mark = look.mark(of: path), mark == entry.mark,
            look.isBeingWritten(path) != true
        else { return }
        ready(path, mark, since: entry.since, wasMoved: false)
    }

    /// Whether it holds what says that a directory is complete, if it is one.
    private func isComplete(_ path: FilePath, _ mark: Mark) -> Bool {
        if !mark.isDirectory || complete.isEmpty { return true }
        if look.holds(complete, in: path) {
            incomplete.remove(path)
            return true
        }
        incomplete.insert(path)
        return false
    }

    private func directoryIsDue(_ path: FilePath, _ entry: WaitingList.Entry) {
        guard let mark = look.mark(of: path), mark.isDirectory, mark != known[path],
            isComplete(path, mark), mark.bytes > 0
        else { return }
        let quiet = wallClockNow() - mark.changed
        if (0..<timing.directory.nanoseconds).contains(quiet) || look.isBeingWritten(path) == true {
            // Somebody writes without closing, of which nothing is told.
            waiting.add(path, mark, for: timing.directory)
        } else {
            ready(path, mark, since: entry.since, wasMoved: false)
        }
    }

    private func tellAtEnd(_ path: FilePath, _ entry: WaitingList.Entry) {
        guard let mark = look.mark(of: path), mark != known[path], isComplete(path, mark),
            mark.bytes > 0, look.isBeingWritten(path) != true
        else { return }
        ready(path, mark, since: entry.since, wasMoved: mark.isDirectory && mark.wasMovedLast)
    }

    /// What was moved into place shows it: something has happened to it after its content changed.
    private func gather(_ since: Timestamp) {
        let found = known.keys.compactMap { path in look.mark(of: path).map { (path, $0) } }
        for (path, mark) in found.sorted(by: { $0.1.moved < $1.1.moved })
        where mark.wasMovedLast && mark.moved / 1_000_000 > since.milliseconds
            && isComplete(path, mark) && mark.bytes > 0
        {
            ready(path, mark, since: .now(), wasMoved: true)
        }
    }

    private func ready(_ path: FilePath, _ mark: Mark, since: MonotonicTime, wasMoved: Bool) {
        known[path] = mark
        waiting.remove(path)
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
        timer?.set(waiting.nextDue)
    }
}
