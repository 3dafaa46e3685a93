import SuperviseCore
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@testable import SuperviseHost

/// Who comes to the socket, what they say, and what happens when its name goes away.
@Suite("Switchboard")
final class SwitchboardTests {
    private let diary: Diary
    private let place: TemporaryDirectory
    private let path: String
    private let timers: TimerTable
    private let switchboard: Switchboard

    init() throws {
        let diary = try Diary()
        self.diary = diary
        place = try TemporaryDirectory()
        path = "\(try place.makeDirectory("d"))/s.sock"
        timers = try TimerTable(on: diary.loop) { diary.note("\($0)") }
        switchboard = try Switchboard(path: path, on: diary.loop, timers: timers) { event in
            diary.note(Self.brief(event))
        }
    }

    private static func brief(_ event: Event) -> String {
        switch event {
        case .received(.control(let control), let id, let seq):
            "\(control.command) from \(id.number)\(seq.map { " seq \($0)" } ?? "")"
        case .disconnected(let id): "gone \(id.number)"
        case .warned(let message): message
        default: "\(event)"
        }
    }

    private func control(_ command: String, seq: Int? = nil) -> String {
        let number = seq.map { ",\"seq\":\($0)" } ?? ""
        return "{\"type\":\"control\",\"command\":\"\(command)\"\(number)}"
    }

    @Test("each peer has a number of its own, and an answer finds its way")
    func answersFindTheirWay() throws {
        let peers = [try Peer(path: path), try Peer(path: path)]
        try peers[0].send(line: control("a"))
        try diary.wait(for: "a from 1")
        try peers[1].send(line: control("b", seq: 7))
        try diary.wait(for: "b from 2 seq 7")
        switchboard.send(.ok, to: ConnectionID(2), seq: 7)
        #expect(try peers[1].readLine() == #"{"seq":7,"type":"ok"}"#)
        try peers[0].hangUp()
        try diary.wait(for: "gone 1")
        switchboard.send(.ok, to: ConnectionID(1), seq: nil)
        #expect(diary.lines.count == 3)
    }

    @Test("who asks and says no more gets the answer, and then the end")
    func answersTheLastQuestion() throws {
        let peer = try Peer(path: path)
        try peer.send("nonsense\n\(control("checkpoint"))\n".utf8)
        try peer.finish()
        try diary.wait(for: "checkpoint from 1")
        switchboard.drain()
        #expect(try peer.readLine()?.contains("bad_message") == true)
        let request = CheckpointRequest(request: 1, reason: .manual, final: false, deadline: nil)
        switchboard.send(.checkpointRequest(request), to: ConnectionID(1), seq: nil)
        #expect(diary.lines.count == 1)
        switchboard.send(.ok, to: ConnectionID(1), seq: nil)
        #expect(diary.lines.last == "gone 1")
        #expect(try peer.readLine()?.contains("checkpoint_request") == true)
        #expect(try peer.readLine() == #"{"type":"ok"}"#)
        #expect(try peer.readLine() == nil)
    }

    @Test("a line that is no message is answered, and the next one is heard")
    func nonsenseIsAnswered() throws {
        let peer = try Peer(path: path)
        try peer.send(line: "nonsense")
        try peer.send(line: control("status"))
        try diary.wait(for: "status from 1")
        #expect(try peer.readLine()?.contains("bad_message") == true)
    }

    @Test("to drain hears those too who were not let in yet")
    func drainLetsIn() throws {
        let peer = try Peer(path: path)
        try peer.send(line: control("last words"))
        try peer.hangUp()
        switchboard.drain()
        #expect(diary.lines == ["last words from 1"])
        try diary.wait(for: "gone 1")
    }

    @Test("while the disk has too much to do, only who gives it work waits")
    func flooded() throws {
        var isFlooded = false
        switchboard.isFlooded = { isFlooded }
        let (worker, asker) = (try Peer(path: path), try Peer(path: path))
        try worker.send(line: control("prune"))
        try diary.wait(for: "prune from 1")
        isFlooded = true
        try worker.send(line: control("more"))
        try asker.send(line: control("status"))
        try diary.wait(for: "status from 2")
        try diary.pass(.milliseconds(50))
        #expect(!diary.lines.contains("more from 1"))
        isFlooded = false
        switchboard.goOnUnlessFlooded()
        try diary.wait(for: "more from 1")
    }

    @Test("one that has gone meanwhile wakes nobody, and is heard when the disk has caught up")
    func goneInFlood() throws {
        var (isFlooded, rounds) = (false, 0)
        switchboard.isFlooded = { isFlooded }
        diary.loop.beforeWaiting { rounds += 1 }
        let worker = try Peer(path: path)
        try worker.send(line: control("prune"))
        try diary.wait(for: "prune from 1")
        isFlooded = true
        try worker.send(line: control("more"))
        try worker.hangUp()
        rounds = 0
        try diary.pass(.milliseconds(100))
        #expect(rounds < 10 && diary.lines == ["prune from 1"])
        isFlooded = false
        switchboard.goOnUnlessFlooded()
        try diary.wait(for: "gone 1")
        #expect(diary.lines.contains("more from 1"))
    }

    @Test("a line without end is too long, and its sender is shown out")
    func tooLong() throws {
        let peer = try Peer(path: path)
        beside { _ = try? peer.send(repeatElement(UInt8(ascii: "["), count: 3 << 20)) }
        try diary.wait(for: "gone 1")
        #expect(try peer.readLine()?.contains("too_long") == true)
        #expect(diary.lines == ["gone 1"])
    }

    @Test("a socket that somebody removes is made again, and who is connected does not notice")
    func removedSocket() throws {
        let early = try Peer(path: path)
        try early.send(line: control("before"))
        try diary.wait(for: "before from 1")
        for round in 1...3 {
            try Disk().removeFile(path)
            try diary.wait { lines in lines.filter { $0.contains("made it again") }.count == round }
        }
        try Peer(path: path).send(line: control("after"))
        try diary.wait(for: "after from 2")
        try early.send(line: control("still"))
        try diary.wait(for: "still from 1")
    }

    @Test("so is its directory")
    func removedDirectory() throws {
        for round in 1...2 {
            try Disk().removeTree("\(place.path)/d")
            try diary.wait { lines in lines.filter { $0.contains("made it again") }.count == round }
            #expect(try Disk().status("\(place.path)/d").mode & 0o777 == 0o700)
        }
        try Peer(path: path).send(line: control("after"))
        try diary.wait(for: "after from 1")
    }

    @Test("so is one that is moved away with its directory")
    func movedDirectory() throws {
        try Disk().rename("\(place.path)/d", to: "\(place.path)/away")
        try diary.wait { $0.last?.contains("made it again") == true }
        try Peer(path: path).send(line: control("after"))
        try diary.wait(for: "after from 1")
    }

    @Test("where it cannot be made again at once, it is tried before each attempt")
    func cannotBeMadeAgain() throws {
        try Disk().rename("\(place.path)/d", to: "\(place.path)/away")
        try place.write("d", "")
        try Disk().removeFile("\(place.path)/away/s.sock")
        try diary.wait { $0.last?.contains("cannot be made again") == true }
        try Disk().removeFile("\(place.path)/d")
        switchboard.makeSureOfName()
        #expect(diary.lines.last?.contains("made it again") == true)
        let count = diary.lines.count
        _ = try Peer(path: path)
        switchboard.makeSureOfName()
        #expect(diary.lines.count == count)
    }

    @Test("at its end the name is gone, and not made again")
    func endRemovesTheName() throws {
        switchboard.end()
        #expect(!pathExists(path))
        switchboard.makeSureOfName()
        #expect(!pathExists(path))
    }
}
