import Glibc
import SuperviseSystem
import Synchronization
import TestSupport
import Testing

@Suite("Work that several threads share")
struct SharedWorkTests {
    /// What was done, and by which threads.
    private final class Log: Sendable {
        struct Entry: Sendable {
            var number: Int
            var thread: UInt
        }

        private let entries = Mutex<[Entry]>([])

        func add(_ number: Int) {
            entries.withLock { $0.append(Entry(number: number, thread: UInt(pthread_self()))) }
        }

        var numbers: [Int] { entries.withLock { $0.map(\.number) } }
        var threads: Set<UInt> { entries.withLock { Set($0.map(\.thread)) } }
    }

    @Test("each number comes once, whoever takes it", arguments: [0, 1, 2, 7, 1000])
    func once(count: Int) {
        let lane = WorkerLane(name: "shared", threads: 4)
        let log = Log()
        WorkerLane.spread(count, beside: lane) { log.add($0) }
        #expect(log.numbers.sorted() == Array(0..<count))
        #expect(log.threads.count <= 4)
    }

    @Test("without a lane all is done here, in order")
    func alone() {
        let log = Log()
        WorkerLane.spread(5, beside: nil) { log.add($0) }
        #expect(log.numbers == [0, 1, 2, 3, 4])
        #expect(log.threads == [UInt(pthread_self())])
    }

    @Test("two work at the same time, where there are two threads")
    func atTheSameTime() throws {
        let lane = WorkerLane(name: "shared", threads: 2)
        let (reader, writer) = try pipe()
        defer { [reader, writer].forEach { _ = close($0) } }
        // The first waits for a byte of the second: alone it would wait for ever.
        WorkerLane.spread(2, beside: lane) { number in
            var byte: UInt8 = 0
            if number == 0 { _ = read(reader, &byte, 1) } else { _ = write(writer, &byte, 1) }
        }
    }

    @Test("a lane whose threads are all busy is not waited for")
    func busy() throws {
        let lane = WorkerLane(name: "shared", threads: 2)
        let (reader, writer) = try pipe()
        let begun = try pipe()
        for _ in 0..<2 {
            lane.submit {
                var byte: UInt8 = 0
                _ = write(begun.writer, &byte, 1)
                _ = read(reader, &byte, 1)
            }
        }
        var byte: UInt8 = 0
        for _ in 0..<2 { _ = read(begun.reader, &byte, 1) }
        let log = Log()
        WorkerLane.spread(3, beside: lane) { log.add($0) }
        #expect(log.numbers == [0, 1, 2])
        #expect(log.threads == [UInt(pthread_self())])
        _ = write(writer, [0, 0], 2)
    }

    private func pipe() throws -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [0, 0]
        try systemCall("pipe") { Glibc.pipe(&ends) }
        return (ends[0], ends[1])
    }

    @Test("the threads of a lane give way as much as they are told to, and no others do")
    func niceness() throws {
        let lane = WorkerLane(name: "nice", threads: 1, niceness: 5)
        let before = nice(0)
        let (reader, writer) = try pipe()
        lane.submit { _ = write(writer, [UInt8(20 + nice(0))], 1) }
        var byte: UInt8 = 0
        #expect(read(reader, &byte, 1) == 1)
        #expect(Int32(byte) - 20 == min(19, before + 5))
        #expect(nice(0) == before)
    }
}
