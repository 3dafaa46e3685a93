import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("Watched paths that may not be complete")
struct WaitingPathsTests {
    private typealias Paths = WaitingPaths<Int>

    private let path = FilePath("/out/a")
    private var paths = Paths()

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// The entry of a path that was added with this evidence, and looked like 1.
    private mutating func entry(_ evidence: Paths.Evidence) throws -> Paths.Entry {
        paths.add(path, 1, for: .seconds(1), evidence, at: at(0))
        let taken = paths.takeAll(dueAt: at(1))
        return try #require(taken.first?.1)
    }

    @Test("a file that was closed is complete if nothing has happened to it since")
    mutating func closed() throws {
        let entry = try entry(.closed)
        #expect(entry.verdict(1, isBeingWritten: false) == .isComplete(wasMoved: false))
        #expect(entry.verdict(1, isBeingWritten: nil) == .isComplete(wasMoved: false))
        #expect(entry.verdict(1, isBeingWritten: true) == .willBeReported)
        #expect(entry.verdict(2, isBeingWritten: false) == .willBeReported)
    }

    @Test("a file that was renamed into place is complete when nobody writes to it")
    mutating func named() throws {
        let entry = try entry(.named)
        #expect(entry.verdict(1, isBeingWritten: false) == .isComplete(wasMoved: true))
        #expect(entry.verdict(2, isBeingWritten: nil) == .isComplete(wasMoved: false))
        #expect(entry.verdict(1, isBeingWritten: true) == .waitsAgain)
    }

    @Test("a file that was created with content waits until it stays as it is")
    mutating func created() throws {
        let entry = try entry(.created)
        #expect(entry.verdict(1, isBeingWritten: false) == .isComplete(wasMoved: false))
        #expect(entry.verdict(2, isBeingWritten: false) == .waitsAgain)
        #expect(entry.verdict(1, isBeingWritten: true) == .waitsAgain)
        #expect(entry.verdict(1, isBeingWritten: nil) == .willBeReported)
    }

    @Test("a file that waits again waits twice as long, and keeps its place and its time")
    mutating func again() throws {
        let entry = try entry(.named)
        paths.add(FilePath("/out/b"), 1, for: .seconds(2), .closed, at: at(1))
        paths.addAgain(path, entry, 1, at: at(1))
        #expect(paths.nextDue == at(3))
        let taken = paths.takeAll()
        #expect(taken.map(\.0.text) == ["/out/a", "/out/b"])
        #expect(taken.first?.1.since == at(0) && paths.isEmpty)
    }

    @Test("the close of a file that was renamed while it was open leaves it renamed")
    mutating func closeAfterRename() throws {
        paths.add(path, 1, for: .seconds(1), .named, at: at(0))
        let entry = try entry(.closed)
        #expect(entry.wasNamed(1))
    }

    @Test("a content that is noticed late was completed before one that was written later")
    func lateNotice() {
        var times = CompletionTimes()
        times.note(writtenAt: 50, completedAt: at(9), clock: 100)
        let earlier = times.completion(ofWrittenAt: 40, seenAt: at(10), clock: 100)
        let later = times.completion(ofWrittenAt: 60, seenAt: at(10), clock: 100)
        let unknown = times.completion(ofWrittenAt: 40, seenAt: at(10), clock: 45)
        #expect(earlier == at(9) - .nanoseconds(1) && later == at(10) && unknown == at(10))
    }

    @Test("a directory is quiet when its files are old, or from the future")
    func quiet() {
        let timing = WatchTiming(directory: .seconds(2))
        #expect(timing.isQuiet(for: .seconds(2)) && timing.isQuiet(for: .seconds(-1)))
        #expect(!timing.isQuiet(for: .seconds(1)) && !timing.isQuiet(for: .zero))
    }
}
