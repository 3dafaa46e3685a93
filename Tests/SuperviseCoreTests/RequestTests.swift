import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A requested checkpoint")
struct RequestTests {
    @Test("is asked for the interval after the first hello that accepts")
    func interval() {
        var desk = Desk { $0.checkpointEvery = .every(.seconds(30)) }
        desk.run(speaks: false)
        #expect(desk.hello(accepts: false).timer(.interval) == nil)
        #expect(desk.hello(on: 2).timer(.interval) == 30_000_000_000)
        let actions = desk.tell(.timer(.interval), after: .seconds(30))
        #expect(
            actions.requests == [.init(request: 1, reason: .interval, final: false, deadline: nil)])
    }

    @Test("any commit starts the interval anew")
    func commitStartsAnew() {
        var desk = Desk { $0.checkpointEvery = .every(.seconds(30)) }
        desk.run()
        desk.tell(.warned("ten seconds pass"), after: .seconds(10))
        #expect(desk.save().timer(.interval) == 40_000_000_000)
    }

    @Test("connections that come and go do not put the interval off")
    func comingAndGoing() {
        var desk = Desk { $0.checkpointEvery = .every(.seconds(30)) }
        desk.run()
        desk.tell(.disconnected(ConnectionID(1)), after: .seconds(20))
        #expect(desk.hello(on: 2).timer(.interval) == nil)
        #expect(desk.tell(.timer(.interval), after: .seconds(10)).requests.count == 1)
    }

    @Test("an interval that ends while a checkpoint is open starts anew when that is aborted")
    func abortStartsAnew() {
        var desk = Desk { $0.checkpointEvery = .every(.seconds(30)) }
        desk.run()
        let id = desk.begin()
        #expect(desk.tell(.timer(.interval), after: .seconds(30)).requests.isEmpty)
        #expect(desk.say(.abort(.init(id: id))).timer(.interval) == 60_000_000_000)
    }

    @Test("with --checkpoint-every off a silent job leaves no timer armed")
    func quiet() {
        var desk = Desk()
        desk.run()
        let actions = desk.say(.heartbeat)
        #expect(actions.isEmpty)
        #expect(desk.save().timer(.interval) == nil)
    }

    @Test("goes to every connection that accepts, and to one that says hello later")
    func everyConnection() {
        var desk = Desk()
        desk.run()
        desk.hello(on: 2)
        desk.hello(on: 3, accepts: false)
        let actions = desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        #expect(actions.requests.count == 2)
        #expect(desk.hello(on: 4).requests.map(\.request) == [1])
    }

    @Test("is unanswered when --checkpoint-timeout has passed without a begin")
    func unanswered() {
        var desk = Desk { $0.checkpointTimeout = .seconds(60) }
        desk.run()
        let asked = desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        #expect(asked.timer(.request) == 60_000_000_000)
        desk.tell(.timer(.request), after: .seconds(60))
        #expect(desk.supervisor.requests.unanswered == 1)
        #expect(desk.supervisor.openRequest == nil)
    }

    @Test("a begin in time restarts its time, and so does staging that has grown")
    func growth() {
        var desk = Desk { $0.checkpointTimeout = .seconds(60) }
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        desk.tell(.warned("59 seconds pass"), after: .seconds(59))
        let begun = desk.say(.begin(.init(step: 1, request: 1)))
        #expect(begun.timer(.request) == 119_000_000_000)
        let id = checkpoint(1, step: 1)
        desk.tell(.stagingMade(id, path: "/s"))
        #expect(desk.tell(.timer(.request), after: .seconds(60)).contains(.measureStaging(id)))
        let grown = desk.tell(.stagingMeasured(id, .init(bytes: 10, files: 1)))
        #expect(grown.timer(.request) == 179_000_000_000)
        desk.tell(.timer(.request), after: .seconds(60))
        desk.tell(.stagingMeasured(id, .init(bytes: 10, files: 1)))
        #expect(desk.supervisor.requests.unanswered == 1)
        #expect(desk.supervisor.openCheckpoint?.id == id, "nothing is dropped")
    }

    @Test("a late begin that names it is taken, and counted late")
    func late() {
        var desk = Desk()
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        desk.tell(.timer(.request), after: .seconds(60))
        let id = desk.begin(request: 1)
        #expect(desk.supervisor.requests.late == 1 && desk.supervisor.requests.unanswered == 0)
        let order = desk.say(.commit(.init(id: id, request: 1))).commit
        #expect(order?.reason == .manual)
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(desk.supervisor.requests.late == 1 && desk.supervisor.requests.committed == 0)
    }

    @Test("operators join the one that is open, and each is answered")
    func operatorsJoin() {
        var desk = Desk()
        desk.run()
        let control = JobMessage.control(.init(command: "checkpoint"))
        desk.say(control, on: 8, seq: 81)
        #expect(desk.say(control, on: 9, seq: 91).requests.isEmpty)
        let actions = desk.save(request: 1)
        let answered = actions.compactMap { action -> Int64? in
            if case .send(.committed, _, let seq) = action { seq } else { nil }
        }
        #expect(answered == [7, 81, 91])
        #expect(desk.supervisor.requests.made == 1 && desk.supervisor.requests.committed == 1)
    }

    @Test("an operator is told why there is none")
    func operatorIsRefused() {
        var desk = Desk()
        desk.run(accepts: false)
        // The hello of a connection that accepts may still come.
        #expect(desk.say(.control(.init(command: "checkpoint")), on: 8).errors.isEmpty)
        #expect(desk.tell(.timer(.lived), after: .seconds(1)).errors == [.conflict])
        #expect(desk.say(.control(.init(command: "checkpoint")), on: 8).errors == [.conflict])
        desk.tell(sigterm)
        #expect(desk.say(.control(.init(command: "checkpoint")), on: 8).errors == [.stopping])
    }

    @Test("that the job cannot fulfil is failed, logged, and the job goes on")
    func failed() {
        var desk = Desk()
        desk.run()
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        // The disk may have been full.
        desk.say(.failed(.init(request: 1, error: "no memory")), seq: nil)
        #expect(desk.tell(.freeSpace(1 << 40)).errors == [.io])
        #expect(desk.supervisor.requests.failed == 1 && desk.supervisor.phase == .running)
    }

    @Test("is moot when the job ends, and who waits for it is told")
    func moot() {
        var desk = Desk()
        desk.run()
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        #expect(desk.tell(.jobExited(.exited(0))).errors == [.stopping])
        #expect(desk.supervisor.requests.moot == 1)
    }

    @Test("is answered, and not moot, when its commit was received before the job ended")
    func answeredAtTheEnd() {
        var desk = Desk()
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        let id = desk.begin(request: 1)
        desk.say(.commit(.init(id: id)))
        desk.tell(.jobExited(.exited(0)))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.moot == 0)
    }

    @Test("gives way to a final one: it is moot, and its operators wait for the final one")
    func superseded() {
        var desk = Desk()
        desk.run()
        desk.say(.control(.init(command: "checkpoint")), on: 8, seq: 81)
        let actions = desk.tell(sigterm)
        #expect(actions.errors.isEmpty && actions.requests.map(\.request) == [2])
        #expect(desk.supervisor.requests.moot == 1)
        let saved = desk.save(request: 2)
        #expect(
            saved.contains { if case .send(.committed, _, 81) = $0 { true } else { false } })
    }

    @Test("a commit that names a request that never was answers what its begin named")
    func unknownName() {
        var desk = Desk()
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        let id = desk.begin(request: 1)
        desk.say(.commit(.init(id: id, request: 99)))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("a measurement that comes after its request has ended does not end the next one")
    func staleMeasurement() {
        var desk = Desk()
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        let id = desk.begin(request: 1)
        #expect(desk.tell(.timer(.request), after: .seconds(60)).contains(.measureStaging(id)))
        desk.say(.commit(.init(id: id)))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        desk.tell(.stagingMeasured(id, .init(bytes: 0, files: 0)))
        #expect(desk.supervisor.requests.unanswered == 0)
        #expect(desk.supervisor.openRequest?.number == 2)
    }
}
