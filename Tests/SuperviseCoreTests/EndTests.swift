import SuperviseCore
import SuperviseFormats
import Testing

@Suite("The end of an attempt")
struct EndTests {
    @Test("with status 0 completes the run, when its descendants are gone")
    func completes() {
        var desk = Desk()
        desk.run()
        let exit = desk.tell(.jobExited(.exited(0)))
        #expect(exit.contains(.endDescendants(.politely)) && exit.ending == nil)
        let actions = desk.tell(.descendantsGone)
        #expect(actions.ending == .completed)
        #expect(actions.records.last?.outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(actions.records.last?.current == nil)
    }

    @Test(
        "otherwise is a failure: all that is left gets SIGKILL, and the next one starts after a wait"
    )
    func fails() {
        var desk = Desk { $0.backoff = .seconds(1) ... .seconds(60) }
        desk.run()
        let exit = desk.tell(.jobExited(.signaled(number: 9, name: "SIGKILL")), after: .seconds(5))
        #expect(exit.contains(.endDescendants(.atOnce)))
        let actions = desk.tell(.descendantsGone)
        let record = actions.records.last
        #expect(record?.failures.withoutProgress == 1 && record?.current == nil)
        #expect(record?.failures.last?.signal == "SIGKILL")
        #expect(record?.failures.last?.lostSeconds == 5)
        let due = actions.timer(.backoff) ?? 0
        #expect((6_000_000_000...6_200_000_000).contains(due))
        #expect(desk.tell(.timer(.backoff), after: .seconds(2)).spawn?.attempt == 2)
    }

    @Test("a wait of nothing still goes through a timer")
    func zeroWait() {
        var desk = Desk { $0.backoff = .zero ... .zero }
        desk.run()
        #expect(desk.end(.exited(1)).timer(.backoff) == 0)
    }

    @Test("gives up after --max-failures without progress, with the job's own status")
    func givesUp() {
        var desk = Desk { $0.maxFailures = 2 }
        desk.run()
        #expect(desk.end(.exited(3)).ending == nil)
        desk.restart()
        let actions = desk.end(.signaled(number: 11, name: "SIGSEGV"))
        #expect(actions.ending == .failed(status: 139))
        #expect(actions.records.last?.outcome == Outcome(kind: .failed, signal: "SIGSEGV"))
    }

    @Test("a failure of an attempt that made progress does not count")
    func progressIsNoFailure() {
        var desk = Desk { $0.maxFailures = 1 }
        desk.run()
        desk.save(step: 10)
        #expect(desk.end(.exited(1)).records.last?.failures.withoutProgress == 0)
        desk.restart()
        #expect(desk.end(.exited(1)).ending == .failed(status: 1))
    }

    @Test("a commit of a step that was there before is no progress")
    func sameStepIsNoProgress() {
        var desk = Desk { $0.maxFailures = 2 }
        desk.run()
        desk.save(step: 10)
        desk.end(.exited(1))
        desk.restart()
        desk.hello()
        desk.save(step: 10)
        #expect(desk.end(.exited(1)).records.last?.failures.withoutProgress == 1)
    }

    @Test("any commit is progress where the job gives no steps")
    func noSteps() {
        var desk = Desk { $0.maxFailures = 1 }
        desk.run()
        desk.save(step: nil)
        #expect(desk.end(.exited(1)).ending == nil)
    }

    @Test("a commit that was received is finished before the next attempt chooses")
    func commitFirst() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        #expect(desk.end(.exited(1)).timer(.backoff) == nil)
        #expect(desk.tell(.committed(Desk.summary(id), seconds: 1)).timer(.backoff) != nil)
        #expect(desk.tell(.timer(.backoff), after: .seconds(2)).verified == id)
    }

    @Test("drops a checkpoint that is open")
    func dropsOpen() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        #expect(desk.tell(.jobExited(.exited(0))).contains(.dropStaging(id)))
    }

    @Test("after a crash what outlives SIGKILL is waited for, with a message")
    func waitsForTheUnkillable() {
        var desk = Desk()
        desk.run()
        desk.tell(.jobExited(.exited(1)))
        let actions = desk.tell(.timer(.abandon), after: .seconds(10))
        #expect(actions.warnings.count == 1 && actions.ending == nil)
        #expect(desk.tell(.descendantsGone, after: .seconds(1000)).timer(.backoff) != nil)
    }

    @Test("after completion what outlives SIGKILL is left, and the record says so")
    func leavesTheUnkillable() {
        var desk = Desk()
        desk.run()
        desk.tell(.jobExited(.exited(0)))
        #expect(desk.tell(.timer(.kill), after: .seconds(10)).contains(.killEverything))
        let actions = desk.tell(.timer(.abandon), after: .seconds(1))
        #expect(actions.ending == .completed)
        let record = actions.records.last
        #expect(record?.current != nil && record?.mayHaveLeftovers(bootID: "b") == true)
    }

    @Test("a command that is not found is final at a run's first attempt, and counted later")
    func notFound() {
        var desk = Desk()
        desk.tell(.started)
        desk.tell(.recorded)
        #expect(desk.tell(.spawnFailed(.notFound("no such file"))).ending == .failed(status: 127))

        var record = Desk.record()
        record.attempt = 1
        var later = Desk(record)
        later.tell(.started)
        later.tell(.recorded)
        let actions = later.tell(.spawnFailed(.notExecutable("permission denied")))
        #expect(actions.ending == nil && actions.timer(.backoff) != nil)
        #expect(actions.records.last?.failures.last?.kind == .spawn)
        #expect(actions.records.last?.failures.last?.exitCode == 126)
    }

    @Test("signals that are the job's own affair are passed on while it runs")
    func passedOn() {
        var desk = Desk()
        desk.run()
        #expect(desk.tell(.signal(.other(number: 28))) == [.signalLeader(28)])
        desk.end(.exited(1))
        #expect(desk.tell(.signal(.other(number: 28))).isEmpty)
    }
}
