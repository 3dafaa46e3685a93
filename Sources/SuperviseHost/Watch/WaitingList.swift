import SuperviseCore
import SuperviseFormats
import SuperviseSystem

/// What is not complete yet, or may not be: each path once, in the order in which it was last added.
struct WaitingList {
    struct Entry {
        /// How it looked when it was added.
        let mark: Mark
        /// When it was closed, or something last happened in it.
        let since: MonotonicTime
        let evidence: Evidence
        /// How long it waits this time.
        fileprivate(set) var wait: Duration
        fileprivate let due: MonotonicTime
        /// Of what was closed at the same moment, which came first.
        fileprivate let number: Int
    }

    /// What was seen of it.
    enum Evidence: Equatable {
        /// It was closed, or something happened in it.
        case closed
        /// It has its name from a rename or a link, as it looked then; if it is still open for
        /// writing, no event may tell when that ends.
        case named
        /// It was created with content: by a link, or by a writer whose `close` will be told.
        case created
    }

    private var entries: [FilePath: Entry] = [:]
    private var lastNumber = 0

    var isEmpty: Bool { entries.isEmpty }

    /// When the first of them is to be looked at.
    var nextDue: MonotonicTime? { entries.values.map(\.due).min() }

    /// It waits from now on, also where it waited before.
    mutating func add(
        _ path: FilePath, _ mark: Mark, for time: Duration, _ evidence: Evidence = .closed
    ) {
        let now = MonotonicTime.now()
        lastNumber += 1
        var evidence = evidence
        // The close of what was named while it was still open.
        if let entry = entries[path], entry.evidence == .named, entry.mark == mark {
            evidence = .named
        }
        entries[path] = Entry(
            mark: mark, since: now, evidence: evidence, wait: time, due: now + time,
            number: lastNumber)
    }

    /// It waits once more.
    ///
    /// - Parameters:
    ///   - entry: as it was taken from here.
    ///   - mark: how it looks now; what was written after it was named is no longer complete by that.
    mutating func addAgain(_ path: FilePath, _ entry: Entry, _ mark: Mark) {
        let isChanged = mark != entry.mark
        let time = WatchTiming.next(after: entry.wait)
        let now = MonotonicTime.now()
        entries[path] = Entry(
            mark: mark, since: isChanged ? now : entry.since,
            evidence: isChanged ? .closed : entry.evidence, wait: time,
            due: now + time, number: entry.number)
    }

    mutating func remove(_ path: FilePath) {
        entries[path] = nil
    }

    mutating func remove(where isMeant: (FilePath) -> Bool) {
        for path in entries.keys where isMeant(path) { entries[path] = nil }
    }

    /// - Parameter dueAt: those that are due by then; without it, all.
    mutating func takeAll(dueAt now: MonotonicTime? = nil) -> [(FilePath, Entry)] {
        let taken = entries.filter { entry in now.map { entry.value.due <= $0 } ?? true }
        for path in taken.keys { entries[path] = nil }
        return taken.map { ($0.key, $0.value) }.sorted { $0.1.number < $1.1.number }
    }
}
