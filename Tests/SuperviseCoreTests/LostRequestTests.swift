import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A final request that died with the job")
struct LostRequestTests {
    private static func ended(_ actions: [Action]) -> [RunEvent.RequestEnded.Result] {
        actions.compactMap {
            if case .log(.requestEnded(let ended)) = $0 { ended.result } else { nil }
        }
    }

    @Test(
        "is lost, whatever the job ended by",
        arguments: [
            JobEnd.exited(0), .exited(1), .signaled(number: 2, name: "SIGINT"),
            .signaled(number: 9, name: "SIGKILL"),
        ])
    func lost(end: JobEnd) {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let actions = desk.end(end, after: .seconds(3))
        #expect(Self.ended(actions) == [.lost])
        #expect(desk.supervisor.requests.lost == 1 && desk.supervisor.requests.moot == 0)
        #expect(actions.ending == .stopped(signal: 15))
        #expect(desk.supervisor.status(at: desk.moment).finalCheckpointLost)
    }

    @Test("is lost in a preemption, and in a restart that somebody asked for")
    func otherReasons() {
        var preempted = Desk()
        preempted.run()
        preempted.tell(.signal(.preempt(name: "SIGUSR2")))
        if preempted.supervisor.openRequest == nil {
            preempted.tell(.timer(.preemption), after: .seconds(20))
        }
        #expect(preempted.supervisor.openRequest?.final == true)
        #expect(Self.ended(preempted.end(.exited(1))) == [.lost])
        #expect(preempted.supervisor.status(at: preempted.moment).finalCheckpointLost)

        var restarted = Desk()
        restarted.run()
        restarted.control("restart")
        #expect(Self.ended(restarted.end(.exited(0))) == [.lost])
        // The run goes on: its last line has nothing to say of it.
        restarted.restart()
        restarted.control("stop", checkpoint: false)
        restarted.end(.exited(0))
        #expect(restarted.supervisor.requests.lost == 1)
        #expect(!restarted.supervisor.status(at: restarted.moment).finalCheckpointLost)
    }

    @Test("is lost where its checkpoint was begun and not committed")
    func begun() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        _ = desk.begin(step: 3, request: 1)
        #expect(Self.ended(desk.end(.exited(1))) == [.lost])
    }

    @Test("is committed where its commit was received before the job ended")
    func answered() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let id = desk.begin(step: 3, request: 1)
        desk.say(.commit(.init(id: id)))
        desk.end(.exited(1))
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(actions.ending == .stopped(signal: 15) && Self.ended(actions).isEmpty)
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.lost == 0)
    }

    @Test("is committed where the job saved after it without a word of it, and exited")
    func savedUnnamed() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        desk.save(step: 9)
        let actions = desk.end(.exited(0))
        #expect(actions.ending == .stopped(signal: 15) && Self.ended(actions).isEmpty)
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.lost == 0)
        #expect(!desk.supervisor.status(at: desk.moment).finalCheckpointLost)
    }

    @Test("is committed by such a save that the disk finishes only after the job's end")
    func savedUnnamedAndLate() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let id = desk.begin(step: 9)
        desk.say(.commit(.init(id: id)))
        desk.end(.exited(0))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.lost == 0)
    }

    @Test("is lost where the only later commit was begun before it")
    func begunBefore() {
        var desk = Desk()
        desk.run()
        let id = desk.begin(step: 9)
        desk.tell(sigterm, after: .seconds(1))
        desk.say(.commit(.init(id: id)))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        desk.end(.exited(0))
        #expect(desk.supervisor.requests.lost == 1)
    }

    @Test("is unfinished, not lost, where the disk did not take its commit in the time of the stop")
    func diskTooSlow() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let id = desk.begin(step: 9, request: 1)
        desk.say(.commit(.init(id: id)))
        desk.end(.exited(0))
        let actions = desk.tell(.timer(.stopDeadline), after: .seconds(60))
        #expect(actions.ending == .stopped(signal: 15))
        let requests = desk.supervisor.requests
        #expect(requests.unfinished == 1 && requests.lost == 0 && requests.moot == 0)
        #expect(desk.supervisor.status(at: desk.moment).unfinished == [id])
    }

    @Test("is unanswered, not lost, where its time had passed before the job ended")
    func unanswered() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        desk.tell(.timer(.stopDeadline), after: .seconds(60))
        desk.end(.exited(0))
        #expect(desk.supervisor.requests.unanswered == 1 && desk.supervisor.requests.lost == 0)
    }

    @Test("who waits for it is told")
    func operators() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        desk.control("checkpoint")
        #expect(desk.end(.exited(1)).errors == [.stopping])
    }

    @Test("by a signal: what the job completed at last answers it, else it is lost")
    func bySignal() {
        func watching() -> Desk {
            var desk = Desk {
                $0.watch = [WatchPattern("/out/*")].compactMap { $0 }
                $0.requestSignal = .init(number: 12, name: "SIGUSR2")
            }
            desk.run(speaks: false)
            desk.tell(sigterm, after: .seconds(1))
            return desk
        }
        var lost = watching()
        lost.tell(.jobExited(.exited(0)))
        lost.tell(.watchFlushed)
        lost.tell(.descendantsGone)
        #expect(Self.ended(lost.tell(.watchFlushed)) == [.lost])
        #expect(lost.supervisor.requests.lost == 1)
        var saved = watching()
        saved.tell(.jobExited(.exited(0)), after: .seconds(1))
        let file = WatchedFile(
            path: "/out/a", step: nil, completedAt: saved.moment.instant, wasMoved: true)
        let order = saved.tell(.watched([file])).commit
        saved.tell(.watchFlushed)
        saved.tell(.descendantsGone)
        if let order { saved.tell(.committed(Desk.summary(order.id), seconds: 1)) }
        #expect(saved.supervisor.requests.committed == 1 && saved.supervisor.requests.lost == 0)
    }
}
