import SuperviseCore
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// One peer on the socket, and what it may do without harm.
@Suite("Connection")
struct ConnectionTests {
    @Test("a line that comes byte by byte is put together, and an unfinished one is no line")
    func linesArePutTogether() throws {
        let wire = try Wire()
        let peer = wire.peer
        beside {
            for byte in "first\nsecond\nrest".utf8 { try peer.send([byte]) }
            try peer.finish()
        }
        try wire.diary.wait(for: "closed")
        #expect(wire.diary.lines == ["first", "second", "closed"])
    }

    @Test("thousands of lines at once come in their order")
    func thousandsOfLines() throws {
        let wire = try Wire()
        let peer = wire.peer
        let lines = (0..<20_000).map { "line \($0)" }
        beside { try peer.send((lines.joined(separator: "\n") + "\n").utf8) }
        try wire.diary.wait { $0.count == lines.count }
        #expect(wire.diary.lines == lines)
    }

    @Test("a line of 1 MiB is taken")
    func longestLine() throws {
        let wire = try Wire()
        let peer = wire.peer
        beside { try peer.send(line: String(repeating: "x", count: Connection.limit)) }
        try wire.diary.wait { $0.count == 1 }
        #expect(wire.diary.lines[0].utf8.count == Connection.limit)
    }

    @Test("of a longer one the beginning is told, and whoever is told may close")
    func tooLongLine() throws {
        let wire = try Wire { connection, line in
            guard line.utf8.count > Connection.limit else { return }
            connection.send(Array("too long\n".utf8))
            connection.closeAfterWriting()
        }
        let peer = wire.peer
        beside {
            _ = try? peer.send(repeatElement(UInt8(ascii: "x"), count: 4 * Connection.limit))
        }
        try wire.diary.wait(for: "closed")
        #expect(wire.diary.lines.count == 2)
        #expect(wire.connection == nil)
        // What was said before the end is still heard.
        #expect(try peer.readLine() == "too long")
    }

    @Test("a peer that will say no more gets what it is owed, and then the end")
    func halfClosed() throws {
        let wire = try Wire()
        try wire.peer.send("one\ntwo\n".utf8)
        try wire.peer.finish()
        try wire.diary.wait(for: "two")
        for _ in 1...2 { wire.connection?.owe() }
        // By then its end is seen.
        try later(wire)
        wire.connection?.answer(Array("first\n".utf8))
        wire.send("news")
        #expect(wire.connection != nil)
        wire.connection?.answer(Array("second\n".utf8))
        #expect(wire.diary.lines.last == "closed")
        #expect(try wire.peer.readLine() == "first")
        #expect(try wire.peer.readLine() == "news")
        #expect(try wire.peer.readLine() == "second")
        #expect(try wire.peer.readLine() == nil)
    }

    @Test("one that is still owed something and goes altogether is no more waited for")
    func goesBeforeTheAnswer() throws {
        let wire = try Wire { connection, _ in connection.owe() }
        try wire.peer.send(line: "question")
        try wire.peer.finish()
        try wire.diary.wait(for: "question")
        try later(wire)
        #expect(wire.connection != nil)
        try wire.peer.hangUp()
        try wire.diary.wait(for: "closed")
    }

    /// Serves what has come up to now.
    private func later(_ wire: Wire) throws {
        let alarm = try TimerTable(on: wire.diary.loop) { _ in wire.diary.note("later") }
        alarm.set(.accept, at: .init(nanoseconds: MonotonicTime.now().nanoseconds + 1_000_000))
        try wire.diary.wait(for: "later")
    }

    @Test("a peer that does not read is closed when more than 1 MiB waits for it")
    func slowReader() throws {
        let wire = try Wire()
        let line = String(repeating: "x", count: 1023)
        var sent = 0
        while wire.connection != nil, sent < 100_000 {
            wire.send(line)
            sent += 1
        }
        #expect(wire.diary.lines == ["closed"])
        // 1 MiB here, and what the kernel holds.
        #expect(sent > 1024)
        #expect(sent < 10_000)
    }

    @Test("a single answer may be longer than that")
    func longAnswer() throws {
        let wire = try Wire()
        let answer = String(repeating: "x", count: 2 * Connection.limit)
        wire.send(answer)
        let (peer, diary) = (wire.peer, wire.diary)
        let mailbox = try Mailbox<Int>(on: diary.loop) { diary.note("read \($0)") }
        beside { mailbox.post(try peer.readLine()?.utf8.count ?? 0) }
        try diary.wait(for: "read [\(answer.utf8.count)]")
    }

    @Test("what is queued goes out before the end")
    func closesAfterWriting() throws {
        let wire = try Wire()
        let line = String(repeating: "x", count: 800_000)
        wire.send(line)
        wire.connection?.closeAfterWriting()
        #expect(wire.connection != nil)
        let peer = wire.peer
        beside {
            while try peer.readLine() != nil {}
        }
        try wire.diary.wait(for: "closed")
    }

    @Test("it may be closed from within its own handler: what came with the line is not told")
    func closedFromWithin() throws {
        let wire = try Wire { connection, line in if line == "last" { connection.close() } }
        try wire.peer.send("first\nlast\nnever\n".utf8)
        try wire.diary.wait(for: "last")
        #expect(wire.diary.lines == ["first", "closed", "last"])
        #expect(wire.connection == nil)
    }

    @Test("a peer that goes while we have something to read and to write is one end")
    func goesInBothDirections() throws {
        let wire = try Wire()
        wire.send(String(repeating: "x", count: 900_000))
        try wire.peer.send("unread\n".utf8)
        try wire.peer.hangUp()
        try wire.diary.wait(for: "closed")
        #expect(wire.diary.lines.filter { $0 == "closed" }.count == 1)
    }

    @Test("one that is being closed and does not read ends when the peer does")
    func closingEndsWithThePeer() throws {
        let wire = try Wire()
        wire.send(String(repeating: "x", count: 900_000))
        wire.connection?.closeAfterWriting()
        try wire.peer.hangUp()
        try wire.diary.wait(for: "closed")
    }

    @Test("what was gathered is heard line by line, and the rest in its turn")
    func gathers() throws {
        let wire = try Wire()
        let lines = (0..<5_000).map { $0 == 9 ? #"{"type":"add"}"# : "line \($0)" }
        try wire.peer.send((lines.joined(separator: "\n") + "\n").utf8)
        while wire.connection?.gather() != nil {}
        #expect(wire.diary.lines.isEmpty)
        #expect(wire.connection?.weightyLines == 10)
        for _ in 1...20 { wire.connection?.hear() }
        #expect(wire.diary.lines == Array(lines.prefix(20)))
        wire.connection?.endReading()
        try wire.diary.wait { $0.count == lines.count }
        #expect(wire.diary.lines == lines)
    }

    @Test("one that asks and does not read its answers is not read from, and goes on when it reads")
    func unreadAnswers() throws {
        let answer = Array((String(repeating: "a", count: 999) + "\n").utf8)
        let wire = try Wire { connection, _ in
            connection.owe()
            connection.answer(answer)
        }
        let (peer, count) = (wire.peer, 5_000)
        // More answers than are queued anywhere.
        beside { try peer.send(String(repeating: "?\n", count: count).utf8) }
        try wire.diary.pass(.milliseconds(300))
        let heard = wire.diary.lines.count
        #expect(wire.connection != nil)
        #expect(heard > 64 && heard < 2_000)
        beside { while let line = try peer.readLine(), line.utf8.count == 999 {} }
        try wire.diary.wait { $0.count == count }
    }

    @Test("one with many open questions is heard again when some are answered, or when it has gone")
    func openQuestions() throws {
        let wire = try Wire { connection, _ in connection.owe() }
        try wire.peer.send(String(repeating: "?\n", count: 100).utf8)
        try wire.diary.wait { $0.count == SocketBounds.unanswered }
        try later(wire)
        #expect(wire.diary.lines.count { $0 == "?" } == SocketBounds.unanswered)
        wire.connection?.answer(Array("!\n".utf8))
        try wire.diary.wait { $0.count { $0 == "?" } == SocketBounds.unanswered + 1 }
        try wire.peer.hangUp()
        try wire.diary.wait(for: "closed")
        #expect(wire.diary.lines.count { $0 == "?" } == 100)
    }

    @Test("what a peer said before it went is heard, also where its answer finds nobody")
    func deafPeer() throws {
        let wire = try Wire { connection, _ in connection.reply(Array("!\n".utf8)) }
        try wire.peer.send(String(repeating: "last\n", count: 50).utf8)
        try wire.peer.hangUp()
        try wire.diary.wait(for: "closed")
        #expect(wire.diary.lines.count == 51)
    }
}
