import SuperviseCore
import SuperviseFormats
import Testing

/// From a notice on there is one deadline. Each rule of it has its test here.
@Suite("A machine that is taken away")
struct PreemptionTests {
    static let notice = Event.signal(.preempt(name: "SIGUSR2"))

    /// A job whose saves have taken 4 s: 14 s are kept for the last one, and 3 s of 30 for the end.
    static func desk(
        costs: [Double] = [4], speaks: Bool = true, tells: Bool = true,
        _ change: (inout Settings) -> Void = { _ in }
    ) -> Desk {
        var record = Desk.record()
        for cost in costs { record.experience.measure(cost: cost) }
        var desk = Desk(record, change)
        desk.run(speaks: speaks)
        guard speaks, tells else { return desk }
        // Its steps take next to no time.
        desk.say(.progress(.init(step: 1)))
        desk.say(.progress(.init(step: 2)), after: .microseconds(10))
        return desk
    }

    static func program(_ settings: inout Settings) {
        settings.preempt = ShellWords("watch").map { .program($0) }
    }

    static func line(_ seconds: Double, _ action: String = "terminate") -> Event {
        .answered(
            InquiryID(1), .init(body: #"{"deadline_s":\#(seconds),"action":"\#(action)"}"#))
    }

    static func seconds(_ seconds: Double) -> Int64 { Int64((seconds * 1e9).rounded()) }

    private func close(_ time: Int64?, _ seconds: Double) -> Bool {
        time.map { abs($0 - Self.seconds(seconds)) < 1_000_000 } ?? false
    }

    @Test("the job goes on, and the final checkpoint is asked for as late as is safe")
    func late() {
        var desk = Self.desk()
        let told = desk.tell(Self.notice, after: .seconds(10))
        #expect(told.requests.isEmpty && !told.tellsToStop && !told.contains(.signalLeader(15)))
        #expect(close(told.timer(.preemption), 10 + 30 - 3 - 14))
        #expect(desk.supervisor.stop == nil)
        let asked = desk.tell(.timer(.preemption), after: .seconds(13))
        #expect(
            asked.requests == [
                .init(request: 1, reason: .preemption, final: true, deadline: 14)
            ])
        #expect(!asked.tellsToStop && !asked.contains(.signalLeader(15)))
    }

    @Test("the request has all the time that there is, whatever --checkpoint-timeout says")
    func allTheTime() {
        var desk = Self.desk(costs: []) { $0.checkpointTimeout = .seconds(1) }
        let actions = desk.tell(Self.notice)
        #expect(actions.requests.first?.deadline == 27)
        #expect(close(actions.timer(.stopDeadline), 27))
    }

    @Test("what a checkpoint costs may be learned meanwhile, and changes the plan")
    func learns() {
        var desk = Self.desk { $0.preemptGrace = .seconds(60) }
        #expect(close(desk.tell(Self.notice).timer(.preemption), 60 - 5 - 14))
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 8))
        #expect(close(actions.timer(.preemption), 60 - 5 - (3 * 8 + 2)))
    }

    @Test("without time for another step the final checkpoint is asked for at once")
    func noStep() {
        var desk = Self.desk(costs: [4, 4, 4, 4, 4], tells: false)
        desk.say(.progress(.init(step: 1)))
        desk.say(.progress(.init(step: 2)), after: .seconds(8))
        // 30 s, of which 3 are kept free, 8 are for the save, and 8 for a step that is under way.
        let actions = desk.tell(Self.notice)
        #expect(close(actions.timer(.preemption), 8 + 30 - 3 - 8 - 8))
        desk.say(.heartbeat, after: .seconds(2.9))
        #expect(desk.supervisor.stop == nil)
        #expect(desk.say(.heartbeat, after: .seconds(0.2)).requests.first?.final == true)
    }

    @Test("where no checkpoint can be ready in time none is asked for, and the job is stopped")
    func noTime() {
        var desk = Self.desk(costs: [80]) { $0.stopTimeout = .seconds(20) }
        let actions = desk.tell(Self.notice)
        #expect(actions.requests.isEmpty && actions.tellsToStop)
        #expect(actions.contains(.signalLeader(15)))
        #expect(close(actions.timer(.kill), 20))
    }

    @Test("what is being committed then is finished, up to the reserve")
    func finishesCommits() {
        var desk = Self.desk(costs: [80], tells: false)
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(Self.notice)
        #expect(desk.end(.signaled(number: 15, name: "SIGTERM"), after: .seconds(1)).ending == nil)
        #expect(desk.supervisor.stop?.deadline == Instant(nanoseconds: Self.seconds(27)))
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 9), after: .seconds(8))
        #expect(actions.ending == .preempted)
    }

    @Test("no other checkpoint is asked for shortly before the final one")
    func noOther() {
        var desk = Self.desk {
            $0.preemptGrace = .seconds(60)
            $0.checkpointEvery = .every(.seconds(30))
        }
        desk.tell(Self.notice)
        // The final one is due at 41 s.
        #expect(desk.tell(.timer(.interval), after: .seconds(30)).requests.isEmpty)
        var early = Self.desk {
            $0.preemptGrace = .seconds(60)
            $0.checkpointEvery = .every(.seconds(20))
        }
        early.tell(Self.notice)
        #expect(early.tell(.timer(.interval), after: .seconds(20)).requests.count == 1)
    }

    @Test("once it is saved the job may end by itself; SIGTERM and SIGKILL come in time")
    func ends() {
        var desk = Self.desk(costs: []) { $0.preemptGrace = .seconds(10) }
        desk.tell(Self.notice)
        let saved = desk.save(request: 1)
        // 9.5 s until SIGKILL is out at the latest.
        #expect(saved.sent.contains(.stop(deadline: 9.5)))
        #expect(close(saved.timer(.terminate), 4.75) && close(saved.timer(.kill), 9.5))
        #expect(close(saved.timer(.abandon), 9.75))
        let actions = desk.end(.exited(0), after: .seconds(1))
        #expect(actions.ending == .preempted)
        #expect(actions.records.last?.outcome == Outcome(kind: .preempted, exitCode: 0))
        #expect(actions.records.last?.failures.total == 0)
    }

    @Test("a checkpoint that is not made in time is not waited for, and SIGKILL is out in time")
    func unanswered() {
        var desk = Self.desk(costs: [])
        desk.tell(Self.notice)
        let late = desk.tell(.timer(.stopDeadline), after: .seconds(27))
        #expect(late.tellsToStop && late.contains(.signalLeader(15)))
        #expect(close(late.timer(.kill), 29.5))
        let killed = desk.tell(.timer(.kill), after: .seconds(2.5))
        #expect(killed.contains(.killEverything))
        let actions = desk.tell(.timer(.abandon), after: .seconds(0.25))
        #expect(actions.ending == .preempted, "what does not end is left, before the machine is")
    }

    @Test("a job that cannot be asked goes on, and gets the whole of --stop-timeout")
    func cannotBeAsked() {
        var desk = Self.desk(speaks: false) { $0.stopTimeout = .seconds(10) }
        let told = desk.tell(Self.notice)
        #expect(!told.contains(.signalLeader(15)))
        #expect(close(told.timer(.preemption), 30 - 0.5 - 10))
        let actions = desk.tell(.timer(.preemption), after: .seconds(19.5))
        #expect(actions.contains(.signalLeader(15)) && actions.requests.isEmpty)
        #expect(close(actions.timer(.kill), 29.5))
    }

    @Test("a job that hangs is not asked")
    func hangs() {
        var desk = Self.desk { $0.heartbeatTimeout = .seconds(10) }
        desk.tell(.timer(.hang), after: .seconds(10))
        let actions = desk.tell(Self.notice)
        #expect(actions.requests.isEmpty && actions.contains(.signalLeader(15)))
    }

    @Test("a hello after the stop is told how long there is until SIGKILL")
    func lateHello() {
        var desk = Self.desk(costs: [])
        desk.tell(Self.notice)
        desk.tell(.timer(.stopDeadline), after: .seconds(27))
        #expect(desk.hello(on: 2).sent.contains(.stop(deadline: 2.5)))
    }

    @Test("a job that completes before it is asked has completed")
    func completes() {
        var desk = Self.desk()
        desk.tell(Self.notice)
        #expect(desk.end(.exited(0), after: .seconds(2)).ending == .completed)
    }

    @Test("what it had committed is waited for up to the reserve; what it left has SIGKILL in time")
    func completesLate() {
        var desk = Self.desk { $0.stopTimeout = .seconds(60) }
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(.jobExited(.exited(0)), after: .seconds(1))
        let told = desk.tell(Self.notice)
        #expect(close(told.timer(.preemption), 28) && close(told.timer(.kill), 30.5))
        desk.tell(.descendantsGone)
        #expect(desk.tell(.timer(.preemption), after: .seconds(27)).ending == nil)
        #expect(desk.tell(.timer(.stopDeadline)).ending == .preempted)
    }

    @Test("what ends otherwise is a failure, and no other attempt follows")
    func fails() {
        var desk = Self.desk()
        desk.tell(Self.notice)
        let actions = desk.end(.exited(3), after: .seconds(2))
        #expect(actions.ending == .preempted && actions.spawn == nil)
        #expect(actions.records.last?.failures.total == 1)
        var last = Self.desk { $0.restart = .never }
        last.tell(Self.notice)
        #expect(last.end(.exited(3), after: .seconds(2)).ending == .failed(status: 3))
    }

    @Test("SIGTERM after a notice asks at once and waits no longer than else; the end is preempted")
    func sigtermAfter() {
        var desk = Self.desk { $0.checkpointTimeout = .seconds(5) }
        desk.tell(Self.notice)
        let actions = desk.tell(sigterm, after: .seconds(1))
        #expect(actions.requests.first?.deadline == 5 && actions.requests.first?.final == true)
        #expect(desk.end(.exited(0), after: .seconds(1)).ending == .preempted)
        var short = Self.desk()
        short.tell(Self.notice)
        #expect(short.tell(sigterm, after: .seconds(1)).requests.first?.deadline == 26)
    }

    @Test("a notice after SIGTERM shortens what there is, and the run was stopped")
    func noticeAfter() {
        var desk = Self.desk { $0.preemptGrace = .seconds(20) }
        desk.tell(sigterm)
        let actions = desk.tell(Self.notice, after: .seconds(1))
        #expect(close(actions.timer(.stopDeadline), 1 + 20 - 2))
        #expect(
            actions.requests == [.init(request: 1, reason: .shutdown, final: true, deadline: 18)])
        #expect(desk.hello(on: 2).requests.first?.deadline == 18)
        let late = desk.tell(.timer(.stopDeadline), after: .seconds(18))
        #expect(close(late.timer(.kill), 20.5))
        #expect(desk.end(.exited(0)).ending == .stopped(signal: 15))
    }

    @Test("a notice while the job is ending brings SIGTERM and SIGKILL forward")
    func noticeInGrace() {
        var desk = Self.desk {
            $0.stopTimeout = .seconds(60)
            $0.preemptGrace = .seconds(10)
        }
        desk.tell(sigterm)
        desk.save(request: 1)
        let actions = desk.tell(Self.notice, after: .seconds(1))
        #expect(close(actions.timer(.kill), 10.5) && close(actions.timer(.terminate), 5.75))
        #expect(close(actions.timer(.abandon), 10.75))
    }

    @Test("a restart that was asked for becomes an end")
    func restarts() {
        var desk = Self.desk()
        desk.control("restart")
        let actions = desk.tell(Self.notice, after: .seconds(1))
        #expect(close(actions.timer(.stopDeadline), 28))
        desk.save(request: 1)
        #expect(desk.end(.exited(0)).ending == .preempted)
        var noticed = Self.desk()
        noticed.tell(Self.notice)
        #expect(noticed.control("restart").errors == [.stopping])
    }

    @Test("there is no other attempt: in the wait, in the choice, before the first")
    func noAttempt() {
        var waiting = Self.desk()
        waiting.end(.exited(1))
        #expect(waiting.tell(Self.notice).ending == .preempted)
        var choosing = Desk(checkpoints: [checkpoint(1)])
        choosing.tell(.started)
        let actions = choosing.tell(Self.notice)
        #expect(actions.contains(.cancelVerification) && actions.ending == .preempted)
        var recording = Desk()
        recording.tell(.started)
        #expect(recording.tell(Self.notice).ending == .preempted)
        var early = Desk()
        early.tell(Self.notice)
        #expect(early.tell(.started).ending == .preempted)
    }

    @Test("what an earlier supervisor left is waited for until shortly before the deadline")
    func clearing() {
        var desk = Desk(mayHaveLeftovers: true) { $0.stopTimeout = .seconds(100) }
        desk.tell(.started)
        #expect(close(desk.tell(Self.notice).timer(.abandon), 29.75))
        #expect(desk.tell(.timer(.abandon), after: .seconds(29.75)).ending == .preempted)
        var stopped = Desk(mayHaveLeftovers: true) { $0.stopTimeout = .seconds(100) }
        stopped.tell(.started)
        #expect(close(stopped.tell(sigterm).timer(.abandon), 101))
        #expect(close(stopped.tell(Self.notice).timer(.abandon), 29.75))
        #expect(
            stopped.tell(.timer(.abandon), after: .seconds(29.75)).ending == .stopped(signal: 15))
    }

    @Test("a pause ends when the final checkpoint is asked for, and costs no time")
    func paused() {
        var desk = Self.desk()
        desk.control("pause")
        let told = desk.tell(Self.notice, after: .seconds(5))
        #expect(close(told.timer(.preemption), 5 + 13) && !told.contains(.unpauseJob))
        let actions = desk.tell(.timer(.preemption), after: .seconds(13))
        #expect(actions.contains(.unpauseJob) && actions.requests.first?.final == true)
    }

    @Test("the machine does not wait for those who stood still")
    func stoodStill() {
        var desk = Self.desk { $0.preemptGrace = .seconds(60) }
        desk.tell(Self.notice)
        let waiting = desk.tell(.stoodStill(.seconds(20)), after: .seconds(20))
        #expect(close(waiting.last { $0.isPreemptionTimer }?.time, 41))
        let asked = desk.tell(.timer(.preemption), after: .seconds(21))
        #expect(asked.requests.first?.deadline == 14)
        let later = desk.tell(.stoodStill(.seconds(5)), after: .seconds(5))
        #expect(close(later.last { $0.isStopDeadline }?.time, 55))
        #expect(desk.hello(on: 2).requests.first?.deadline == 9)
        desk.tell(.timer(.stopDeadline), after: .seconds(9))
        let last = desk.tell(.stoodStill(.seconds(2)), after: .seconds(2))
        #expect(close(last.last { $0.isKill }?.time, 59.5))
    }

    @Test("a second notice counts where it leaves less time, and is else passed over")
    func second() {
        var desk = Self.desk { $0.preemptGrace = .seconds(60) }
        desk.tell(Self.notice)
        let later = desk.tell(Self.notice, after: .seconds(1))
        #expect(!later.contains { if case .log = $0 { true } else { false } })
        #expect(later.timer(.preemption) == nil)
        var two = Desk(Desk.record(), Self.program)
        two.run()
        two.save()
        let first = two.tell(Self.line(300))
        #expect(close(first.timer(.preemption), 300 - 5 - 6.5))
        let earlier = two.tell(Self.notice, after: .seconds(1))
        #expect(close(earlier.timer(.preemption), 1 + 30 - 3 - 6.5))
        #expect(two.supervisor.preemption?.saveBy == Instant(nanoseconds: Self.seconds(28)))
    }

    @Test("where a second one leaves next to nothing, that is used all the same")
    func secondLeavesLittle() {
        var desk = Desk(Desk.record()) {
            Self.program(&$0)
            $0.preemptGrace = .seconds(2)
        }
        desk.run()
        desk.save()
        desk.tell(Self.line(300))
        let actions = desk.tell(Self.notice, after: .seconds(1))
        #expect(actions.requests.first?.deadline == 1)
    }

    @Test("whoever can still tell has 2 s, and a notice that does not tell has --preempt-grace")
    func least() {
        var desk = Desk(Desk.record()) {
            Self.program(&$0)
            $0.preemptGrace = .seconds(45)
        }
        desk.run()
        desk.tell(.answered(InquiryID(1), .init(body: "{}")))
        #expect(desk.supervisor.preemption?.deadline == Instant(nanoseconds: Self.seconds(45)))
        var now = Desk(Desk.record(), Self.program)
        now.run()
        now.tell(Self.line(0))
        #expect(now.supervisor.preemption?.deadline == Instant(nanoseconds: Self.seconds(2)))
    }
}

extension Action {
    var isPreemptionTimer: Bool { if case .setTimer(.preemption, _) = self { true } else { false } }
    var isStopDeadline: Bool { if case .setTimer(.stopDeadline, _) = self { true } else { false } }
    var isKill: Bool { if case .setTimer(.kill, _) = self { true } else { false } }

    var time: Int64? { if case .setTimer(_, let at) = self { at.nanoseconds } else { nil } }
}
