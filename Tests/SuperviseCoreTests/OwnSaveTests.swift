import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Checkpoints that the job makes by itself")
struct OwnSaveTests {
    private func status(_ desk: Desk) -> Status { desk.supervisor.status(at: desk.moment) }

    private func failures(_ actions: [Action]) -> [RunEvent.CheckpointFailed] {
        actions.compactMap { if case .log(.checkpointFailed(let it)) = $0 { it } else { nil } }
    }

    private func drops(_ actions: [Action]) -> [RunEvent.CheckpointDropped] {
        actions.compactMap { if case .log(.checkpointDropped(let it)) = $0 { it } else { nil } }
    }

    @Test("are counted, and one that the job aborts is logged with its error")
    func aborted() {
        var desk = Desk()
        desk.run()
        desk.save(step: 1)
        let id = desk.begin(step: 2)
        let actions = desk.say(.abort(.init(id: id, error: "the loss is NaN")))
        #expect(failures(actions).map(\.id) == [id])
        #expect(failures(actions).first?.error == "the job aborted it: the loss is NaN")
        let saves = status(desk).ownSaves
        #expect(saves.committed == 1 && saves.failed == 1)
        #expect(saves.lastError?.id == id)
        #expect(saves.lastError?.error == "the job aborted it: the loss is NaN")
        let due = desk.tell(.timer(.publish), after: .seconds(1))
        #expect(due.contains(.publish(status(desk))))
    }

    @Test("that fail on the disk count, and requests do not")
    func disk() {
        var desk = Desk()
        desk.run()
        let id = desk.begin(step: 2)
        desk.say(.commit(.init(id: id)))
        desk.tell(.commitFailed(id, .init(.io, "EIO")))
        #expect(status(desk).ownSaves.failed == 1 && status(desk).requests.failed == 0)
        desk.say(.failed(.init(request: nil, error: "x")))
        #expect(status(desk).ownSaves.failed == 2 && status(desk).requests.failed == 0)
    }

    @Test("and those that were asked for are counted apart")
    func requested() {
        var desk = Desk()
        desk.run()
        desk.control("checkpoint")
        let number = desk.supervisor.openRequest?.number
        let id = desk.begin(request: number)
        let aborted = desk.say(.abort(.init(id: id, error: "no")))
        #expect(failures(aborted).isEmpty)
        desk.say(.failed(.init(request: number, error: "no")))
        #expect(status(desk).requests.failed == 1)
        #expect(status(desk).ownSaves == .init())
    }

    @Test("that nobody can commit any more are logged as dropped, with the reason")
    func dropped() {
        var desk = Desk()
        desk.run()
        let first = desk.begin(step: 1)
        let again = desk.say(.begin(.init(step: 2)))
        #expect(drops(again) == [.init(id: first, reason: .begunAgain)])
        let second = desk.supervisor.openCheckpoint?.id
        let gone = desk.tell(.disconnected(ConnectionID(1)))
        #expect(drops(gone).map(\.id) == [second])
        #expect(drops(gone).map(\.reason) == [.connectionEnded])
        desk.hello(on: 2)
        let third = desk.begin(step: 3, on: 2)
        #expect(drops(desk.tell(.jobExited(.exited(1)))) == [.init(id: third, reason: .jobEnded)])
        #expect(status(desk).ownSaves.failed == 3)
    }
}
