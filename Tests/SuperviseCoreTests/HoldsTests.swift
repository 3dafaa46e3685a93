import SuperviseFormats
import Testing

@testable import SuperviseCore

/// Checkpoints whose turn to go comes while somebody reads them, or while they are compressed.
@Suite("Checkpoints that are read when their turn to go comes")
struct HoldsTests {
    private func desk(compresses: Bool = false) -> Desk {
        var desk = Desk {
            $0.retention.keepLast = 1
            $0.compression = compresses ? .zstd : nil
        }
        desk.run()
        desk.save(step: 1)
        return desk
    }

    private let first = checkpoint(1, step: 1)
    private let second = checkpoint(2, step: 2)

    @Test("the end of each one's reading is waited for once")
    func value() {
        var holds = Holds()
        #expect(holds.stayed([first, second], isRead: true) == [first, second])
        #expect(holds.stayed([first], isRead: true) == [] && holds.isWaiting)
        let (isDue, isDueAgain) = (holds.released(first), holds.released(first))
        #expect(isDue && !isDueAgain && holds.ids == [second])
        #expect(holds.stayed([first], isRead: true) == [first])
        holds.subtract([first, second])
        let isStillDue = holds.released(second)
        #expect(!holds.isWaiting && !isStillDue)
    }

    @Test("what the disk does not let go of is not waited for")
    func failed() {
        var holds = Holds()
        #expect(holds.stayed([first], isRead: false) == [])
        #expect(holds.ids == [first] && !holds.isWaiting)
        var desk = desk()
        #expect(desk.save(step: 2).contains(.remove([first])))
        #expect(!desk.tell(.removalFailed([first])).contains(.awaitRelease(first)))
        #expect(desk.supervisor.status(at: desk.moment).toBeRemoved == 1)
        #expect(desk.save(step: 3).contains(.remove([first, second])))
    }

    @Test("they go when nobody reads them any more")
    func release() {
        var desk = desk()
        #expect(desk.save(step: 2).contains(.remove([first])))
        #expect(desk.tell(.removed([], held: [first])).contains(.awaitRelease(first)))
        #expect(desk.tell(.released(first)).contains(.remove([first])))
        // Somebody else reads it by now.
        #expect(desk.tell(.removed([], held: [first])).contains(.awaitRelease(first)))
        #expect(desk.tell(.released(first)).contains(.remove([first])))
        desk.tell(.removed([first], held: []))
        #expect(desk.supervisor.checkpoints.map(\.id) == [second])
        #expect(!desk.tell(.released(first)).contains(.remove([first])))
    }

    @Test("one that was pinned meanwhile stays")
    func pinned() {
        var desk = desk()
        desk.save(step: 2)
        desk.tell(.removed([], held: [first]))
        desk.say(.control(.init(command: "pin", id: first)), on: 9)
        desk.tell(.pinsSaved(nil))
        #expect(!desk.tell(.released(first)).contains(.remove([first])))
    }

    @Test("one that an operator wanted to delete stays, and its reader is not waited for")
    func deleted() {
        var desk = Desk(checkpoints: [first, second])
        desk.run()
        desk.say(.control(.init(command: "delete", id: first)), on: 9)
        let actions = desk.tell(.removed([], held: [first]))
        #expect(actions.errors == [.conflict] && !actions.contains(.awaitRelease(first)))
    }

    @Test("the compression of one that is to go is cancelled, and then it goes")
    func compressed() {
        var desk = desk(compresses: true)
        desk.say(.control(.init(command: "pin", id: first)), on: 9)
        desk.tell(.pinsSaved(nil))
        #expect(desk.save(step: 2).contains(.compress(first)))
        desk.say(.control(.init(command: "unpin", id: first)), on: 9)
        desk.tell(.pinsSaved(nil))
        let actions = desk.save(step: 3)
        #expect(actions.contains(.cancelCompression))
        #expect(actions.contains(.remove([first, second])))
        desk.tell(.removed([second], held: [first]))
        desk.tell(.compressed(first, .notNow))
        #expect(desk.tell(.released(first)).contains(.remove([first])))
    }

    @Test("what is due to go is not compressed")
    func notCompressed() {
        var desk = desk(compresses: true)
        #expect(!desk.save(step: 2).contains(.compress(first)))
        let held = desk.tell(.removed([], held: [first]))
        #expect(!held.contains(.compress(first)))
        #expect(!desk.say(.heartbeat).contains(.compress(first)))
    }
}

/// What no rule keeps is gone when the run has ended, as far as there is time.
@Suite("Checkpoints that no rule keeps at the end of a run")
struct RemovalAtEndTests {
    private let first = checkpoint(1, step: 1)

    /// Somebody reads the first one, whose turn has come.
    private func desk() -> Desk {
        var desk = Desk { $0.retention.keepLast = 1 }
        desk.endsAtOnce = false
        desk.run()
        desk.save(step: 1)
        desk.save(step: 2)
        desk.tell(.removed([], held: [first]))
        return desk
    }

    /// All but the removal is answered.
    private func finish(_ desk: inout Desk) -> [Action] {
        var actions = desk.tell(.lastRecorded)
        for event in [Event.filesFlushed, .readersServed, .outputFlushed] {
            actions += desk.tell(event)
        }
        return actions
    }

    @Test("they are removed once more, and the end waits for that")
    func waits() {
        var desk = desk()
        #expect(desk.end(.exited(0)).contains(.remove([first])))
        #expect(finish(&desk).ending == nil)
        let gone = desk.tell(.removed([first], held: []))
        // The last status tells that it is gone.
        #expect(gone.contains(.flushFiles) && gone.ending == nil)
        #expect(gone.contains(.log(.removed(.init(ids: [first])))))
        #expect(desk.tell(.filesFlushed).ending == .completed)
    }

    @Test("a start that is stopped before its first attempt removes none")
    func stoppedBeforeAttempt() {
        let second = checkpoint(2, step: 2)
        var desk = Desk(checkpoints: [second, first]) { $0.retention.keepLast = 1 }
        desk.tell(.started)
        desk.tell(.verified(second, .good(metadata: [:])))
        let actions = desk.tell(sigterm)
        #expect(actions.ending != nil)
        #expect(!actions.contains { if case .remove = $0 { true } else { false } })
    }

    @Test("the end waits for a reader, too, and the removal follows")
    func reader() {
        var desk = desk()
        desk.end(.exited(0))
        _ = finish(&desk)
        #expect(desk.tell(.removed([], held: [first])).ending == nil)
        #expect(desk.tell(.released(first)).contains(.remove([first])))
        desk.tell(.removed([first], held: []))
        desk.tell(.filesFlushed)
        #expect(desk.tell(.filesFlushed).ending == .completed)
    }

    @Test("what is still there when the time is over is told, with what to do")
    func told() {
        var desk = desk()
        desk.end(.exited(0))
        _ = finish(&desk)
        desk.tell(.removed([], held: [first]))
        desk.tell(.filesFlushed)
        let end = desk.tell(.timer(.close), after: .seconds(10))
        #expect(end.ending == .completed)
        let lines = end.compactMap { if case .tell(let line) = $0 { line } else { nil } }
        #expect(lines.count == 1 && lines[0].contains("supervise prune run"), "\(lines)")
        #expect(lines[0].contains("checkpoint 000001-step-1"))
    }

    @Test("a stop waits no longer than its time")
    func stop() {
        var desk = desk()
        desk.tell(sigterm)
        #expect(desk.end(.signaled(number: 15, name: "SIGTERM")).contains(.remove([first])))
        _ = finish(&desk)
        let end = desk.tell(.timer(.close), after: .milliseconds(900))
        #expect(end.ending == .stopped(signal: 15))
    }

    @Test("a disk that does not let go of one holds up nothing")
    func failed() {
        var desk = desk()
        desk.tell(.released(first))
        desk.tell(.removalFailed([first]))
        desk.end(.exited(0))
        _ = finish(&desk)
        desk.tell(.removalFailed([first]))
        #expect(desk.tell(.filesFlushed).ending == .completed)
    }

    @Test("where it is not known what is pinned, nothing goes")
    func unknownPins() {
        var desk = Desk()
        desk.supervisor = Supervisor(
            settings: Settings(),
            found: .init(
                record: Desk.record(),
                checkpoints: (1...9).map { Desk.summary(checkpoint($0)) }, pins: nil),
            seed: 1, at: desk.moment)
        desk.run()
        let actions = desk.end(.exited(0))
        #expect(!actions.contains { if case .remove = $0 { true } else { false } })
        #expect(desk.supervisor.phase == .finished)
    }
}
