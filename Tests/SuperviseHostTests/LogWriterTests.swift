import SuperviseCore
import SuperviseStore
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

@testable import SuperviseHost

/// What the job writes, on its way to a disk that may hang.
@Suite("Log writer")
final class LogWriterTests {
    private static let piece = [UInt8](repeating: 0x61, count: Backlog.piece)
    private let disk = SlowDisk()
    private let place: TemporaryDirectory
    private let warnings = Count()

    init() throws { place = try TemporaryDirectory() }

    deinit { disk.goOn() }

    private final class Count: Sendable {
        private let number = Mutex(0)

        var now: Int { number.withLock { $0 } }

        func add() { number.withLock { $0 += 1 } }
    }

    /// Each piece is a file, and for each the one before gets another name.
    private func writer() throws -> LogWriter {
        let log = OutputLog(
            directory: "\(place.path)/output", limit: Int64(Backlog.piece), files: disk)
        let writer = try LogWriter(log, rotated: {}) { [warnings] _ in warnings.add() }
        writer.begin(attempt: 1)
        return writer
    }

    /// Does something on a thread of its own.
    ///
    /// - Returns: waits for its end, for so long.
    private func beside(_ work: @escaping @Sendable () -> Void) throws -> (Duration) -> Bool {
        let bell = try Bell()
        WorkerLane(name: "beside", threads: 1).submit {
            work()
            bell.ring()
        }
        return { bell.wait(atMost: $0) }
    }

    private func fill(_ writer: LogWriter) {
        for _ in 0..<(LogPatience.mostWaiting / Backlog.piece) { writer.add(Self.piece[...]) }
    }

    @Test("a disk that was hung is waited for again as soon as it takes something")
    func waitsAgain() throws {
        let writer = try writer()
        disk.hang(on: .rename)
        fill(writer)
        fill(writer)
        writer.add(Self.piece[...])
        #expect(warnings.now == 1)
        disk.goOn()
        try waitBriefly { writer.drain() }
        disk.hang(on: .rename)
        fill(writer)
        disk.waitUntilHanging(on: .rename)
        let ends = try beside { writer.add(Self.piece[...]) }
        #expect(!ends(.milliseconds(200)), "nobody waits for the disk any more")
        disk.goOn()
        #expect(ends(patience))
        #expect(warnings.now == 1)
    }

    @Test("what is left in memory is on the disk before the end is told")
    func finish() throws {
        let writer = try writer()
        disk.hang(on: .write)
        writer.add(Array("the last words\n".utf8)[...])
        let told = Count()
        let loop = try EventLoop()
        // Made here, and from now on its thread's alone.
        nonisolated(unsafe) let pump = OutputPump(
            on: loop, log: writer, outlets: [], keepsTail: true
        ) { note in
            if case .finished = note { told.add() }
        }
        let ends = try beside { pump.obey(.finish) }
        #expect(!ends(.milliseconds(200)) && told.now == 0)
        disk.goOn()
        #expect(ends(patience) && told.now == 1)
        #expect(try place.read("output/attempt-0001.log") == "the last words\n")
    }
}
