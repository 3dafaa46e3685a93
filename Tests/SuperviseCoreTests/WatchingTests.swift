import SuperviseCore
import SuperviseFormats
import Testing

@Suite("What a job writes by itself")
struct WatchingTests {
    private func desk(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        Desk {
            $0.watch = [WatchPattern("*.pt")].compactMap { $0 }
            change(&$0)
        }
    }

    private func file(
        _ path: FilePath, step: Int64? = nil, at: Int64 = 0, wasMoved: Bool = true
    ) -> WatchedFile {
        WatchedFile(
            path: path, step: step, completedAt: Instant(nanoseconds: at), wasMoved: wasMoved)
    }

    private let signal = Settings.RequestSignal(number: 10, name: "SIGUSR1")

    @Test("is taken up one after the other, in the given mode, the newest content of each path")
    func oneAfterTheOther() {
        var desk = desk { $0.watchMode = .move }
        desk.run(speaks: false)
        let first = desk.tell(.watched([file("/1.pt", step: 1), file("/2.pt", step: 2)]))
        #expect(first.added == ["/1.pt move"])
        desk.tell(.watched([file("/3.pt", step: 3), file("/2.pt", step: 2)]))
        let second = desk.tell(.committed(Desk.summary(checkpoint(1, step: 1)), seconds: 1))
        #expect(second.added == ["/3.pt move"])
        let third = desk.tell(.committed(Desk.summary(checkpoint(2, step: 3)), seconds: 1))
        // Its number would count downwards, and so is none.
        #expect(third.added == ["/2.pt move"] && third.commit?.id == checkpoint(3))
    }

    @Test("counts from the moment when it was complete, however long it waits")
    func completedEarlier() {
        var desk = desk()
        desk.run(speaks: false)
        let files = [file("/1.pt", at: 1_000_000_000), file("/2.pt", at: 2_000_000_000)]
        let first = desk.tell(.watched(files), after: .seconds(3))
        #expect(first.commit?.created == Timestamp(milliseconds: 1000))
        let summary = Desk.summary(checkpoint(1))
        let second = desk.tell(.committed(summary, seconds: 1), after: .seconds(4))
        #expect(second.commit?.created == Timestamp(milliseconds: 2000))
        desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1), after: .seconds(1))
        let end = desk.tell(.jobExited(.signaled(number: 9, name: "SIGKILL")), after: .seconds(2))
        let gone = desk.tell(.watchFlushed) + desk.tell(.descendantsGone) + desk.tell(.watchFlushed)
        let record = (end + gone).records.last ?? desk.supervisor.record
        #expect(record.failures.last?.lostSeconds == 8)
    }

    @Test("waits while a checkpoint is open, and until it is durable")
    func waitsForOpen() {
        var desk = desk()
        desk.run()
        let id = desk.begin()
        #expect(desk.tell(.watched([file("/1.pt")])).added.isEmpty)
        #expect(desk.say(.commit(.init(id: id))).added.isEmpty)
        let durable = desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(durable.added == ["/1.pt copy"])
    }

    @Test("what the job closed last is taken where it ended by its own will, and else is not")
    func closedAtTheEnd() {
        for (end, isTaken) in [
            (JobEnd.exited(0), true), (.exited(1), false),
            (.signaled(number: 9, name: "SIGKILL"), false),
        ] {
            var desk = desk()
            desk.run(speaks: false)
            #expect(desk.tell(.jobExited(end)).contains(.flushWatch))
            desk.tell(.descendantsGone)
            let told = desk.tell(.watched([file("/1.pt", wasMoved: false)]))
            #expect(told.added.isEmpty != isTaken)
            #expect(told.warnings.isEmpty == isTaken)
        }
    }

    @Test("the next attempt is chosen when all was told and taken, and goes on from it")
    func takenBeforeTheNext() {
        var desk = desk { $0.backoff = .zero ... .zero }
        desk.run(speaks: false)
        desk.tell(.jobExited(.signaled(number: 9, name: "SIGKILL")))
        desk.tell(.watchFlushed)
        #expect(desk.tell(.descendantsGone).timer(.backoff) == nil)
        #expect(desk.tell(.watched([file("/1.pt", step: 1)])).added == ["/1.pt copy"])
        #expect(desk.tell(.watchFlushed).timer(.backoff) == nil)
        let id = checkpoint(1, step: 1)
        #expect(desk.tell(.committed(Desk.summary(id), seconds: 1)).timer(.backoff) != nil)
        #expect(desk.tell(.timer(.backoff)).verified == id)
    }

    @Test("one that changes while it is taken is told again, and no failure")
    func changedMeanwhile() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        desk.tell(.watched([file("/1.pt")]))
        let actions = desk.tell(.commitFailed(checkpoint(1), .init(.conflict, "it was changed")))
        #expect(actions.contains(.watchAgain("/1.pt")) && actions.errors.isEmpty)
        desk.tell(.watched([file("/1.pt")]))
        desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.failed == 0)
    }

    @Test("a signal asks, at the interval and for operators, and the next file answers")
    func requestSignal() {
        var desk = desk {
            $0.requestSignal = signal
            $0.checkpointEvery = .every(.seconds(30))
        }
        desk.run(speaks: false)
        let asked = desk.tell(.timer(.interval), after: .seconds(30))
        #expect(asked.contains(.askBySignal(signal)))
        desk.say(.control(.init(command: "checkpoint")), on: 8, seq: 81)
        // This one was complete before.
        desk.tell(.watched([file("/1.pt", at: 29_000_000_000)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(desk.supervisor.openRequest != nil)
        let added = desk.tell(.watched([file("/2.pt", at: 31_000_000_000)]))
        #expect(added.commit?.reason == .interval)
        let done = desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(done.contains { if case .send(.committed, _, 81) = $0 { true } else { false } })
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("who speaks and accepts is asked over the connection, not by the signal")
    func connectionFirst() {
        var desk = desk { $0.requestSignal = signal }
        desk.run()
        let asked = desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        #expect(asked.requests.count == 1 && !asked.contains(.askBySignal(signal)))
    }

    @Test("an answer after its time is late; where the signal was not sent, who asked is told")
    func lateAndNotSent() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        desk.tell(.timer(.request), after: .seconds(60))
        desk.tell(.watched([file("/1.pt", at: 61_000_000_000)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(desk.supervisor.requests.late == 1 && desk.supervisor.requests.unanswered == 0)
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        #expect(desk.tell(.requestNotSent("no handler")).errors == [.conflict])
        #expect(desk.supervisor.requests.failed == 1)
    }

    @Test("a stop asks by the signal first, and SIGTERM follows the checkpoint")
    func stop() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        let asked = desk.tell(sigterm)
        #expect(asked.contains(.askBySignal(signal)) && !asked.contains(.signalLeader(15)))
        desk.tell(.watched([file("/1.pt", at: 1)]))
        let made = desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(made.timer(.terminate) != nil)
    }

    @Test("without a signal a stop is SIGTERM, and what the job then writes is taken")
    func stopWithoutSignal() {
        var desk = desk()
        desk.run(speaks: false)
        #expect(desk.tell(sigterm).contains(.signalLeader(15)))
        desk.tell(.jobExited(.exited(143)), after: .seconds(1))
        #expect(desk.tell(.watched([file("/1.pt", wasMoved: false)])).ending == nil)
        desk.tell(.watchFlushed)
        desk.tell(.descendantsGone)
        desk.tell(.watchFlushed)
        let done = desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(done.ending == .stopped(signal: 15))
    }

    @Test("after the supervisor was killed, what was moved into place is gathered before a choice")
    func gathered() {
        var record = Desk.record()
        record.attempt = 1
        record.current = .init(
            token: "t", resumedFrom: nil, started: .init(milliseconds: 5), progressed: true)
        var supervisor = Desk(record, mayHaveLeftovers: true) {
            $0.watch = [WatchPattern("*.pt")].compactMap { $0 }
        }
        supervisor.tell(.started)
        let actions = supervisor.tell(.leftoversEnded([]))
        #expect(actions.contains(.gatherWatched(since: .init(milliseconds: 5))))
        #expect(supervisor.tell(.watched([file("/half.pt", wasMoved: false)])).added.isEmpty)
        #expect(supervisor.tell(.watched([file("/9.pt", step: 9)])).added == ["/9.pt copy"])
        supervisor.tell(.watchFlushed)
        let id = checkpoint(1, step: 9)
        #expect(supervisor.tell(.committed(Desk.summary(id), seconds: 1)).verified == id)
    }

    @Test("a path that is taken again with its step replaces the older take once it is durable")
    func takenAgain() {
        var desk = desk { $0.retention.keepEvery = 1 }
        desk.run(speaks: false)
        desk.tell(.watched([file("/5.pt", step: 5)]))
        let first = checkpoint(1, step: 5)
        #expect(desk.tell(.committed(Desk.summary(first), seconds: 1)).removed.isEmpty)
        let order = desk.tell(.watched([file("/5.pt", step: 5, at: 1)])).commit
        let second = checkpoint(2, step: 5)
        #expect(order?.id == second && order?.source == "/5.pt")
        #expect(desk.tell(.committed(Desk.summary(second), seconds: 1)).removed == [first])
        // Somebody reads it: it is looked at again after the next commit.
        desk.tell(.removed([], held: [first]))
        desk.tell(.watched([file("/6.pt", step: 6, at: 2)]))
        let third = checkpoint(3, step: 6)
        #expect(desk.tell(.committed(Desk.summary(third), seconds: 1)).removed == [first])
    }

    @Test("what was moved away is no part of a later take, so that both stay")
    func movedAway() {
        var desk = desk { $0.watchMode = .move }
        desk.run(speaks: false)
        for sequence in 1...2 {
            desk.tell(.watched([file("/5.pt", step: 5, at: Int64(sequence))]))
            let id = checkpoint(Int64(sequence), step: 5)
            #expect(desk.tell(.committed(Desk.summary(id), seconds: 1)).removed.isEmpty)
        }
    }

    @Test("names whose numbers do not rise tell no steps from then on, which is said once")
    func noSteps() {
        var desk = desk()
        desk.run(speaks: false)
        var warnings: [String] = []
        for (sequence, number) in [0, 1, 0, 1, 0].enumerated() {
            let told = desk.tell(.watched([file("/\(number).pt", step: Int64(number))]))
            warnings += told.warnings
            guard let id = told.commit?.id else { break }
            #expect(id.step == (sequence < 2 ? Int64(number) : nil))
            desk.tell(.committed(Desk.summary(id), seconds: 1))
        }
        #expect(
            warnings.count == 1
                && warnings.first?.hasPrefix("0.pt: the number 0 in its name is not higher") == true
        )
        let record = desk.supervisor.record
        #expect(record.namedSteps == .ended && record.bestStep == nil && record.commits == 5)
        // Another supervisor knows it, and what it finds gives no best step.
        var later = Desk(record, checkpoints: [checkpoint(1, step: 0), checkpoint(2, step: 1)]) {
            $0.watch = [WatchPattern("*.pt")].compactMap { $0 }
        }
        #expect(later.supervisor.record.bestStep == nil)
        later.run(speaks: false)
        let told = later.tell(.watched([file("/7.pt", step: 7)]))
        #expect(told.commit?.id.step == nil && told.warnings.isEmpty)
    }

    @Test("without steps any commit is progress, so that the run is not given up")
    func progressWithoutSteps() {
        var desk = desk { $0.backoff = .zero ... .zero }
        desk.run(speaks: false)
        for number in 1...12 {
            // Each attempt counts from 1 again.
            for name in 1...2 {
                let told = desk.tell(.watched([file("/\(name).pt", step: Int64(name))]))
                if let id = told.commit?.id { desk.tell(.committed(Desk.summary(id), seconds: 1)) }
            }
            desk.tell(.jobExited(.exited(1)))
            desk.tell(.watchFlushed)
            desk.tell(.descendantsGone)
            #expect(desk.tell(.watchFlushed).ending == nil, "attempt \(number)")
            desk.restart()
        }
        #expect(desk.supervisor.record.failures.withoutProgress == 0)
    }

    @Test("an attempt that resumed from a file without a number goes by the one before it")
    func stepBehind() {
        var desk = desk { $0.backoff = .zero ... .zero }
        desk.run(speaks: false)
        for (path, step) in [("/5.pt", 5), ("/last.pt", nil)] as [(FilePath, Int64?)] {
            let order = desk.tell(.watched([file(path, step: step)])).commit
            guard let order else { break }
            var summary = Desk.summary(order.id)
            summary.origin = order.parent.map { .checkpoint($0.sequence) } ?? .beginning
            desk.tell(.committed(summary, seconds: 1))
        }
        desk.tell(.jobExited(.exited(1)))
        desk.tell(.watchFlushed)
        desk.tell(.descendantsGone)
        desk.tell(.watchFlushed)
        desk.restart()
        #expect(desk.tell(.watched([file("/4.pt", step: 4)])).commit?.id.step == nil)
        #expect(desk.supervisor.record.namedSteps == .ended)
    }

    @Test("directories that are not complete at the end are named once, and in the status")
    func incomplete() {
        var desk = desk { $0.watchComplete = [CompletionPattern("_SUCCESS")].compactMap { $0 } }
        desk.run(speaks: false)
        desk.tell(.jobExited(.exited(1)))
        let told = desk.tell(.watchIncomplete(["/out/5", "/out/6"]))
        #expect(told.warnings.count == 1)
        #expect(told.warnings.first?.hasPrefix("out/5, out/6: not taken") == true)
        #expect(desk.supervisor.status(at: desk.moment).incomplete == ["out/5", "out/6"])
        let again = desk.tell(.watchIncomplete(["/out/6", "/out/7"]))
        #expect(again.warnings.first?.hasPrefix("out/7: not taken") == true)
        desk.tell(.watched([file("/out/6", step: 6)]))
        #expect(desk.supervisor.status(at: desk.moment).incomplete == ["out/7"])
        let many = (1...50).map { FilePath("/out/n\($0 + 100)") }
        let long = desk.tell(.watchIncomplete(many))
        #expect(long.warnings.first?.contains("out/n150 and 30 more: not taken") == true)
        #expect(desk.supervisor.status(at: desk.moment).incomplete.count == 20)
    }
}

extension [Action] {
    fileprivate var removed: [CheckpointID] {
        flatMap { action -> [CheckpointID] in
            if case .remove(let ids) = action { ids } else { [] }
        }
    }

    fileprivate var added: [String] {
        compactMap {
            if case .add(_, let source) = $0 { "\(source.path) \(source.mode)" } else { nil }
        }
    }
}
