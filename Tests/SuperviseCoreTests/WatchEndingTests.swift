import SuperviseCore
import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The order of watched files, and their end")
struct WatchEndingTests {
    private func desk(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        Desk {
            $0.watch = [WatchPattern("*.pt")].compactMap { $0 }
            change(&$0)
        }
    }

    private func file(_ path: FilePath, at: Int64 = 0, wasMoved: Bool = true) -> WatchedFile {
        WatchedFile(
            path: path, step: nil, completedAt: Instant(nanoseconds: at), wasMoved: wasMoved)
    }

    private let signal = Settings.RequestSignal(number: 10, name: "SIGUSR1")
    private let byTerm = JobEnd.signaled(number: 15, name: "SIGTERM")

    @Test("a file that is too old to be taken does not displace the copy of the newest checkpoint")
    func repeatStays() {
        var backlog = WatchedBacklog()
        backlog.wasTaken(file("/2.pt", at: 2))
        var kept = file("/kept.pt", at: 2)
        kept.repeats = checkpoint(1)
        backlog.putFirst(kept)
        backlog.add(file("/1.pt", at: 1))
        #expect(backlog.passOverOlder().map(\.path) == ["/1.pt"])
        #expect(backlog.files == [kept])
        // One that is still to be taken does.
        backlog.add(file("/3.pt", at: 3))
        #expect(backlog.passOverOlder().isEmpty)
        #expect(backlog.files.map(\.path) == ["/3.pt"])
    }

    @Test("in a stop the newest is taken first, and older ones are passed over once it is durable")
    func newestFirst() {
        var desk = desk()
        desk.run(speaks: false)
        #expect(desk.tell(.watched([file("/1.pt", at: 1)])).added == ["/1.pt"])
        desk.tell(.watched([file("/2.pt", at: 2)]))
        let stopped = desk.tell(sigterm, after: .nanoseconds(3))
        // A newer one is complete, and the copy of the old one is given up for it.
        #expect(stopped.contains(.cancelAdd(checkpoint(1))))
        #expect(desk.tell(.watched([file("/4.pt", at: 4)])).added.isEmpty)
        #expect(desk.tell(.notAdded(checkpoint(1), .cancelled)).added == ["/4.pt"])
        let done = desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(done.added.isEmpty && done.warnings.count == 1)
        #expect(
            done.warnings.first?.hasPrefix("/1.pt, /2.pt: not taken, as the attempt ends") == true)
    }

    @Test("what is told late in a stop and is older than what was taken is passed over")
    func toldLate() {
        var desk = desk()
        desk.run(speaks: false)
        desk.tell(sigterm)
        desk.tell(.watched([file("/2.pt", at: 2)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(desk.tell(.watched([file("/1.pt", at: 1)])).warnings.count == 1)
    }

    @Test("what waited behind an open checkpoint, and is older than what was taken, is passed over")
    func behindAnOpenOne() {
        var desk = desk()
        desk.run()
        desk.tell(.watched([file("/2.pt", at: 2)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        _ = desk.begin()
        desk.tell(.watched([file("/1.pt", at: 1)]))
        let ended = desk.tell(.jobExited(.exited(0)))
        #expect(ended.added.isEmpty && ended.warnings.count == 1)
    }

    @Test("where the newest cannot be taken in a stop, the one before it is")
    func newestFails() {
        var desk = desk()
        desk.run(speaks: false)
        desk.tell(sigterm)
        desk.tell(.watched([file("/1.pt", at: 1), file("/2.pt", at: 2)]))
        #expect(desk.tell(.notAdded(checkpoint(1), .gone)).added == ["/1.pt"])
    }

    @Test("what has gone before it was taken is no failure, and the next one is taken")
    func gone() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        desk.tell(.watched([file("/1.pt", at: 1), file("/2.pt", at: 2)]))
        let next = desk.tell(.notAdded(checkpoint(1), .gone))
        #expect(next.added == ["/2.pt"] && next.errors.isEmpty && next.warnings.isEmpty)
        desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1 && desk.supervisor.requests.failed == 0)
    }

    @Test("a request that another save answers is not waited for when a file has gone")
    func goneBesideAnAnswer() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.say(.control(.init(command: "checkpoint")), on: 8)
        desk.tell(.watched([file("/1.pt", at: 1)]))
        desk.hello()
        desk.say(.add(.init(path: "/file")))
        desk.tell(.notAdded(checkpoint(1), .gone))
        #expect(desk.supervisor.alarms.due[.request] == nil)
        desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("a copy of what was taken answers no request, and the request stays open")
    func copyAnswersNothing() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.tell(.watched([file("/state", at: 1)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        desk.tell(sigterm, after: .seconds(1))
        desk.tell(.watched([file("/state.old", at: 2_000_000_000)]))
        desk.tell(.notAdded(checkpoint(2), .sameAs(checkpoint(1))))
        #expect(desk.supervisor.requests.committed == 0)
        #expect(desk.supervisor.openRequest?.final == true)
        desk.tell(.watched([file("/state", at: 3_000_000_000)]))
        let done = desk.tell(.committed(Desk.summary(checkpoint(3)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1 && done.timer(.terminate) != nil)
    }

    @Test(
        "a checkpoint in place whose payload gets another name is taken there, too, as no progress")
    func takenBeside() {
        var desk = Desk(checkpoints: []) {
            $0.watch = [WatchPattern("*")].compactMap { $0 }
            $0.watchMode = .own
            $0.requestSignal = signal
        }
        desk.run(speaks: false)
        desk.tell(.watched([file("/c/000001")]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        desk.tell(sigterm, after: .seconds(1))
        // A link that leads elsewhere gives it another name, and leaves it where it is.
        #expect(desk.tell(.watchedRenamed(from: "/c/000001", to: "/old")).added == [])
        let moved = desk.tell(.payloadMoved(from: "/c/000001", to: "/old"))
        #expect(moved.added == ["/old"])
        desk.tell(.committed(Desk.summary(checkpoint(2)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 0)
        // A copy of the newest is recognised first, and then taken as well; of an older one it is not,
        // as it would be the newest from then on.
        desk.tell(.watched([file("/copy", at: 2_000_000_000)]))
        #expect(desk.tell(.notAdded(checkpoint(3), .sameAs(checkpoint(2)))).added == ["/copy"])
        desk.tell(.committed(Desk.summary(checkpoint(4)), seconds: 1))
        desk.tell(.watched([file("/older", at: 2_000_000_000)]))
        #expect(desk.tell(.notAdded(checkpoint(5), .sameAs(checkpoint(1)))).added.isEmpty)
        #expect(desk.supervisor.requests.committed == 0)
    }

    @Test(
        "what is moved while it is taken in place is taken where it is then; a link that is turned is none",
        arguments: [true, false])
    func movedWhileTaken(isMoved: Bool) {
        var desk = Desk(checkpoints: []) {
            $0.watch = [WatchPattern("*")].compactMap { $0 }
            $0.watchMode = .reference
        }
        desk.run(speaks: false)
        desk.tell(.watched([file("/now/000001")]))
        desk.tell(.watchedRenamed(from: "/now/000001", to: "/old"))
        if isMoved { desk.tell(.payloadMoved(from: "/c/000001", to: "/old")) }
        let done = desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(done.added == (isMoved ? ["/old"] : []))
    }

    @Test("what a checkpoint in place holds already never comes before a newer file in a stop")
    func newerThanBeside() {
        var desk = Desk(checkpoints: []) {
            $0.watch = [WatchPattern("*")].compactMap { $0 }
            $0.watchMode = .reference
            $0.requestSignal = signal
        }
        desk.run(speaks: false)
        desk.tell(.watched([file("/c/000001")]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        desk.tell(sigterm, after: .seconds(1))
        desk.tell(.payloadMoved(from: "/c/000001", to: "/old"), after: .seconds(2))
        let newer = desk.tell(.watched([file("/c/000001", at: 2_000_000_000)]))
        #expect(newer.contains(.cancelAdd(checkpoint(2))))
        #expect(desk.tell(.notAdded(checkpoint(2), .cancelled)).added == ["/c/000001"])
        desk.tell(.committed(Desk.summary(checkpoint(3)), seconds: 1))
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("what was complete before a request that had its time is no late answer to it")
    func noLateAnswer() {
        var desk = desk { $0.requestSignal = signal }
        desk.run(speaks: false)
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")), after: .seconds(10))
        desk.tell(.timer(.request), after: .seconds(60))
        desk.tell(.watched([file("/1.pt", at: 5_000_000_000)]))
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(desk.supervisor.requests.late == 0 && desk.supervisor.requests.unanswered == 1)
    }

    @Test("one that is renamed while it waits is taken under its new name")
    func renamed() {
        var desk = desk()
        desk.run(speaks: false)
        desk.tell(.watched([file("/0.pt"), file("/state", at: 1)]))
        desk.tell(.watchedRenamed(from: "/state", to: "/state.old"))
        desk.tell(.watched([file("/state", at: 2)]))
        let first = desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(first.added == ["/state.old"])
        // And again while it is copied, which the copy shows as a change: it is as old as it was.
        desk.tell(.watchedRenamed(from: "/state.old", to: "/state.older"))
        let failed = desk.tell(.commitFailed(checkpoint(2), .init(.conflict, "it was changed")))
        #expect(!failed.contains(.watchAgain("/state.older")) && failed.added == ["/state.older"])
        // The same where nothing was found, whichever is told first.
        desk.tell(.watchedRenamed(from: "/state.older", to: "/state.oldest"))
        #expect(desk.tell(.notAdded(checkpoint(3), .gone)).added == ["/state.oldest"])
        #expect(desk.tell(.notAdded(checkpoint(4), .gone)).added == ["/state"])
        desk.tell(.watchedRenamed(from: "/state.oldest", to: "/state.kept"))
        let last = desk.tell(.committed(Desk.summary(checkpoint(5)), seconds: 1))
        #expect(last.added == ["/state.kept"])
    }

    @Test("what a job closes at SIGTERM is taken where it handles that, whatever its end")
    func closedAtSigterm() {
        for (handles, closedAt, isTaken) in [(true, 2, true), (false, 2, false), (false, 0, true)] {
            var desk = desk()
            desk.run(speaks: false)
            let asked = desk.tell(sigterm, after: .nanoseconds(1))
            #expect(asked.contains(.lookForHandlers(.leader)))
            desk.tell(.handlersFound(.leader, handles))
            desk.tell(.jobExited(byTerm), after: .nanoseconds(5))
            let told = desk.tell(.watched([file("/1.pt", at: Int64(closedAt), wasMoved: false)]))
            #expect(told.added.isEmpty != isTaken, "\(handles), \(closedAt)")
        }
    }

    @Test("what the descendants of a leader that is gone close is taken where they handle SIGTERM")
    func closedByDescendants() {
        for handle in [true, false] {
            var desk = desk()
            desk.run(speaks: false)
            desk.tell(sigterm)
            desk.tell(.handlersFound(.leader, false))
            let ended = desk.tell(.jobExited(byTerm))
            #expect(ended.contains(.lookForHandlers(.descendants)))
            desk.tell(.handlersFound(.descendants, handle))
            desk.tell(.watchFlushed)
            #expect(desk.tell(.descendantsGone).contains(.flushWatch))
            let told = desk.tell(.watched([file("/1.pt", at: 2, wasMoved: false)]))
            #expect(told.added.isEmpty != handle)
        }
    }

    @Test("what is closed after SIGKILL was sent is not taken, and what was closed before is")
    func closedByKill() {
        for (closedAt, isTaken) in [(1, true), (3, false)] {
            var closes = LastCloses()
            closes.wasKilled(at: Instant(nanoseconds: 2), leaderRuns: true)
            let end = JobEnd.signaled(number: 9, name: "SIGKILL")
            let time = Instant(nanoseconds: Int64(closedAt))
            #expect(closes.wasClosedByWill(at: time, end: end, wasStopped: true) == isTaken)
            // Somebody else has killed it.
            #expect(!LastCloses().wasClosedByWill(at: time, end: end, wasStopped: true))
        }
    }

    @Test("a content is taken again in the same place, or with a higher step, and else never")
    func repeats() {
        let rule = RepeatRule(path: "/state-7", step: 7, newest: checkpoint(1))
        #expect(rule.takes(checkpoint(1, step: 9), from: "/state-7"))
        #expect(rule.takes(checkpoint(1, step: 6), from: "/other"))
        #expect(!rule.takes(checkpoint(1, step: 7), from: "/other"))
        #expect(!rule.takes(checkpoint(1), from: nil))
        let copy = RepeatRule(path: "/old", step: nil, newest: checkpoint(1))
        #expect(!copy.takes(checkpoint(1, step: 1), from: "/state"))
    }

    @Test(
        "a content whose checkpoint was removed is taken again unless a later checkpoint is there")
    func removedCheckpoint() {
        func takes(_ known: CheckpointID, _ newest: CheckpointID?) -> Bool {
            RepeatRule(path: "/old", step: nil, newest: newest).takes(known, from: "/state")
        }
        #expect(takes(checkpoint(3), checkpoint(2)) && takes(checkpoint(3), nil))
        #expect(!takes(checkpoint(3), checkpoint(4)) && !takes(checkpoint(3), checkpoint(3)))
        var desk = desk()
        desk.run(speaks: false)
        #expect(desk.tell(.watched([file("/1.pt", at: 1)])).rules.map(\.newest) == [nil])
        desk.tell(.committed(Desk.summary(checkpoint(1)), seconds: 1))
        #expect(
            desk.tell(.watched([file("/2.pt", at: 2)])).rules.map(\.newest) == [checkpoint(1)])
    }
}

extension [Action] {
    fileprivate var rules: [RepeatRule] {
        compactMap { if case .add(_, let source) = $0 { source.rule } else { nil } }
    }

    fileprivate var added: [String] {
        compactMap { if case .add(_, let source) = $0 { source.path.text } else { nil } }
    }
}
