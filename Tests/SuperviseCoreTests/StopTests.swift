import SuperviseCore
import SuperviseFormats
import Testing

@Suite("The stop")
struct StopTests {
    @Test("the job is asked for a final checkpoint, and nobody is signalled before the deadline")
    func asksFirst() {
        var desk = Desk { $0.checkpointTimeout = .seconds(60) }
        desk.run()
        let actions = desk.tell(sigterm)
        #expect(
            actions.requests == [.init(request: 1, reason: .shutdown, final: true, deadline: 60)])
        #expect(!actions.contains(.signalLeader(15)) && !actions.tellsToStop)
        #expect(actions.timer(.stopDeadline) == 60_000_000_000)
    }

    @Test("when the final checkpoint is durable, SIGTERM waits for half of --stop-timeout")
    func sparesAfterFinal() {
        var desk = Desk { $0.stopTimeout = .seconds(10) }
        desk.run()
        desk.tell(sigterm)
        let actions = desk.save(request: 1)
        #expect(actions.sent.contains(.stop(deadline: 10)))
        #expect(!actions.contains(.signalLeader(15)))
        #expect(actions.timer(.terminate) == 5_000_000_000)
        #expect(desk.tell(.timer(.terminate), after: .seconds(5)).contains(.signalLeader(15)))
        #expect(desk.tell(.timer(.kill), after: .seconds(5)).contains(.killEverything))
    }

    @Test("at the deadline the request is unanswered, and stop and SIGTERM go out at once")
    func deadlinePasses() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let actions = desk.tell(.timer(.stopDeadline), after: .seconds(60))
        #expect(actions.tellsToStop && actions.contains(.signalLeader(15)))
        #expect(desk.supervisor.requests.unanswered == 1)
    }

    @Test("what gets SIGKILL has time to end by it, also where the last bound is due already")
    func lateKill() {
        var desk = Desk { $0.stopTimeout = .seconds(1) }
        desk.run(accepts: false)
        desk.tell(sigterm)
        desk.tell(.jobExited(.signaled(number: 15, name: "SIGTERM")))
        // The machine let us sleep until both timers were due.
        #expect(desk.tell(.timer(.kill), after: .seconds(5)).contains(.killEverything))
        let due = desk.tell(.timer(.abandon))
        #expect(due.warnings.isEmpty && due.ending == nil)
        #expect(due.timer(.abandon) == 5_500_000_000)
        var other = desk
        let gone = other.tell(.descendantsGone)
        #expect(gone.warnings.isEmpty && !gone.records.isEmpty)
        let last = desk.tell(.timer(.abandon), after: .milliseconds(500))
        #expect(last.warnings.contains { $0.contains("does not end, even by SIGKILL") })
    }

    @Test("nothing is given up before it got SIGKILL, whichever timer comes first")
    func abandonBeforeKill() {
        var desk = Desk { $0.stopTimeout = .seconds(1) }
        desk.run(accepts: false)
        desk.tell(sigterm)
        let due = desk.tell(.timer(.abandon), after: .seconds(5))
        #expect(due.contains(.killEverything) && due.warnings.isEmpty && due.ending == nil)
        #expect(due.timer(.abandon) == 5_500_000_000)
    }

    @Test("where no connection accepts requests, stop and SIGTERM go out at once")
    func nobodyToAsk() {
        var desk = Desk()
        desk.run(accepts: false)
        let actions = desk.tell(sigterm)
        #expect(actions.requests.isEmpty && actions.tellsToStop)
        #expect(actions.contains(.signalLeader(15)))
        let signal = actions.firstIndex(of: .signalLeader(15)) ?? .max
        let told = actions.firstIndex { if case .log = $0 { true } else { false } }
        #expect(signal < told ?? 0, "the job hears of it first")
    }

    @Test("control stop without a checkpoint skips the request")
    func controlStopSkips() {
        var desk = Desk()
        desk.run()
        let actions = desk.say(.control(.init(command: "stop", checkpoint: false)), on: 2)
        #expect(actions.sent.first == .ok)
        #expect(actions.requests.isEmpty && actions.contains(.signalLeader(15)))
    }

    @Test("a checkpoint that is open already answers the final request when its commit names it")
    func openOneAnswers() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        desk.tell(sigterm)
        desk.say(.commit(.init(id: id, request: 1)))
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(actions.tellsToStop && actions.timer(.terminate) != nil)
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("a checkpoint that is open and does not name the final request leaves it open")
    func openOneWithoutName() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        desk.tell(sigterm)
        desk.say(.commit(.init(id: id)))
        #expect(!desk.tell(.committed(Desk.summary(id), seconds: 1)).tellsToStop)
    }

    @Test("the final request survives the loss of the last connection, as its deadline is fixed")
    func disconnectKeepsWaiting() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let actions = desk.tell(.disconnected(ConnectionID(1)), after: .seconds(1))
        #expect(!actions.contains(.signalLeader(15)))
        #expect(desk.hello(on: 2).requests.first?.deadline == 59)
    }

    @Test("a final checkpoint that fails ends the wait")
    func finalFails() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        // The disk may have been full.
        desk.say(.failed(.init(request: 1, error: "no memory")))
        let actions = desk.tell(.freeSpace(1 << 40))
        #expect(actions.tellsToStop && actions.contains(.signalLeader(15)))
        #expect(desk.supervisor.requests.failed == 1)
    }

    @Test("signals within 500 ms of one that counts are one")
    func duplicates() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        #expect(!desk.tell(sigterm, after: .milliseconds(499)).contains(.signalLeader(15)))
        #expect(desk.tell(sigterm, after: .milliseconds(1)).contains(.signalLeader(15)))
    }

    @Test("a second SIGTERM cuts the wait for the checkpoint short, but not a commit that is in")
    func second() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let id = desk.begin(request: 1)
        desk.say(.commit(.init(id: id)))
        #expect(desk.tell(sigint, after: .seconds(1)).contains(.signalLeader(15)))
        #expect(desk.end(.signaled(number: 15, name: "SIGTERM")).ending == nil)
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(actions.ending == .stopped(signal: 15))
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("a second SIGTERM ends the grace after the final checkpoint")
    func secondEndsGrace() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        desk.save(request: 1)
        let actions = desk.tell(sigterm, after: .seconds(1))
        #expect(actions.contains(.signalLeader(15)) && actions.contains(.cancelTimer(.terminate)))
    }

    @Test("a third SIGTERM kills everything, and abandons a commit that is in")
    func third() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(sigterm)
        desk.tell(sigterm, after: .seconds(1))
        #expect(desk.tell(sigterm, after: .seconds(1)).contains(.killEverything))
        #expect(
            desk.end(.signaled(number: 9, name: "SIGKILL")).ending == .stopped(signal: 15))
    }

    @Test("a fourth SIGTERM does not move the end")
    func fourth() {
        var desk = Desk()
        desk.run()
        for _ in 1...3 { desk.tell(sigterm, after: .seconds(1)) }
        #expect(desk.tell(sigterm, after: .milliseconds(900)).timer(.abandon) == nil)
        let actions = desk.tell(.timer(.abandon), after: .milliseconds(100))
        #expect(actions.ending == .stopped(signal: 15))
    }

    @Test("SIGHUP asks to stop like SIGTERM, but never counts as a second")
    func hangUp() {
        var desk = Desk()
        desk.run()
        #expect(!desk.tell(sighup).requests.isEmpty)
        #expect(!desk.tell(sighup, after: .seconds(2)).contains(.signalLeader(15)))
        #expect(desk.tell(sigterm, after: .seconds(2)).contains(.signalLeader(15)))
        #expect(
            desk.end(.signaled(number: 15, name: "SIGTERM")).ending == .stopped(signal: 1))
    }

    @Test("no exit counts as completed once a stop was asked for")
    func exitIsNoCompletion() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let actions = desk.end(.exited(0), after: .seconds(1))
        #expect(actions.ending == .stopped(signal: 15))
        #expect(actions.records.last?.outcome == Outcome(kind: .stopped, exitCode: 0))
    }

    @Test("when the leader is gone its descendants get SIGTERM, and SIGKILL at the end of the time")
    func descendants() {
        var desk = Desk { $0.stopTimeout = .seconds(10) }
        desk.run(accepts: false)
        desk.tell(sigterm)
        let exit = desk.tell(.jobExited(.signaled(number: 15, name: "SIGTERM")), after: .seconds(1))
        #expect(exit.contains(.endDescendants(.politely)))
        #expect(desk.tell(.timer(.kill), after: .seconds(9)).contains(.killEverything))
        #expect(desk.tell(.descendantsGone).ending == .stopped(signal: 15))
    }

    @Test("a stop while waiting for the next attempt ends at once")
    func whileWaiting() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1))
        #expect(desk.tell(sigterm).ending == .stopped(signal: 15))
    }

    @Test("a stop while a checkpoint is verified cancels that and ends at once")
    func whileChoosing() {
        var desk = Desk(checkpoints: [checkpoint(1)])
        desk.tell(.started)
        let actions = desk.tell(sigterm)
        #expect(actions.contains(.cancelVerification))
        #expect(actions.ending == .stopped(signal: 15))
    }

    @Test("a leader that is being started is told to end when it runs")
    func whileSpawning() {
        var desk = Desk()
        desk.tell(.started)
        desk.tell(.recorded)
        #expect(!desk.tell(sigterm).contains(.signalLeader(15)))
        #expect(desk.tell(.spawned(pid: 100)).contains(.signalLeader(15)))
    }

    @Test("commits in flight are waited for until the deadline, and then left")
    func commitsAtTheDeadline() {
        var desk = Desk { $0.checkpointTimeout = .seconds(30) }
        desk.run(accepts: false)
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(sigterm)
        #expect(desk.end(.exited(0), after: .seconds(1)).ending == nil)
        #expect(desk.tell(.timer(.abandon), after: .seconds(10)).ending == nil)
        #expect(
            desk.tell(.timer(.stopDeadline), after: .seconds(19)).ending == .stopped(signal: 15))
    }

    @Test("a job that ends after the deadline is not followed by a wait for its commits")
    func lateEnd() {
        var desk = Desk { $0.checkpointTimeout = .seconds(10) }
        desk.run()
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(sigterm)
        desk.tell(.timer(.stopDeadline), after: .seconds(10))
        #expect(desk.end(.exited(0), after: .seconds(1)).ending == .stopped(signal: 15))
    }

    @Test("a final commit that is durable only after the deadline counts as late")
    func lateFinal() {
        var desk = Desk()
        desk.run()
        desk.tell(sigterm)
        let id = desk.begin(request: 1)
        desk.say(.commit(.init(id: id)))
        desk.tell(.timer(.stopDeadline), after: .seconds(60))
        #expect(desk.supervisor.requests.unfinished == 1)
        desk.tell(.committed(Desk.summary(id), seconds: 61))
        #expect(desk.supervisor.requests.unfinished == 0 && desk.supervisor.requests.late == 1)
    }

    @Test("after stop nothing new is begun")
    func nothingNew() {
        var desk = Desk()
        desk.run(accepts: false)
        desk.tell(sigterm)
        #expect(desk.say(.begin(.init(step: 1))).errors == [.stopping])
        #expect(desk.say(.add(.init(path: "/file"))).errors == [.stopping])
    }
}
