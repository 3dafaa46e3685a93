import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A service manager")
struct ServiceTests {
    private func desk(
        watchdog: Duration? = nil, checkpoints: [CheckpointID] = [],
        _ change: (inout Settings) -> Void = { _ in }
    ) -> Desk {
        Desk(checkpoints: checkpoints, manager: ServiceManager(watchdog: watchdog), change)
    }

    @Test("hears that we are ready before gigabytes are verified, and once")
    func ready() {
        var desk = desk(checkpoints: [checkpoint(1, step: 1)])
        let started = desk.tell(.started)
        #expect(started.notices == [.ready])
        #expect(started.contains { if case .verify = $0 { true } else { false } })
        desk.tell(.verified(checkpoint(1, step: 1), .good(metadata: [:])))
        desk.tell(.recorded)
        #expect(desk.tell(.spawned(pid: 100)).notices == [])
    }

    @Test("does not hear it where there is nothing good to go on from")
    func refused() {
        var desk = desk { $0.resumeFrom = .checkpoint(checkpoint(7, step: 1)) }
        #expect(desk.tell(.started).notices == [])
    }

    @Test("is told that the end has begun, and how long it may take")
    func stopping() {
        var desk = desk {
            $0.checkpointTimeout = .seconds(300)
            $0.stopTimeout = .seconds(20)
        }
        desk.run()
        #expect(desk.tell(sigterm).notices == [.stopping, .extend(.seconds(323))])
        #expect(desk.tell(sigterm, after: .seconds(1)).notices == [])
    }

    @Test("is told of an end that comes later, as when the machine has slept")
    func laterEnd() {
        var desk = desk { $0.checkpointTimeout = .seconds(300) }
        desk.run()
        #expect(desk.tell(sigterm).notices == [.stopping, .extend(.seconds(313))])
        let woken = desk.tell(.stoodStill(.seconds(9)), after: .seconds(10))
        #expect(woken.notices == [.extend(.seconds(312))])
    }

    @Test("is told of the end of a run whose machine is taken away")
    func preempted() {
        var desk = desk()
        desk.run()
        let notices = desk.tell(PreemptionTests.notice).notices
        #expect(notices.first == .stopping && notices.count == 2)
    }

    @Test("hears of no end where the job is only started again")
    func restarting() {
        var desk = desk()
        desk.run()
        #expect(desk.say(.control(.init(command: "restart"))).notices == [])
        #expect(desk.tell(sigterm).notices.first == .stopping)
    }

    @Test("that watches hears of us twice in its time, also while we stop and when all is over")
    func watchdog() {
        var desk = desk(watchdog: .seconds(30))
        #expect(desk.tell(.started).timer(.watchdog) == 15_000_000_000)
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 100))
        let sign = desk.tell(.timer(.watchdog), after: .seconds(15))
        #expect(sign.notices == [.alive] && sign.timer(.watchdog) == 30_000_000_000)
        // Its clock has gone on.
        #expect(desk.tell(.stoodStill(.seconds(5)), after: .seconds(5)).timer(.watchdog) == nil)
        #expect(desk.tell(.timer(.watchdog), after: .seconds(10)).notices == [.alive])
        desk.say(.control(.init(command: "pause")), after: .seconds(1))
        #expect(desk.tell(.timer(.watchdog), after: .seconds(14)).timer(.watchdog) != nil)
        desk.say(.control(.init(command: "unpause")))
        desk.endsAtOnce = false
        desk.end(.exited(0))
        #expect(desk.supervisor.isClosing)
        #expect(desk.tell(.timer(.watchdog), after: .seconds(15)).notices == [.alive])
    }

    @Test("that is not there is told nothing, and wakes nobody")
    func nobody() {
        var desk = Desk()
        let started = desk.tell(.started)
        desk.tell(.recorded)
        let all = started + desk.tell(.spawned(pid: 100)) + desk.tell(sigterm)
        #expect(all.notices == [] && all.timer(.watchdog) == nil)
    }
}

extension [Action] {
    fileprivate var notices: [ServiceNotice] {
        compactMap { if case .notify(let notice) = $0 { notice } else { nil } }
    }
}
