import SuperviseCore
import SuperviseFormats
import Testing

@Suite("When there is another attempt")
struct RestartPolicyTests {
    private static func failure(_ actions: [Action]) -> RunEvent.FailureCounted? {
        actions.lazy.compactMap { if case .log(.failed(let failed)) = $0 { failed } else { nil } }
            .first
    }

    @Test("never: the first failure is the last, with the job's own status")
    func never() {
        var desk = Desk { $0.restart = .never }
        desk.run()
        let actions = desk.end(.exited(3))
        #expect(actions.ending == .failed(status: 3))
        #expect(Self.failure(actions)?.final == .restartNever)
        var other = Desk { $0.restart = .never }
        other.run()
        #expect(other.end(.exited(0)).ending == .completed)
    }

    @Test("never: an attempt that cannot be started is the last, too")
    func neverAfterSpawn() {
        var desk = Desk { $0.restart = .never }
        desk.tell(.started)
        desk.tell(.recorded)
        #expect(desk.tell(.spawnFailed(.system("no memory"))).ending == .failed(status: 125))
    }

    @Test("always: status 0 is followed by another attempt, and counts as no failure")
    func always() {
        var desk = Desk {
            $0.restart = .always
            $0.maxFailures = 1
            $0.backoff = .seconds(2) ... .seconds(2)
        }
        desk.run()
        for attempt in 2...4 {
            let exit = desk.tell(.jobExited(.exited(0)), after: .seconds(9))
            #expect(exit.contains(.endDescendants(.politely)))
            let actions = desk.tell(.descendantsGone)
            #expect(actions.ending == nil && actions.records.last?.failures.total == 0)
            #expect(actions.records.last?.totals.lost == 0)
            #expect(desk.tell(.timer(.backoff), after: .seconds(2)).spawn?.attempt == attempt)
            desk.tell(.spawned(pid: 100 + attempt))
        }
        #expect(desk.end(.exited(1)).ending == .failed(status: 1))
    }

    @Test("always: what outlives SIGKILL is waited for, as the run goes on")
    func alwaysWaits() {
        var desk = Desk { $0.restart = .always }
        desk.run()
        desk.tell(.jobExited(.exited(0)))
        desk.tell(.timer(.kill), after: .seconds(10))
        let actions = desk.tell(.timer(.abandon), after: .seconds(1))
        #expect(actions.ending == nil && actions.warnings.count == 1)
    }

    @Test("after one of --fatal-exit-codes there is none, however much progress was made")
    func fatal() {
        var desk = Desk { $0.fatalExitCodes = [2, 64, 65] }
        desk.run()
        desk.save(step: 9)
        let actions = desk.end(.exited(64))
        #expect(actions.ending == .failed(status: 64))
        #expect(Self.failure(actions)?.final == .fatalExitCode)
        #expect(Self.failure(actions)?.backoff == nil)
        var other = Desk { $0.fatalExitCodes = [9] }
        other.run()
        #expect(other.end(.signaled(number: 9, name: "SIGKILL")).ending == nil)
    }

    @Test("after give_up there is none: its own exit status is the run's")
    func givesUp() {
        var desk = Desk()
        desk.run()
        desk.save(step: 9)
        let said = desk.say(.giveUp(.init(error: "the data is broken")))
        #expect(said.sent.isEmpty && said.ending == nil)
        #expect(said.contains(.log(.gaveUp(.init(attempt: 1, error: "the data is broken")))))
        let actions = desk.end(.exited(7))
        #expect(actions.ending == .failed(status: 7))
        #expect(Self.failure(actions)?.final == .gaveUp)
        #expect(actions.records.last?.failures.last?.error == "the data is broken")
    }

    @Test("give_up and status 0 is a failure all the same")
    func givesUpWithZero() {
        var desk = Desk { $0.restart = .always }
        desk.run()
        desk.say(.giveUp(.init(error: nil)))
        let actions = desk.end(.exited(0))
        #expect(actions.ending == .failed(status: 1))
        #expect(actions.records.last?.outcome == Outcome(kind: .failed, exitCode: 0))
    }

    @Test("give_up is heard from the job alone, and ends a restart that was asked for")
    func whoGivesUp() {
        var desk = Desk()
        desk.run()
        #expect(desk.say(.giveUp(.init(error: "x")), on: 9).errors == [.helloFirst])
        desk.control("restart")
        desk.say(.giveUp(.init(error: "x")))
        #expect(desk.end(.exited(7)).ending == .failed(status: 7))
        var stopped = Desk()
        stopped.run()
        stopped.say(.giveUp(.init(error: "x")))
        stopped.tell(sigterm)
        #expect(stopped.end(.exited(7)).ending == .stopped(signal: 15))
    }

    @Test("a failure before hello, or in the first second, is told as one of the start")
    func atStart() {
        func isAtStart(
            speaks: Bool, after wait: Duration, _ before: (inout Desk) -> Void = { _ in }
        ) -> Bool? {
            var desk = Desk()
            desk.run(speaks: speaks)
            before(&desk)
            return Self.failure(desk.end(.exited(1), after: wait))?.failure.atStart
        }
        #expect(isAtStart(speaks: true, after: .milliseconds(900)) == true)
        #expect(isAtStart(speaks: true, after: .seconds(1)) == false)
        // It may not speak the protocol at all.
        #expect(isAtStart(speaks: false, after: .milliseconds(999)) == true)
        #expect(isAtStart(speaks: false, after: .seconds(1)) == false)
        #expect(isAtStart(speaks: true, after: .zero) { $0.save() } == false)
        #expect(
            isAtStart(speaks: true, after: .zero) { $0.say(.progress(.init(step: 3))) } == false)
    }

    @Test("a job that has said hello before, and now ends without one, has not got past its start")
    func lateStart() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1), after: .seconds(100))
        desk.restart()
        let failed = Self.failure(desk.end(.exited(1), after: .seconds(3600)))
        #expect(failed?.failure.atStart == true)
    }
}
