import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import Synchronization

/// Finds out when what fits a pattern is complete, and tells of it once.
///
/// What got its name by a rename or a link, of its own or of a directory above it, is complete once
/// nobody writes to it. A file that was closed is, when nothing happens to it for a moment in which the
/// job could have died; a directory, when nothing happens in it for longer. A content that was told,
/// or was there at the start, is nothing new under another name (``KnownContents``).
final class Watcher {
    private let tree: WatchTree
    private let patterns: [WatchPattern]
    private let timing: WatchTiming
    private let complete: [CompletionPattern]
    private let post: (Event) -> Void
    private let look = MarkReader()
    private var timer: TimerSource?
    private var known = KnownContents()
    private var waiting = WaitingPaths<Mark>()
    private var ready: [(file: WatchedFile, mark: Mark)] = []
    private var times = CompletionTimes()
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
        tree.gone = { [unowned self] in gone($0, $1) }
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
        case .again(let path, let content):
            again(path, was: content)
        }
        tell()
        switch command {
        case .flush, .gather:
            if !complete.isEmpty { post(.watchIncomplete(incomplete.sorted())) }
            post(.watchFlushed)
        case .again: break
        }
    }

    /// Reports a file again whose content had changed when it was taken.
    ///
    /// - Parameter content: what it had been; nil where that is not known.
    private func again(_ path: FilePath, was content: ContentMark?) {
        let name = known.nameNow(path)
        guard let mark = look.mark(of: name) else { return }
        // Only its name has changed, or another content has the name; both were reported.
        let isOther = content.map { $0 != mark.content } ?? false
        if known.contains(mark), isOther || name != path { return }
        _ = known.forget(path)
        wait(name, mark, for: timing.directory)
    }

    private func appeared(_ path: FilePath, _ kind: FileKind, _ sign: WatchTree.Sign) {
        if kind == .directory { tree.watchInside(path) }
        guard let mark = look.mark(of: path), mark.isDirectory == (kind == .directory) else {
            return
        }
        if isStarting || known.contains(mark) {
            tell(known.name(path, mark))
            isNamedNow(path, mark)
        } else if kind == .directory {
            wait(path, mark, for: timing.directory, isNamed(mark, sign) ? .named : .closed)
        } else if mark.bytes > 0 {
            fileAppeared(path, mark, sign)
        }
    }

    /// Moves a content to the end of the order: it was reported at the event of an earlier content with
    /// this name, and its own rename comes only now.
    private func isNamedNow(_ path: FilePath, _ mark: Mark) {
        let index = ready.firstIndex { $0.file.path == path && $0.mark == mark }
        guard let index else { return }
        var (file, mark) = ready.remove(at: index)
        file.completedAt = now
        ready.append((file, mark))
    }

    private func fileAppeared(_ path: FilePath, _ mark: Mark, _ sign: WatchTree.Sign) {
        if !isNamed(mark, sign) {
            wait(path, mark, for: timing.file, sign == .created ? .created : .closed)
        } else if look.isBeingWritten(path) == true {
            wait(path, mark, for: timing.file, .named)
        } else {
            ready(path, mark, since: now, wasMoved: true)
        }
    }

    private func wait(
        _ path: FilePath, _ mark: Mark, for time: Duration,
        _ evidence: WaitingPaths<Mark>.Evidence = .closed
    ) {
        waiting.add(path, mark, for: time, evidence, at: now)
    }

    private var now: Instant { .now() }

    /// It was renamed or linked into place. Without an event, ctime > mtime shows that.
    private func isNamed(_ mark: Mark, _ sign: WatchTree.Sign) -> Bool {
        switch sign {
        case .movedHere, .movedWithDirectory: true
        case .found, .created: !mark.isDirectory && mark.wasMovedLast
        case .written: false
        }
    }

    private func stirred(_ path: FilePath) {
        if isStarting { return }
        wait(path, Mark(isDirectory: true), for: timing.directory)
    }

    private func gone(_ path: FilePath, _ departure: WatchTree.Departure) {
        guard !known.isEmpty || !waiting.isEmpty || !incomplete.isEmpty else { return }
        // With files that wait or are known below a directory that is gone.
        waiting.remove { $0.isBelow(path) }
        incomplete = incomplete.filter { !$0.isBelow(path) }
        tell(known.remove(path, mayComeBack: departure == .moved))
    }

    private func ring() {
        let now = now
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

    private func fileIsDue(_ path: FilePath, _ entry: WaitingPaths<Mark>.Entry) {
        guard let mark = look.mark(of: path), !known.contains(mark) else { return }
        switch entry.verdict(mark, isBeingWritten: look.isBeingWritten(path)) {
        case .isComplete(let wasMoved):
            ready(path, mark, since: entry.since, wasMoved: wasMoved)
        case .waitsAgain: waiting.addAgain(path, entry, mark, at: now)
        case .willBeReported: break
        }
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

    private func directoryIsDue(_ path: FilePath, _ entry: WaitingPaths<Mark>.Entry) {
        guard let mark = look.mark(of: path), mark.isDirectory else { return }
        if mark.bytes > 0, known.contains(mark) { return tell(known.name(path, mark)) }
        guard isComplete(path, mark), mark.bytes > 0 else { return }
        let isQuiet = timing.isQuiet(for: .nanoseconds(wallClockNow() - mark.changed))
        if !isQuiet || look.isBeingWritten(path) == true {
            // Somebody writes without closing, of which nothing is told.
            wait(path, mark, for: timing.directory)
        } else {
            ready(path, mark, since: entry.since, wasMoved: entry.wasNamed(mark))
        }
    }

    /// What is still being written may be closed by a process that outlives the job's leader.
    private func tellAtEnd(_ path: FilePath, _ entry: WaitingPaths<Mark>.Entry) {
        guard let mark = look.mark(of: path), !known.contains(mark), isComplete(path, mark),
            mark.bytes > 0
        else { return }
        if look.isBeingWritten(path) == true {
            return waiting.addAgain(path, entry, mark, at: now)
        }
        ready(
            path, mark, since: entry.since,
            wasMoved: entry.wasNamed(mark) || mark.isDirectory && mark.wasMovedLast)
    }

    /// What was moved into place shows it: something has happened to it after its content changed.
    private func gather(_ since: Timestamp) {
        let found = known.paths.compactMap { path in look.mark(of: path).map { (path, $0) } }
        for (path, mark) in found.sorted(by: { $0.1.moved < $1.1.moved })
        where mark.wasMovedLast && mark.moved / 1_000_000 > since.milliseconds
            && isComplete(path, mark) && mark.bytes > 0
        {
            ready(path, mark, since: now, wasMoved: true)
        }
    }

    private func ready(_ path: FilePath, _ mark: Mark, since: Instant, wasMoved: Bool) {
        tell(known.tell(path, mark))
        waiting.remove(path)
        let step = patterns.lazy.compactMap { $0.step(in: path) }.first
        ready.removeAll { $0.file.path == path }
        var file = WatchedFile(
            path: path, step: step,
            completedAt: times.completion(
                ofWrittenAt: mark.changed, seenAt: since, clock: wallClockNow()),
            wasMoved: wasMoved)
        file.content = mark.content
        ready.append((file, mark))
    }

    /// What was told under one name has another one now.
    private func tell(_ renamed: [KnownContents.Renamed]) {
        for change in renamed {
            if let index = ready.firstIndex(where: { $0.file.path == change.from }) {
                ready[index].file.path = change.to
                continue
            }
            if change.from != change.to {
                post(.watchedRenamed(from: change.from, to: change.to))
            }
            if let left = change.left { post(.payloadMoved(from: left.path, to: change.to)) }
        }
    }

    /// Of those that came at once, the one that was written last is the newest, and of equals the one that
    /// got its name last.
    private func tell() {
        // A file that was looked at may have taken the place of one that was moved away: all that happened
        // up to that look counts, so that the older one comes first.
        tree.drain()
        if !ready.isEmpty {
            let ordered = ready.enumerated().sorted {
                let (one, other) = ($0.element.mark, $1.element.mark)
                return (one.changed, $0.offset) < (other.changed, $1.offset)
            }
            let files = ordered.map(\.element.file).inOrderOfNaming
            for (one, file) in zip(ordered, files) {
                times.note(
                    writtenAt: one.element.mark.changed, completedAt: file.completedAt,
                    clock: wallClockNow())
            }
            post(.watched(files))
        }
        ready = []
        timer?.set(waiting.nextDue.map { MonotonicTime($0) })
    }
}

/// Sees to it that each flush is answered once, also by a watch that has failed.
///
/// Flushes are ordered on one thread and answered on another.
final class FlushAnswers: Sendable {
    private struct State {
        var open = 0
        var isFailed = false
    }

    private let state = Mutex(State())

    /// - Returns: false where nobody carries it out any more, so that it is to be answered at once.
    func order() -> Bool {
        state.withLock { state in
            if state.isFailed { return false }
            state.open += 1
            return true
        }
    }

    func wasAnswered() {
        state.withLock { $0.open -= 1 }
    }

    /// - Returns: how many have had no answer, and get none from the watch.
    func fail() -> Int {
        state.withLock { state in
            defer { state.open = 0 }
            state.isFailed = true
            return state.open
        }
    }
}
