import SuperviseFormats

/// What a job wrote and may not be complete: each path once, in the order in which it was last added.
///
/// A file that got its name by a rename or a link is complete once nobody writes to it; one that was
/// closed, if nothing has happened to it since.
///
/// - Parameter Mark: how a content looks from outside: two that are equal hold the same.
package struct WaitingPaths<Mark: Equatable & Sendable>: Sendable {
    package struct Entry: Sendable {
        /// How it looked when it was added.
        package let mark: Mark
        /// When it was closed, or something last happened in it.
        package let since: Instant
        fileprivate let evidence: Evidence
        /// How long it waits this time.
        fileprivate let wait: Duration
        fileprivate let due: Instant
        /// Of what was closed at the same moment, which came first.
        fileprivate let number: Int
    }

    /// What was seen of it.
    package enum Evidence: Equatable, Sendable {
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

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// When the first of them is to be looked at.
    package var nextDue: Instant? { entries.values.map(\.due).min() }

    /// It waits from now on, also if it waited before.
    package mutating func add(
        _ path: FilePath, _ mark: Mark, for time: Duration, _ evidence: Evidence, at now: Instant
    ) {
        lastNumber += 1
        var evidence = evidence
        // The close of what was named while it was still open.
        if let entry = entries[path], entry.wasNamed(mark) { evidence = .named }
        entries[path] = Entry(
            mark: mark, since: now, evidence: evidence, wait: time, due: now + time,
            number: lastNumber)
    }

    /// It waits once more.
    ///
    /// - Parameters:
    ///   - entry: as it was taken from here.
    ///   - mark: how it looks now; what was written after it was named is no longer complete by that.
    package mutating func addAgain(
        _ path: FilePath, _ entry: Entry, _ mark: Mark, at now: Instant
    ) {
        let isChanged = mark != entry.mark
        let time = WatchTiming.next(after: entry.wait)
        entries[path] = Entry(
            mark: mark, since: isChanged ? now : entry.since,
            evidence: isChanged ? .closed : entry.evidence, wait: time, due: now + time,
            number: entry.number)
    }

    package mutating func remove(_ path: FilePath) {
        entries[path] = nil
    }

    package mutating func remove(where isMeant: (FilePath) -> Bool) {
        for path in entries.keys where isMeant(path) { entries[path] = nil }
    }

    /// - Parameter now: takes those that are due by then; nil takes all.
    package mutating func takeAll(dueAt now: Instant? = nil) -> [(FilePath, Entry)] {
        let taken = entries.filter { entry in now.map { entry.value.due <= $0 } ?? true }
        for path in taken.keys { entries[path] = nil }
        return taken.map { ($0.key, $0.value) }.sorted { $0.1.number < $1.1.number }
    }
}

extension WaitingPaths.Entry {
    package enum Verdict: Equatable {
        case isComplete(wasMoved: Bool)
        case waitsAgain
        /// Its end will be reported by an event.
        case willBeReported
    }

    /// What becomes of a file whose wait is over.
    ///
    /// - Parameters:
    ///   - mark: how it looks now.
    ///   - isBeingWritten: nil if that cannot be known.
    package func verdict(_ mark: Mark, isBeingWritten: Bool?) -> Verdict {
        switch evidence {
        case .closed:
            if isBeingWritten == true || mark != self.mark { return .willBeReported }
        case .named:
            if isBeingWritten == true { return .waitsAgain }
        case .created:
            if isBeingWritten == nil { return .willBeReported }
            if isBeingWritten == true || mark != self.mark { return .waitsAgain }
        }
        return .isComplete(wasMoved: wasNamed(mark))
    }

    /// Nothing was written after it had its name.
    package func wasNamed(_ mark: Mark) -> Bool { evidence == .named && mark == self.mark }
}
