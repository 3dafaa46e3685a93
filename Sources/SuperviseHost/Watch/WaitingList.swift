import SuperviseFormats
import SuperviseSystem

/// What is not complete yet, or may not be: each path once, in the order in which it was last added.
struct WaitingList {
    struct Entry {
        /// How it looked when it was added.
        let mark: Mark
        /// When it was closed, or something last happened in it.
        let since: MonotonicTime
        fileprivate let due: MonotonicTime
        /// Of what was closed at the same moment, which came first.
        fileprivate let number: Int
    }

    private var entries: [FilePath: Entry] = [:]
    private var lastNumber = 0

    var isEmpty: Bool { entries.isEmpty }

    /// When the first of them is to be looked at.
    var nextDue: MonotonicTime? { entries.values.map(\.due).min() }

    /// It waits from now on, also where it waited before.
    mutating func add(_ path: FilePath, _ mark: Mark, for time: Duration) {
        let now = MonotonicTime.now()
        lastNumber += 1
        entries[path] = Entry(mark: mark, since: now, due: now + time, number: lastNumber)
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
