import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseStore

@Suite("The files of a job's output")
struct OutputLogTests {
    private func sizes(_ directory: String) throws -> [String: Int64] {
        var sizes: [String: Int64] = [:]
        for entry in try Disk().list(directory) {
            sizes[entry.name] = try Disk().status("\(directory)/\(entry.name)").size
        }
        return sizes
    }

    @Test("have names that sort by when they were written, and no other name is one")
    func names() {
        #expect(OutputFile(attempt: 2).name == "attempt-0002.log")
        #expect(OutputFile(attempt: 12345, number: 3).name == "attempt-12345.log.3")
        for name in ["attempt-0002.log", "attempt-0002.log.12", "attempt-12345.log"] {
            #expect(OutputFile(name)?.name == name)
        }
        for name in [
            "attempt-2.log", "attempt-0002.log.0", "attempt-0002.log.01", "attempt-0002",
            "attempt-0002.log.1.2", "attempt--002.log", "hang-0002.log", "",
        ] {
            #expect(OutputFile(name) == nil, "\(name)")
        }
        let sorted = [
            OutputFile(attempt: 1, number: 2), OutputFile(attempt: 1),
            OutputFile(attempt: 2, number: 10),
            OutputFile(attempt: 2, number: 9), OutputFile(attempt: 2),
        ]
        #expect(sorted.reversed().sorted() == sorted)
    }

    @Test("are begun anew when full, and the oldest go: never more than four times the limit")
    func rotation() throws {
        let directory = try TemporaryDirectory()
        let log = OutputLog(directory: "\(directory.path)/output", limit: 1000)
        log.begin(attempt: 1)
        var all: [UInt8] = []
        for number in 0..<60 {
            let piece = [UInt8](repeating: UInt8(number), count: 170)
            let place = try #require(try log.append(piece[...]))
            #expect(try place.file.read(at: place.offset, limit: 170) == piece)
            all += piece
            let found = try sizes("\(directory.path)/output")
            #expect(found.values.allSatisfy { $0 <= 1000 })
            #expect(found.values.reduce(0, +) <= 4000)
        }
        let names = try OutputFile.all(in: "\(directory.path)/output")
        #expect(names.map(\.number) == Array(0...names.count - 1).reversed() && names.count >= 4)
        let kept = try names.flatMap {
            try Disk().readFile("\(directory.path)/output/\($0.name)", limit: 10_000)
        }
        #expect(kept == Array(all.suffix(kept.count)) && kept.count >= 3000)
    }

    @Test("an attempt that wrote nothing has none, and old attempts make room for new ones")
    func attempts() throws {
        let directory = try TemporaryDirectory()
        let log = OutputLog(directory: "\(directory.path)/output", limit: 1000)
        log.begin(attempt: 1)
        _ = try log.append([UInt8](repeating: 1, count: 900)[...])
        log.begin(attempt: 2)
        for attempt in 3...300 {
            log.begin(attempt: attempt)
            _ = try log.append([2])
        }
        let names = try OutputFile.all(in: "\(directory.path)/output")
        #expect(names.count == 100 && names.last == OutputFile(attempt: 300))
        #expect(!names.contains { $0.attempt == 2 })
    }

    @Test("what others keep beside them stays, and a link is not written through")
    func foreign() throws {
        let directory = try TemporaryDirectory()
        let output = try directory.makeDirectory("output")
        try directory.write("output/hang-0001.txt", String(repeating: "x", count: 9000))
        try directory.write("target", "precious")
        try Disk().makeLink("\(output)/attempt-0001.log", to: "\(directory.path)/target")
        let log = OutputLog(directory: output, limit: 1000)
        log.begin(attempt: 1)
        #expect(throws: SystemError.self) { try log.append([1]) }
        #expect(try directory.read("target") == "precious")
        log.begin(attempt: 2)
        for _ in 0..<20 { _ = try log.append([UInt8](repeating: 1, count: 600)[...]) }
        #expect(try sizes(output)["hang-0001.txt"] == 9000)
    }

    @Test("a file that is removed to make room is gone for those who still read it")
    func marked() throws {
        let directory = try TemporaryDirectory()
        let log = OutputLog(directory: directory.path, limit: 1000)
        log.begin(attempt: 1)
        let first = try #require(try log.append([UInt8](repeating: 1, count: 900)[...]))
        for _ in 0..<3 { _ = try log.append([UInt8](repeating: 1, count: 900)[...]) }
        #expect(!first.file.isGone)
        for _ in 0..<3 { _ = try log.append([UInt8](repeating: 1, count: 900)[...]) }
        #expect(first.file.isGone)
    }

    @Test("leave a part of a disk to the records, and look at it as seldom as they may")
    func spareRoom() {
        var room = SpareRoom()
        var free: Int64 = 2 << 30
        var looks = 0
        func write(_ count: Int64) -> Bool {
            let goes = room.take(count) {
                looks += 1
                return free
            }
            if goes { free -= count }
            return goes
        }
        while write(1 << 16) {}
        #expect((SpareRoom.reserve..<SpareRoom.reserve + 1 << 16).contains(free), "\(free)")
        // 2 GiB by 16 MiB, and the last of them in ever smaller pieces.
        #expect(looks < 128 + 20, "\(looks)")
        // What was full has room again when there is plenty.
        #expect(!write(10))
        free = 2 * SpareRoom.reserve + 10
        #expect(write(10))
    }

    @Test("others who write to the same disk take half of it without harm")
    func shared() {
        var room = SpareRoom()
        var free: Int64 = 1 << 28
        while room.take(1 << 16, look: { free }) { free -= 2 << 16 }
        #expect(free >= SpareRoom.reserve - 1 << 16, "\(free)")
    }

    @Test("are written where the disk does not say how full it is")
    func unknown() {
        var room = SpareRoom()
        #expect(room.take(1 << 30) { nil } && room.take(1 << 30) { nil })
    }

    @Test(
        "tell what they lack, on a line of its own, once it is over, and never in another attempt")
    func missing() throws {
        let directory = try TemporaryDirectory()
        let output = try directory.makeDirectory("output")
        let log = OutputLog(directory: output, limit: 1000)
        log.begin(attempt: 1)
        // A link is not written through.
        try Disk().makeLink("\(output)/attempt-0001.log", to: "\(directory.path)/target")
        for _ in 0..<2 {
            #expect(throws: SystemError.self) { try log.append(Array("lost".utf8)[...]) }
        }
        try Disk().removeFile("\(output)/attempt-0001.log")
        let place = try #require(try log.append(Array("kept".utf8)[...], after: 3))
        let line = "supervise: 11 bytes of the output are missing here\n"
        #expect(place.offset == line.utf8.count)
        try log.append(Array("more\n".utf8)[...])
        #expect(try log.append([]) == nil && log.append([], after: 2) == nil)
        let second = "supervise: 2 bytes of the output are missing here\n"
        #expect(try directory.read("output/attempt-0001.log") == line + "keptmore\n" + second)
        log.begin(attempt: 2)
        try log.append(Array("x".utf8)[...])
        try log.append(Array("y".utf8)[...], after: 9)
        #expect(
            try directory.read("output/attempt-0002.log")
                == "x\nsupervise: 9 bytes of the output are missing here\ny")
    }
}
