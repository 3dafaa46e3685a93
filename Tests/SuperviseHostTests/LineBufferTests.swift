import SuperviseSystem
import Testing

@testable import SuperviseHost

@Suite("Line buffer")
struct LineBufferTests {
    private func buffer(_ text: String) throws -> LineBuffer {
        var buffer = LineBuffer()
        try add(text, to: &buffer)
        return buffer
    }

    private func add(_ text: String, to buffer: inout LineBuffer) throws {
        try buffer.fill { (bytes: inout [UInt8]) throws(SystemError) in bytes += text.utf8 }
    }

    private func take(_ buffer: inout LineBuffer) -> String? {
        buffer.takeLine().map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("lines come whole and in order, however they arrived")
    func lines() throws {
        var buffer = try buffer("one\ntw")
        #expect(buffer.count == 6)
        #expect(take(&buffer) == "one")
        #expect(take(&buffer) == nil)
        #expect(buffer.count == 2)
        try add("o\n\nthree", to: &buffer)
        #expect(take(&buffer) == "two")
        try add("!\n", to: &buffer)
        #expect(take(&buffer) == "")
        let hasLine = buffer.hasLine
        #expect(hasLine)
        #expect(take(&buffer) == "three!")
        #expect(buffer.count == 0)
        #expect(take(&buffer) == nil)
        try add("x", to: &buffer)
        let hasAnother = buffer.hasLine
        #expect(!hasAnother)
        #expect(String(decoding: buffer.all, as: UTF8.self) == "x")
    }

    @Test("it is known how many lines there are up to the last one with a word")
    func words() throws {
        func count(_ text: String) throws -> Int {
            try buffer(text).lines(upToLastWith: ["\"commit\"", "\"add\""])
        }
        #expect(try count("") == 0)
        #expect(try count("a\nb\n") == 0)
        #expect(try count("a\n{\"type\": \"commit\"}\nb\n") == 2)
        #expect(try count("\"add\"\n\"commit\"\nx\n\"add\" \"add\"\nx\n") == 4)
        #expect(try count("x\n\"commit\"") == 0)
        #expect(try count("\"add\"\n\"commit\"") == 1)
        var taken = try buffer("\"add\"\nx\n\"add\"\nx\n")
        _ = taken.takeLine()
        #expect(taken.lines(upToLastWith: ["\"add\""]) == 2)
    }
}
