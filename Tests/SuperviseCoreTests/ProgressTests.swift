import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Progress of a run")
struct ProgressTests {
    private static func failure(_ actions: [Action]) -> RunEvent.FailureCounted? {
        actions.lazy.compactMap { if case .log(.failed(let failed)) = $0 { failed } else { nil } }
            .first
    }

    private static func report(_ step: Int64) -> JobMessage { .progress(.init(step: step)) }

    @Test("a reported step higher than any before keeps the run alive, without any checkpoint")
    func reportedSteps() {
        var desk = Desk { $0.maxFailures = 2 }
        desk.run()
        for step in 1...20 as ClosedRange<Int64> {
            desk.say(Self.report(step))
            let actions = desk.end(.exited(1))
            #expect(actions.ending == nil && actions.records.last?.failures.withoutProgress == 0)
            #expect(actions.records.last?.progress.reportedStep == step)
            desk.restart()
            desk.hello()
        }
        // It has reported all of these before.
        desk.say(Self.report(20))
        #expect(desk.end(.exited(1)).ending == nil)
        desk.restart()
        desk.hello()
        desk.say(Self.report(3))
        let last = desk.end(.exited(1))
        #expect(last.ending == .failed(status: 1))
        let status = desk.supervisor.status(at: desk.moment)
        #expect(
            status.givenUp
                == .init(
                    reason: .maxFailures, failures: 2, reportedStep: 20, commits: 0,
                    committedStep: nil, healthyAfter: nil))
    }

    @Test("the highest reported step stands in the record, also for another supervisor")
    func recorded() {
        var desk = Desk()
        desk.run()
        let first = desk.say(Self.report(0)).records
        #expect(first.count == 1 && first.last?.progress.reportedStep == 0)
        let second = desk.say(Self.report(40)).records
        #expect(second.count == 1 && second.last?.current?.progressed == true)
        // Not at every step.
        #expect(desk.say(Self.report(41)).records.isEmpty)
        let record = desk.end(.exited(1)).records.last
        #expect(record?.progress.reportedStep == 41)
        var next = Desk(record ?? Desk.record()) { $0.maxFailures = 1 }
        next.run()
        next.say(Self.report(41))
        #expect(next.end(.exited(1)).ending == .failed(status: 1))
    }

    @Test("a step reported for the first time starts the backoff anew")
    func backoff() {
        var desk = Desk { $0.backoff = .seconds(1) ... .seconds(60) }
        desk.run()
        for _ in 1...4 {
            desk.end(.exited(1))
            desk.restart()
        }
        desk.hello()
        desk.say(Self.report(5))
        let at = desk.now
        let due = desk.end(.exited(1)).timer(.backoff) ?? 0
        #expect((1_000_000_000...1_200_000_000).contains(due - at))
    }

    @Test("an attempt that went further counts against no checkpoint, and others stay suspect")
    func suspects() {
        let two = [checkpoint(1, step: 10), checkpoint(2, step: 20)]
        var desk = Desk(checkpoints: two) {
            $0.rollbackAfter = 1
            $0.maxFailures = 9
        }
        desk.run()
        desk.say(Self.report(21))
        #expect(desk.end(.exited(1)).records.last?.failures.suspects == [:])
        desk.restart()
        desk.hello()
        desk.say(Self.report(21))
        #expect(desk.end(.exited(1)).records.last?.failures.suspects == ["000002-step-20": 1])
        desk.restart()
        #expect(desk.supervisor.attempt?.resume?.id == two[0])
        desk.hello()
        desk.say(Self.report(22))
        #expect(desk.end(.exited(1)).records.last?.failures.suspects == ["000002-step-20": 1])
    }

    @Test("a job that shows nothing and lives long enough each time is never given up")
    func lifetimes() {
        var desk = Desk {
            $0.maxFailures = 3
            $0.healthyAfter = .seconds(600)
        }
        desk.run(speaks: false)
        for round in 0..<20 {
            let time = Duration.seconds(600 + 100 * (round % 2))
            let actions = desk.end(.exited(1), after: time)
            #expect(actions.ending == nil && actions.records.last?.failures.withoutProgress == 0)
            desk.restart()
        }
    }

    @Test("one that does not live long enough is given up after --max-failures")
    func shortLives() {
        var desk = Desk {
            $0.maxFailures = 3
            $0.healthyAfter = .seconds(600)
        }
        desk.run(speaks: false)
        for seconds in [100, 300] {
            #expect(desk.end(.exited(1), after: .seconds(seconds)).ending == nil)
            desk.restart()
        }
        let last = desk.end(.exited(1), after: .seconds(599))
        #expect(last.ending == .failed(status: 1))
        #expect(Self.failure(last)?.final == .maxFailures)
        #expect(desk.supervisor.status(at: desk.moment).givenUp?.healthyAfter == 600)
    }

    @Test("one that fails with the same status after the same time is given up all the same")
    func sameEachTime() {
        var desk = Desk {
            $0.maxFailures = 3
            $0.healthyAfter = .seconds(600)
        }
        desk.run(speaks: false)
        for seconds in [1000, 950] {
            #expect(desk.end(.exited(7), after: .seconds(seconds)).ending == nil)
            desk.restart()
        }
        let last = desk.end(.exited(7), after: .seconds(980))
        #expect(last.ending == .failed(status: 7))
        #expect(Self.failure(last)?.final == .sameEachTime && Self.failure(last)?.count == 0)
        let givenUp = desk.supervisor.status(at: desk.moment).givenUp
        #expect(givenUp?.reason == .sameEachTime && givenUp?.failures == 3)
    }

    @Test("time in which the job was paused is no part of its life")
    func paused() {
        var desk = Desk {
            $0.maxFailures = 1
            $0.healthyAfter = .seconds(600)
        }
        desk.run(speaks: false)
        desk.control("pause")
        desk.control("unpause", after: .seconds(10_000))
        #expect(desk.end(.exited(1), after: .seconds(599)).ending == .failed(status: 1))
    }

    @Test("a run that reports steps gets nothing for a long life")
    func reportingAndLong() {
        var desk = Desk { $0.maxFailures = 1 }
        desk.run()
        desk.say(Self.report(0))
        #expect(desk.end(.exited(1), after: .seconds(5000)).ending == .failed(status: 1))
    }

    @Test("status 0 under --restart always ends a row of failures that were the same")
    func alwaysBetween() {
        var desk = Desk {
            $0.restart = .always
            $0.maxFailures = 2
            $0.healthyAfter = .seconds(60)
        }
        desk.run(speaks: false)
        for _ in 0..<5 {
            #expect(desk.end(.exited(7), after: .seconds(100)).ending == nil)
            desk.restart()
            #expect(desk.end(.exited(0), after: .seconds(100)).ending == nil)
            desk.restart()
        }
    }

    @Test("after a clean end of the run, the row of failures that were the same begins anew")
    func cleanEnd() {
        var desk = Desk {
            $0.maxFailures = 2
            $0.healthyAfter = .seconds(60)
        }
        desk.run(speaks: false)
        desk.end(.exited(7), after: .seconds(100))
        let record = desk.tell(sigterm).records.last
        #expect(record?.progress.sameEnds?.lived == [100])
        var next = Desk(record ?? Desk.record()) {
            $0.maxFailures = 2
            $0.healthyAfter = .seconds(60)
        }
        next.run(speaks: false)
        #expect(next.end(.exited(7), after: .seconds(100)).ending == nil)
    }

    @Test(
        "--gave-up-exit-code is the exit status where it was given up, the job's stays in the outcome"
    )
    func gaveUpExitCode() {
        var desk = Desk {
            $0.maxFailures = 1
            $0.gaveUpExitCode = 99
        }
        desk.run()
        let actions = desk.end(.exited(3))
        #expect(actions.ending == .failed(status: 99))
        #expect(actions.records.last?.outcome == Outcome(kind: .failed, exitCode: 3))
        var asked = Desk { $0.gaveUpExitCode = 99 }
        asked.run()
        asked.say(.giveUp(.init(error: "no licence")))
        #expect(asked.end(.exited(0)).ending == .failed(status: 99))
    }

    @Test("--gave-up-exit-code is not for ends that the options ask for")
    func otherEnds() {
        var never = Desk {
            $0.restart = .never
            $0.gaveUpExitCode = 99
        }
        never.run()
        #expect(never.end(.exited(3)).ending == .failed(status: 3))
        var fatal = Desk {
            $0.fatalExitCodes = [3]
            $0.gaveUpExitCode = 99
        }
        fatal.run()
        #expect(fatal.end(.exited(3)).ending == .failed(status: 3))
    }
}
