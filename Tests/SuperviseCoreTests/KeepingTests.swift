import SuperviseCore
import SuperviseFormats
import Testing

/// What operators ask of the checkpoints, and what a full disk does to them.
@Suite("Keeping")
struct KeepingTests {
    private func control(_ command: String, _ id: CheckpointID? = nil) -> JobMessage {
        .control(.init(command: command, id: id))
    }

    /// Three checkpoints of earlier attempts, resumed from the third; two more of this one.
    private func desk(_ change: @escaping (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk(checkpoints: (1...3).map { checkpoint($0, step: $0) }, change)
        desk.run()
        desk.save(step: 4)
        desk.save(step: 5)
        return desk
    }

    private func saved(_ actions: [Action]) -> Set<CheckpointID>? {
        actions.lazy.compactMap { if case .savePins(let pins) = $0 { pins } else { nil } }.first
    }

    private func removed(_ actions: [Action]) -> [Int64] {
        actions.flatMap { action -> [Int64] in
            if case .remove(let ids) = action { ids.map(\.sequence) } else { [] }
        }
    }

    @Test("a pin is answered when it is durable, and keeps a checkpoint from then on")
    func pin() {
        var desk = desk { $0.retention.keepLast = 5 }
        let one = checkpoint(1, step: 1)
        let actions = desk.say(control("pin", one), on: 9)
        #expect(saved(actions) == [one] && actions.sent.isEmpty)
        #expect(desk.tell(.pinsSaved(nil)).sent == [.ok])
        #expect(removed(desk.save(step: 6)) == [])
        #expect(removed(desk.save(step: 7)) == [2])
        // Until it is durable that it is no longer pinned, it stays.
        #expect(saved(desk.say(control("unpin", one), on: 9)) == [])
        #expect(removed(desk.say(control("prune"), on: 9)) == [])
        #expect(desk.tell(.pinsSaved(nil)).sent == [.ok])
        #expect(removed(desk.say(control("prune"), on: 9)) == [1])
    }

    @Test("a pin that cannot be written is refused, and the next one is written after it")
    func pinFails() {
        var desk = desk()
        #expect(saved(desk.say(control("pin", checkpoint(1, step: 1)))) != nil)
        #expect(saved(desk.say(control("pin", checkpoint(2, step: 2)))) == nil)
        let actions = desk.tell(.pinsSaved(.init(.noSpace, "full")))
        #expect(actions.errors == [.noSpace])
        #expect(saved(actions) == [checkpoint(2, step: 2)])
        desk.tell(.pinsSaved(nil))
        #expect(desk.supervisor.pins == [checkpoint(2, step: 2)])
    }

    @Test("what is not there cannot be pinned or deleted, and a command without an id is refused")
    func unknown() {
        var desk = desk()
        for command in ["pin", "delete"] {
            #expect(desk.say(control(command, checkpoint(9))).errors == [.unknownCheckpoint])
        }
        for command in ["pin", "unpin", "delete"] {
            #expect(desk.say(control(command)).errors == [.badMessage])
        }
    }

    @Test("delete refuses what is protected, and tells why")
    func deleteProtected() throws {
        var desk = desk()
        desk.say(control("pin", checkpoint(1, step: 1)))
        desk.tell(.pinsSaved(nil))
        for (id, reason) in [(1, "pinned"), (3, "resumed from"), (5, "newest")] {
            let actions = desk.say(control("delete", checkpoint(Int64(id), step: Int64(id))))
            guard case .error(let error)? = actions.sent.first else {
                Issue.record("\(actions)")
                continue
            }
            #expect(error.message.contains(reason) && removed(actions).isEmpty, "\(error)")
        }
    }

    @Test("delete is answered when it is gone, or is found to be read")
    func delete() {
        var desk = desk()
        #expect(removed(desk.say(control("delete", checkpoint(1, step: 1)))) == [1])
        #expect(
            desk.tell(.removed([checkpoint(1, step: 1)], held: [])).sent
                == [.pruned(.init(removed: 1, bytes: 10, held: 0))])
        #expect(removed(desk.say(control("delete", checkpoint(2, step: 2)))) == [2])
        #expect(desk.tell(.removed([], held: [checkpoint(2, step: 2)])).errors == [.conflict])
        #expect(desk.supervisor.checkpoints.map(\.id.sequence) == [2, 3, 4, 5])
    }

    @Test("prune follows the rules, and tells how many went and how many are held")
    func prune() {
        var desk = Desk(checkpoints: (1...6).map { checkpoint($0, step: $0) })
        desk.run()
        #expect(removed(desk.say(control("prune"))) == [1])
        #expect(
            desk.tell(.removed([], held: [checkpoint(1, step: 1)])).sent
                == [.pruned(.init(removed: 0, bytes: 0, held: 1))])
        desk.say(control("prune"))
        #expect(
            desk.tell(.removed([checkpoint(1, step: 1)], held: [])).sent
                == [.pruned(.init(removed: 1, bytes: 10, held: 0))])
        #expect(
            desk.say(control("prune")).sent == [.pruned(.init(removed: 0, bytes: 0, held: 0))])
    }

    @Test("where the pins cannot be read, nothing is removed and no pin is changed")
    func unknownPins() {
        var supervisor = Supervisor(
            settings: Settings(),
            found: .init(
                record: Desk.record(),
                checkpoints: (1...9).map { Desk.summary(checkpoint($0, step: $0)) }, pins: nil),
            seed: 1, at: Moment(instant: Instant(nanoseconds: 0), wall: .zero))
        let now = Moment(instant: Instant(nanoseconds: 1), wall: .zero)
        for message in [
            control("prune"), control("pin", checkpoint(1, step: 1)),
            control("delete", checkpoint(1, step: 1)),
        ] {
            let actions = supervisor.handle(
                .received(message, from: ConnectionID(1), seq: 1), at: now)
            #expect(removed(actions).isEmpty && saved(actions) == nil)
            #expect(actions.errors.count == 1, "\(actions)")
        }
    }

    private func gone(_ numbers: Int64...) -> Event {
        .removed(numbers.map { checkpoint($0, step: $0) }, held: [])
    }

    @Test("on a full disk as much goes as the newest takes, and the commit is tried once more")
    func fullDisk() {
        var desk = desk()
        let id = desk.begin(step: 6)
        let commit = desk.say(.commit(.init(id: id)))
        let look = desk.tell(.diskFull(id, .init(.noSpace, "full")))
        #expect(look.contains(.listArchives) && removed(look).isEmpty)
        let actions = desk.tell(.archives([]))
        #expect(removed(actions) == [1])
        #expect(actions.warnings.first?.contains("the disk is full") == true, "said aloud")
        #expect(actions.sent.isEmpty)
        let again = desk.tell(gone(1))
        #expect(again.commit == commit.commit && again.commit != nil)
        #expect(desk.tell(.committed(Desk.summary(id), seconds: 1)).sent.count == 1)
    }

    @Test("if that was not enough, all go that are not protected; then the checkpoint fails")
    func stillFull() {
        var desk = desk()
        let id = desk.begin(step: 6)
        desk.say(.commit(.init(id: id)))
        desk.tell(.diskFull(id, .init(.noSpace, "full")))
        desk.tell(.archives([]))
        desk.tell(gone(1))
        desk.tell(.diskFull(id, .init(.noSpace, "full")))
        #expect(removed(desk.tell(.archives([]))) == [2, 4])
        #expect(desk.tell(gone(2, 4)).commit?.id == id)
        let actions = desk.tell(.diskFull(id, .init(.noSpace, "full")))
        #expect(actions.errors == [.noSpace] && actions.contains(.dropStaging(id)))
        let next = desk.begin(step: 7)
        desk.say(.commit(.init(id: next)))
        #expect(desk.tell(.diskFull(next, .init(.noSpace, "full"))).errors.isEmpty)
        let end = desk.tell(.archives([]))
        #expect(end.errors == [.noSpace] && end.contains(.dropStaging(next)))
    }

    @Test("a directory for a checkpoint is made once room has been made")
    func fullAtBegin() {
        var desk = desk()
        desk.say(.begin(.init(step: 6)), seq: 8)
        let id = checkpoint(6, step: 6)
        desk.tell(.diskFull(id, .init(.noSpace, "full")))
        #expect(removed(desk.tell(.archives([]))) == [1])
        #expect(desk.tell(gone(1)).contains(.makeStaging(id)))
        #expect(desk.tell(.stagingMade(id, path: "/s")).sent == [.began(.init(id: id, path: "/s"))])
    }

    @Test("what is committed behind one that waits for room is given after it")
    func order() {
        var desk = desk()
        let first = desk.begin(step: 6)
        desk.say(.commit(.init(id: first)))
        desk.tell(.diskFull(first, .init(.noSpace, "full")))
        desk.tell(.archives([]))
        let second = desk.begin(step: 7)
        #expect(desk.say(.commit(.init(id: second))).commit == nil)
        #expect(desk.tell(gone(1)).commit?.id == first)
        #expect(desk.tell(.committed(Desk.summary(first), seconds: 1)).commit?.id == second)
    }
}
