import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

@Suite("The last lines of a job")
struct OutputTailTests {
    private func lines(_ text: String) -> [String] {
        var tail = OutputTail()
        tail.add(Array(text.utf8)[...])
        return tail.lines
    }

    @Test("are the last twenty, without empty ones at their ends")
    func last() {
        #expect(lines("") == [] && lines("\n\n") == [])
        #expect(lines("one\n\ntwo\n\n") == ["one", "", "two"])
        let many = (1...50).map { "line \($0)" }
        #expect(lines(many.joined(separator: "\n")) == Array(many.suffix(20)))
    }

    @Test("are bounded, however long a line or the whole is, and in however many pieces it comes")
    func bounded() {
        let long = lines(String(repeating: "x", count: 100_000))
        #expect(long.count == 1 && long[0].count == 300 && long[0].hasSuffix("x…"))
        var tail = OutputTail()
        for _ in 0..<300_000 { tail.add([UInt8(ascii: "y")]) }
        tail.add(Array("\nend".utf8)[...])
        // The line before has lost its beginning, and is not shown as if it were whole.
        #expect(tail.lines == ["end"])
    }

    @Test("hold nothing that a terminal would obey, and of a line written over only the last")
    func harmless() {
        #expect(lines("\u{1B}[31mred\u{1B}[0m plain") == ["red plain"])
        #expect(lines("\u{1B}]0;title\u{7}text\u{8}") == ["text\\u{8}"])
        #expect(lines(" 10 %\r 50 %\r 90 %\r\nend\r\n") == [" 90 %", "end"])
        #expect(lines("a\tb") == ["a    b"])
        var tail = OutputTail()
        tail.add([0x61, 0xFF, 0x62])
        #expect(tail.lines == ["a\u{FFFD}b"])
    }
}

@Suite("The line at the bottom of a terminal")
struct StatusScreenTests {
    /// What is shown after a job has written these pieces, with a line of ours after each.
    private func show(_ pieces: [String], isOff: Bool = false) -> String {
        var screen = StatusScreen(isOff: isOff)
        screen.line = "[status]"
        let bytes = pieces.flatMap { screen.pass(Array($0.utf8)) + screen.draw(columns: 80) }
        return String(decoding: bytes + screen.erase(), as: UTF8.self)
    }

    @Test("comes after each whole line, and goes without a trace")
    func trace() {
        let pieces = ["one\n", "two\nthree\n", "\u{1B}[31mred\u{1B}[0m\n"]
        let shown = show(pieces)
        #expect(shown.components("[status]") == 3)
        #expect(Screen(shown.crlf).text == ["one", "two", "three", "red"])
    }

    @Test("stays away in the middle of a line, and inside a sequence")
    func middle() {
        #expect(show(["half", " a line", "\r100 %"]).components("[status]") == 0)
        #expect(show(["x\u{1B}]0;a\n"]).components("[status]") == 0)
        #expect(show(["x\u{1B}]0;a\n", "b\u{7}\n"]).components("[status]") == 1)
    }

    @Test("leaves the terminal to a job that moves the cursor, until another attempt")
    func moving() {
        var screen = StatusScreen(isOff: false)
        screen.line = "[status]"
        for piece in ["\u{1B}", "[", "2", "A", "text\n", "more\n"] {
            #expect(screen.pass(Array(piece.utf8)) == Array(piece.utf8))
        }
        #expect(screen.draw(columns: 80).isEmpty)
        screen.begin()
        #expect(screen.draw(columns: 80) == Array("[status]".utf8))
    }

    @Test("is cut where the terminal is narrow")
    func narrow() {
        var screen = StatusScreen(isOff: false)
        screen.line = "[status]"
        #expect(screen.draw(columns: 5) == Array("[sta".utf8))
        _ = screen.erase()
        #expect(screen.draw(columns: 1).isEmpty)
    }

    @Test("is never there where it is off, and bytes pass as they are")
    func off() {
        #expect(show(["one\n", "\u{1B}[2Jx"], isOff: true) == "one\n\u{1B}[2Jx")
        var screen = StatusScreen(isOff: true)
        _ = screen.pass(Array("half".utf8))
        #expect(screen.say(Array("ours\n".utf8)) == Array("ours\n".utf8))
    }

    @Test("a line of ours begins a line of its own")
    func ours() {
        var screen = StatusScreen(isOff: false)
        _ = screen.pass(Array("half".utf8))
        #expect(screen.say(Array("ours\n".utf8)) == Array("\nours\n".utf8))
        #expect(screen.say(Array("again\n".utf8)) == Array("again\n".utf8))
    }

    @Test("tells phase, progress, time left and the checkpoint's age in plain characters")
    func text() {
        let now = Timestamp(milliseconds: 1_795_237_441_000)
        var status = Status(
            name: "train", phase: .running, command: ["x"], supervisorPID: 1, attempt: 2,
            started: now, updated: now)
        #expect(StatusLine.text(status, at: now) == "[train running  attempt 2]")
        status.progress.step = 18
        status.progress.total = 40
        status.progress.unit = "\u{1F600}\u{1B}[2J"
        status.progress.fraction = 0.45
        status.progress.rate = 0.11
        status.progress.eta = 200
        status.checkpoint = .init(
            id: .init(sequence: 3, step: 18), path: "/x", committed: now.advanced(bySeconds: -8),
            bytes: 1)
        status.failures = 1
        let expected =
            "[train running  attempt 2  ??[2J 18/40  45 %  0.11/s  3m20s left  "
            + "checkpoint 8 s ago  1 failure]"
        #expect(StatusLine.text(status, at: now) == expected)
        status.phase = .finished
        #expect(StatusLine.text(status, at: now) == nil)
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(_ part: String) -> Int {
        ranges(of: part).count
    }

    /// As a terminal gets it.
    fileprivate var crlf: String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar == "\n" { text += "\r" }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}

@Suite("What waits to be passed on")
struct BacklogTests {
    private func file(_ directory: TemporaryDirectory) throws -> GrowingFile {
        try GrowingFile("\(directory.path)/log")
    }

    private func take(_ backlog: inout Backlog) throws -> [UInt8] {
        var all: [UInt8] = []
        while let part = backlog.next() {
            switch part {
            case .bytes(let bytes), .own(let bytes): all += bytes
            case .file(let file, let offset, let count):
                #expect(count <= 1 << 16)
                all += try file.read(at: offset, limit: Int(count))
            }
        }
        return all
    }

    @Test("comes out as it went in, from memory and from files")
    func order() throws {
        let directory = try TemporaryDirectory()
        let file = try file(directory)
        var backlog = Backlog()
        var all: [UInt8] = []
        for round in 0..<400 {
            let piece = [UInt8](repeating: UInt8(round % 251), count: 1 + round * 37 % 9000)
            let place = OutputLog.Place(file: file, offset: try file.append(piece[...]))
            backlog.add(piece[...], at: place)
            all += piece
            if round == 350 {
                backlog.add(own: Array("ours".utf8))
                all += Array("ours".utf8)
            }
        }
        #expect(all.count > OutputRoom.mostInMemory)
        #expect(try take(&backlog) == all && backlog.isEmpty && backlog.room.skipped == 0)
    }

    @Test("without a file the oldest is skipped, and counted")
    func skipping() throws {
        var backlog = Backlog()
        let piece = [UInt8](repeating: 7, count: 1 << 16)
        for _ in 0..<160 { backlog.add(piece[...], at: nil) }
        #expect(backlog.room.skipped == 32 << 16)
        #expect(try take(&backlog).count == 128 << 16)
    }

    @Test("what is in a file that was removed is skipped, and the file let go")
    func gone() throws {
        let directory = try TemporaryDirectory()
        var backlog = Backlog()
        weak var held: GrowingFile?
        do {
            let file = try file(directory)
            held = file
            let piece = [UInt8](repeating: 7, count: 1 << 16)
            for _ in 0..<20 {
                let place = OutputLog.Place(file: file, offset: try file.append(piece[...]))
                backlog.add(piece[...], at: place)
            }
            file.markGone()
        }
        #expect(held != nil)
        backlog.dropGone()
        #expect(held == nil && backlog.room.skipped == 4 << 16)
        #expect(try take(&backlog).count == 16 << 16)
    }

    @Test("small pieces are no more than a bounded number of parts")
    func small() throws {
        let directory = try TemporaryDirectory()
        let file = try file(directory)
        var backlog = Backlog()
        backlog.add([UInt8](repeating: 1, count: OutputRoom.mostInMemory)[...], at: nil)
        // Not next to each other, as when two streams take turns.
        for round in 0..<10_000 {
            backlog.add([2], at: OutputLog.Place(file: file, offset: Int64(round) * 2))
        }
        #expect(backlog.room.skipped > 0)
        var count = 0
        while backlog.next() != nil { count += 1 }
        #expect(count <= OutputRoom.mostParts)
    }
}
