import SuperviseFormats
import Testing

@testable import SuperviseCore

/// Old output and old events make room before anything else does.
@Suite("Room from old output and old events")
struct LogClearingTests {
    private let full = ProtocolError(.noSpace, "full")
    private let some = RunEvent.LogsRemoved(outputFiles: 2, eventFiles: 1, bytes: 30)

    @Test("for one save as much goes as is missing, then all, and then something else")
    func twice() {
        var logs = LogClearing()
        #expect(logs.next(missing: 10) == .order(bytes: 10))
        #expect(logs.next(missing: 10) == .wait)
        logs.answered(isMore: true)
        #expect(logs.next(missing: 5) == .order(bytes: nil))
        logs.answered(isMore: true)
        #expect(logs.next(missing: 5) == .over)
        logs.begin()
        #expect(logs.next(missing: 0) == .order(bytes: nil))
        logs.answered(isMore: true)
        #expect(logs.next(missing: nil) == .over)
    }

    @Test("where there is nothing of them they are not looked at twice")
    func nothing() {
        var logs = LogClearing()
        #expect(logs.next(missing: 10) == .order(bytes: 10))
        logs.answered(isMore: false)
        #expect(logs.next(missing: 10) == .over)
    }

    private func desk(_ count: Int64 = 3, mayHaveArchives: Bool = false) -> Desk {
        var desk = Desk(
            checkpoints: (1...count).map { checkpoint($0) }, mayHaveArchives: mayHaveArchives)
        desk.hasNoLogs = false
        desk.run()
        return desk
    }

    @Test("a commit that finds the disk full is tried again when they are gone, and that is told")
    func commit() {
        var desk = desk()
        let id = desk.begin(step: 9)
        let commit = desk.say(.commit(.init(id: id))).commit
        let order = desk.tell(.diskFull(id, full))
        #expect(order.contains(.removeLogs(bytes: 10)) && !order.contains(.listArchives))
        let again = desk.tell(.logsRemoved(some))
        #expect(again.contains(.log(.logsRemoved(some))) && again.commit == commit)
        #expect(desk.tell(.diskFull(id, full)).contains(.removeLogs(bytes: nil)))
        // Nothing of them is left: archived runs, and then checkpoints.
        let next = desk.tell(.logsRemoved(.init()))
        #expect(next.contains(.listArchives) && next.commit == nil)
        #expect(desk.tell(.archives([])).contains(.remove([checkpoint(1)])))
    }

    @Test("a job that finds the disk full is asked again when they are gone, and nothing else goes")
    func shortage() throws {
        // Nothing else may go.
        var desk = desk(1)
        let number = try #require(desk.control("checkpoint").requests.first?.request)
        let failed = desk.say(.failed(.init(request: number, error: "full", code: "no_space")))
        #expect(failed.contains(.measureSpace) && failed.errors.isEmpty)
        #expect(desk.tell(.freeSpace(4)).contains(.removeLogs(bytes: 6)))
        #expect(desk.tell(.logsRemoved(some)).contains(.measureSpace))
        let again = desk.tell(.freeSpace(34))
        #expect(again.requests.count == 1)
        #expect(!again.contains { if case .remove = $0 { true } else { false } })
    }

    @Test("a commit and a job that wait for room at the same time are served by one order")
    func together() throws {
        var desk = desk()
        let id = desk.begin(step: 9)
        let commit = desk.say(.commit(.init(id: id))).commit
        let other = desk.begin(step: 10)
        desk.say(.abort(.init(id: other, code: "no_space")))
        #expect(desk.tell(.diskFull(id, full)).contains(.removeLogs(bytes: 10)))
        let second = desk.tell(.freeSpace(0))
        #expect(!second.contains { if case .removeLogs = $0 { true } else { false } })
        let gone = desk.tell(.logsRemoved(some))
        #expect(gone.commit == commit && gone.contains(.measureSpace))
    }

    @Test("an archived run that is looked at meanwhile does not go before them")
    func archives() {
        var desk = desk(mayHaveArchives: true)
        let id = desk.begin(step: 9)
        desk.say(.commit(.init(id: id)))
        desk.tell(.diskFull(id, full))
        let archive = ArchiveSummary(time: "20260901T000000Z", pins: [])
        let looked = desk.tell(.archives([archive]))
        #expect(!looked.contains(.removeArchive(archive.time)))
        #expect(!looked.contains { if case .remove = $0 { true } else { false } })
    }
}
