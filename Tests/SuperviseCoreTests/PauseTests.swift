import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A pause")
struct PauseTests {
    private static func paused(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk { settings in
            settings.checkpointTimeout = .seconds(10)
            change(&settings)
        }
        desk.run()
        return desk
    }

    @Test("stops the whole job and is told in the status; unpause lets it go on")
    func pauses() {
        var desk = Self.paused()
        let actions = desk.control("pause")
        #expect(actions.sent == [.ok] && actions.contains(.pauseJob))
        #expect(desk.supervisor.status(at: desk.moment).phase == .paused)
        let again = desk.control("unpause")
        #expect(again.sent == [.ok] && again.contains(.unpauseJob))
        #expect(desk.supervisor.status(at: desk.moment).phase == .running)
    }

    @Test("twice is one, and unpause where nothing is paused is answered all the same")
    func twice() {
        var desk = Self.paused()
        #expect(desk.control("unpause").sent == [.ok])
        desk.control("pause")
        let again = desk.control("pause")
        #expect(again.sent == [.ok] && !again.contains(.pauseJob))
    }

    @Test("counts for no time-out: a request has the time that it had left")
    func requestIsHeld() {
        var desk = Self.paused()
        desk.control("checkpoint", on: 9)
        let pause = desk.control("pause", after: .seconds(4))
        #expect(pause.contains(.cancelTimer(.request)))
        let actions = desk.control("unpause", after: .seconds(3600))
        #expect(actions.timer(.request) == Duration.seconds(3600 + 10).wholeNanoseconds)
        desk.tell(.timer(.request), after: .seconds(6))
        #expect(desk.tell(.freeSpace(1 << 40)).errors == [.conflict])
        let requests = desk.supervisor.requests
        #expect(requests.unanswered == 1)
    }

    @Test("counts for no interval, and nobody is asked in it")
    func intervalIsHeld() {
        var desk = Self.paused { $0.checkpointEvery = .every(.seconds(100)) }
        desk.control("pause", after: .seconds(40))
        #expect(desk.control("checkpoint", on: 9).errors == [.conflict])
        #expect(desk.supervisor.status(at: desk.moment).nextCheckpoint == nil)
        let actions = desk.control("unpause", after: .seconds(1000))
        #expect(actions.timer(.interval) == Duration.seconds(1100).wholeNanoseconds)
    }

    @Test("a time that begins in a pause is whole after it")
    func setInPause() {
        var desk = Self.paused { $0.checkpointEvery = .every(.seconds(100)) }
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.control("pause")
        let committed = desk.tell(.committed(Desk.summary(id), seconds: 1), after: .seconds(50))
        #expect(committed.timer(.interval) == nil)
        let actions = desk.control("unpause", after: .seconds(1))
        #expect(actions.timer(.interval) == Duration.seconds(151).wholeNanoseconds)
    }

    @Test("is no work that is lost, and no time in which the job ran")
    func lostWork() {
        var desk = Self.paused { $0.backoff = .zero ... .zero }
        desk.control("pause", after: .seconds(5))
        desk.control("unpause", after: .seconds(1000))
        let end = desk.tell(.jobExited(.exited(1)), after: .seconds(2))
        let exits = end.compactMap { if case .log(.jobExited(let exit)) = $0 { exit } else { nil } }
        #expect(exits.first?.seconds == 7)
        let record = desk.tell(.descendantsGone).records.last
        #expect(record?.failures.last?.lostSeconds == 7)
        #expect(record?.totals.down == 1000 && record?.totals.wall == 1007)
        #expect(record?.experience.ran == 7)
    }

    @Test("what dies in it is started again after it")
    func diesInPause() {
        var desk = Self.paused { $0.backoff = .seconds(2) ... .seconds(2) }
        desk.control("pause")
        let actions = desk.end(.signaled(number: 9, name: "SIGKILL"), after: .seconds(100))
        #expect(actions.timer(.backoff) == nil)
        #expect(desk.supervisor.phase == .waiting)
        #expect(desk.supervisor.status(at: desk.moment).phase == .paused)
        let again = desk.control("unpause", after: .seconds(100))
        #expect(again.timer(.backoff) == Duration.seconds(202).wholeNanoseconds)
        #expect(!again.contains(.unpauseJob))
        #expect(desk.tell(.timer(.backoff), after: .seconds(2)).spawn?.attempt == 2)
    }

    @Test("of a job that is being started begins when it runs")
    func beforeSpawned() {
        var desk = Desk()
        desk.tell(.started)
        desk.tell(.recorded)
        #expect(!desk.control("pause").contains(.pauseJob))
        #expect(desk.tell(.spawned(pid: 100)).contains(.pauseJob))
    }

    @Test("ends by a stop, and the job is asked before it is signalled")
    func stopInPause() {
        var desk = Self.paused()
        desk.control("pause")
        let actions = desk.tell(sigterm, after: .seconds(100))
        let goesOn = actions.firstIndex(of: .unpauseJob)
        let asks = actions.firstIndex {
            if case .send(.checkpointRequest, _, _) = $0 { true } else { false }
        }
        #expect((goesOn ?? 99) < (asks ?? -1))
        #expect(actions.timer(.stopDeadline) == Duration.seconds(110).wholeNanoseconds)
        #expect(desk.control("pause").errors == [.stopping])
    }

    @Test("a stop in a pause of the wait for the next attempt ends at once")
    func stopInBackoff() {
        var desk = Self.paused()
        desk.end(.exited(1))
        desk.control("pause")
        #expect(desk.tell(sigterm).ending == .stopped(signal: 15))
    }

    @Test("does not end by a SIGCONT that we are sent, and other signals are passed on")
    func signals() {
        var desk = Self.paused()
        desk.control("pause")
        #expect(desk.tell(.signal(.other(number: 18))).isEmpty)
        #expect(desk.tell(.signal(.other(number: 28))).contains(.signalLeader(28)))
        desk.control("unpause")
        #expect(desk.tell(.signal(.other(number: 18))).contains(.signalLeader(18)))
    }

    @Test("together with us, by Ctrl-Z, it moves every timer")
    func stoodStill() {
        var desk = Self.paused { $0.checkpointEvery = .every(.seconds(100)) }
        let actions = desk.tell(.stoodStill(.seconds(30)), after: .seconds(50))
        #expect(actions.timer(.interval) == Duration.seconds(130).wholeNanoseconds)
        desk.tell(sigterm)
        let deadline = desk.supervisor.stop?.deadline
        let later = desk.tell(.stoodStill(.seconds(30)), after: .seconds(31))
        #expect(later.timer(.stopDeadline) == Duration.seconds(90).wholeNanoseconds)
        #expect(desk.supervisor.stop?.deadline == deadline.map { $0 + .seconds(30) })
        let asked = desk.hello(on: 2).requests.first
        #expect(asked?.deadline == 9)
    }
}
