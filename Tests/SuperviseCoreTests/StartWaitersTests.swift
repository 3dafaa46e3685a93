import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("An operator who waits for an attempt to come up")
struct StartWaitersTests {
    /// A job that was asked to start again, has ended, and is being started.
    private static func restarting(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk { settings in
            settings.backoff = .zero ... .zero
            change(&settings)
        }
        desk.run()
        desk.control("restart", checkpoint: false)
        desk.end(.exited(0))
        desk.tell(.timer(.backoff))
        return desk
    }

    private func answers(_ actions: [Action], to link: Int) -> [SupervisorMessage] {
        actions.compactMap {
            guard case .send(let message, let to, _) = $0, to == ConnectionID(link) else {
                return nil
            }
            return message
        }
    }

    @Test("a restart is answered at the next attempt's hello")
    func hello() {
        var desk = Self.restarting()
        let spawned = desk.tell(.spawned(pid: 101))
        #expect(answers(spawned, to: 20).isEmpty)
        #expect(spawned.timer(.lived) == Duration.seconds(1).wholeNanoseconds)
        let greeted = desk.hello(on: 3)
        #expect(answers(greeted, to: 20) == [.ok])
        #expect(greeted.contains(.cancelTimer(.lived)))
    }

    @Test("a restart is answered when a job without the protocol has lived for a second")
    func lived() {
        var desk = Self.restarting()
        desk.tell(.spawned(pid: 101))
        #expect(answers(desk.tell(.timer(.lived), after: .seconds(1)), to: 20) == [.ok])
    }

    @Test("a restart fails where the next attempt ends before it is up, and says how it ended")
    func ends() throws {
        var desk = Self.restarting()
        desk.tell(.spawned(pid: 101))
        let ended = desk.tell(.jobExited(.exited(3)), after: .milliseconds(999))
        guard case .error(let error)? = answers(ended, to: 20).first else {
            Issue.record("no error, but \(ended)")
            return
        }
        #expect(error.code == .conflict)
        #expect(
            error.message == "attempt 2 did not come up: it exited with status 3 before it said "
                + "hello and before it had lived for 1 s; supervise status run shows what comes next"
        )
    }

    @Test("a restart fails where the next attempt cannot be started")
    func spawnFails() {
        var desk = Self.restarting()
        let failed = desk.tell(.spawnFailed(.system("no memory")))
        #expect(failed.errors == [.conflict])
    }

    @Test("a restart waits as long as the machine is short of what a start needs")
    func shortage() {
        var desk = Self.restarting()
        #expect(desk.tell(.spawnFailed(.shortage("no pids"))).errors.isEmpty)
        #expect(desk.tell(.timer(.backoff), after: .seconds(1)).spawn != nil)
        desk.tell(.spawned(pid: 101))
        #expect(answers(desk.hello(on: 3), to: 20) == [.ok])
    }

    @Test("no timer is set for the attempt that a restart is about to end")
    func oldAttempt() {
        var desk = Desk()
        desk.run(speaks: false)
        // In its first second, and after it.
        #expect(desk.control("restart", checkpoint: false).timer(.lived) == nil)
        #expect(desk.tell(.warned("it goes on"), after: .seconds(2)).timer(.lived) == nil)
        #expect(desk.control("restart", on: 21).timer(.lived) == nil)
    }

    @Test("several operators, who asked at different times, hear of the same attempt")
    func several() {
        var desk = Desk()
        desk.run()
        let request = desk.control("restart", on: 21).requests.first?.request
        desk.control("restart", on: 22, after: .seconds(1))
        desk.save(request: request)
        desk.end(.exited(0))
        desk.control("restart", on: 23)
        desk.tell(.timer(.backoff))
        desk.tell(.verified(checkpoint(1, step: 1), .good(metadata: [:])))
        desk.tell(.spawned(pid: 101))
        let greeted = desk.hello(on: 3)
        for link in 21...23 { #expect(answers(greeted, to: link) == [.ok]) }
    }

    @Test("an operator who asks anew while the next attempt comes up waits for the one after it")
    func again() {
        var desk = Self.restarting()
        desk.tell(.spawned(pid: 101))
        #expect(desk.control("restart", checkpoint: false, on: 21).errors.isEmpty)
        // That the second attempt ends was asked for, so the first operator waits on.
        #expect(desk.end(.exited(0)).errors.isEmpty)
        desk.tell(.timer(.backoff))
        desk.tell(.spawned(pid: 102))
        let greeted = desk.hello(on: 3)
        #expect(answers(greeted, to: 20) == [.ok] && answers(greeted, to: 21) == [.ok])
    }

    @Test("a stop meanwhile answers all who wait")
    func stop() {
        var desk = Self.restarting()
        desk.tell(.spawned(pid: 101))
        desk.control("checkpoint", on: 21)
        let stopped = desk.tell(sigterm)
        #expect(stopped.errors == [.stopping, .stopping])
        #expect(stopped.timer(.lived) == nil)
    }

    @Test("a run that ends meanwhile answers all who wait")
    func ending() {
        var desk = Self.restarting { $0.maxFailures = 1 }
        #expect(desk.tell(.spawnFailed(.system("no memory"))).errors == [.stopping])
    }

    @Test("an operator who has gone is not answered, and no timer waits for it")
    func gone() {
        var desk = Self.restarting()
        desk.tell(.spawned(pid: 101))
        #expect(desk.tell(.disconnected(ConnectionID(20))).contains(.cancelTimer(.lived)))
        #expect(answers(desk.hello(on: 3), to: 20).isEmpty)
    }

    @Test("a checkpoint that is asked for before the hello is requested at the hello")
    func checkpointAtStart() {
        var desk = Desk()
        desk.tell(.started)
        #expect(desk.control("checkpoint", on: 21).sent.isEmpty)
        desk.tell(.recorded)
        #expect(desk.control("checkpoint", on: 22).sent.isEmpty)
        desk.tell(.spawned(pid: 100))
        #expect(desk.control("checkpoint", on: 23).sent.isEmpty)
        // One that cannot save is not enough.
        #expect(desk.hello(on: 1, accepts: false).requests.isEmpty)
        let greeted = desk.hello(on: 2)
        #expect(greeted.requests.map(\.reason) == [.manual])
        let id = desk.begin(request: greeted.requests.first?.request, on: 2)
        desk.say(.commit(.init(id: id)), on: 2)
        let saved = desk.tell(.committed(Desk.summary(id), seconds: 1))
        for link in 21...23 { #expect(answers(saved, to: link).count == 1) }
        #expect(desk.supervisor.requests.made == 1)
    }

    @Test("a checkpoint is refused after the first second of a job that cannot be asked for one")
    func checkpointTooLate() {
        var desk = Desk()
        desk.run(speaks: false)
        #expect(desk.control("checkpoint", after: .milliseconds(400)).sent.isEmpty)
        #expect(desk.supervisor.alarms.due[.lived] == Instant(nanoseconds: 1_000_000_000))
        #expect(desk.tell(.timer(.lived), after: .milliseconds(600)).errors == [.conflict])
        #expect(desk.control("checkpoint").errors == [.conflict])
    }

    @Test("a checkpoint is refused at once in the wait between two attempts, and in a pause")
    func checkpointElsewhere() {
        var desk = Desk()
        desk.run(speaks: false)
        var paused = desk
        paused.control("pause")
        #expect(paused.control("checkpoint").errors == [.conflict])
        desk.end(.exited(1))
        #expect(desk.control("checkpoint").errors == [.conflict])
    }
}
