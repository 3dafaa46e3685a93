import SuperviseCore
import SuperviseFormats
import Testing

/// A job that goes on after `commit` without waiting, on a disk that is slower than it saves.
@Suite("Saves that come faster than the disk")
struct QueuedSaveTests {
    /// A job with two commits that are not finished: 1, which the disk works on, and 2.
    private func desk(
        accepts: Bool = true, _ change: (inout Settings) -> Void = { _ in }
    ) -> Desk {
        var desk = Desk { change(&$0) }
        desk.run(accepts: accepts)
        for step in 1...2 as ClosedRange<Int64> {
            let id = desk.begin(step: step)
            desk.say(.commit(.init(id: id)))
        }
        return desk
    }

    private func staged(_ actions: [Action]) -> [CheckpointID] {
        actions.compactMap { if case .makeStaging(let id) = $0 { id } else { nil } }
    }

    private func dropped(_ actions: [Action]) -> [CheckpointID] {
        actions.compactMap { if case .dropStaging(let id) = $0 { id } else { nil } }
    }

    private func finish(_ desk: inout Desk, _ id: CheckpointID) -> [Action] {
        desk.tell(.committed(Desk.summary(id), seconds: 1))
    }

    @Test("the disk gets one commit at a time, in the order of their numbers")
    func oneAtATime() {
        var desk = Desk()
        desk.run()
        let first = desk.begin(step: 1)
        #expect(desk.say(.commit(.init(id: first))).commit?.id == first)
        let second = desk.begin(step: 2)
        #expect(desk.say(.commit(.init(id: second))).commit == nil)
        #expect(finish(&desk, first).commit?.id == second)
    }

    @Test("a begin is held back while two commits are unfinished, and answered when one is durable")
    func heldBack() {
        var desk = desk()
        #expect(desk.say(.begin(.init(step: 3)), seq: 33).isEmpty)
        let begun = finish(&desk, checkpoint(1, step: 1))
        #expect(staged(begun) == [checkpoint(3, step: 3)])
        let made = desk.tell(.stagingMade(checkpoint(3, step: 3), path: "/s"))
        #expect(made.contains { if case .send(.began, _, 33) = $0 { true } else { false } })
    }

    @Test("a commit that fails makes way for the begin that is held back, too")
    func failureMakesWay() {
        var desk = desk()
        desk.say(.begin(.init(step: 3)))
        let failed = desk.tell(.commitFailed(checkpoint(1, step: 1), .init(.io, "broken")))
        #expect(staged(failed) == [checkpoint(3, step: 3)])
        #expect(failed.commit?.id == checkpoint(2, step: 2))
    }

    @Test("a begin that is held back goes with its connection")
    func connectionGoes() {
        var desk = desk()
        desk.hello(on: 2)
        desk.say(.begin(.init(step: 3)), on: 2)
        desk.tell(.disconnected(ConnectionID(2)))
        #expect(staged(finish(&desk, checkpoint(1, step: 1))).isEmpty)
        #expect(staged(desk.say(.begin(.init(step: 4)))) == [checkpoint(3, step: 4)])
    }

    @Test("a begin that is held back goes with its attempt, and the next attempt begins anew")
    func attemptGoes() {
        var desk = desk()
        desk.say(.begin(.init(step: 3)))
        let exited = desk.tell(.jobExited(.exited(1)))
        #expect(dropped(exited).isEmpty && exited.contains(.close(ConnectionID(1))))
        desk.tell(.descendantsGone)
        #expect(staged(finish(&desk, checkpoint(1, step: 1))).isEmpty)
        #expect(finish(&desk, checkpoint(2, step: 2)).timer(.backoff) != nil)
        desk.restart()
        desk.hello()
        #expect(staged(desk.say(.begin(.init(step: 3)))) == [checkpoint(3, step: 3)])
    }

    @Test("beside a begin that is held back others get a conflict, and a new one takes its place")
    func beside() {
        var desk = desk()
        desk.hello(on: 2)
        desk.say(.begin(.init(step: 3)), seq: 1)
        #expect(desk.say(.begin(.init(step: 4)), on: 2).errors == [.conflict])
        #expect(desk.say(.add(.init(path: "/f")), on: 2).errors == [.conflict])
        let replaced = desk.say(.begin(.init(step: 5)), seq: 2)
        #expect(replaced.contains { if case .send(.error, _, 1) = $0 { true } else { false } })
        #expect(staged(finish(&desk, checkpoint(1, step: 1))) == [checkpoint(3, step: 5)])
    }

    @Test("a stop without a final checkpoint answers the begin that is held back with stopping")
    func stopRefuses() {
        var desk = desk(accepts: false)
        desk.say(.begin(.init(step: 3)))
        #expect(desk.tell(sigterm).errors == [.stopping])
    }

    @Test("a final request answers the begin that is held back, and its commit goes first")
    func finalGoesFirst() throws {
        var desk = desk()
        desk.say(.begin(.init(step: 3)))
        let asked = desk.tell(sigterm)
        let request = try #require(asked.requests.first?.request)
        let id = checkpoint(3, step: 3)
        #expect(staged(asked) == [id])
        desk.tell(.stagingMade(id, path: "/s"))
        #expect(desk.say(.commit(.init(id: id, request: request))).commit == nil)
        let next = finish(&desk, checkpoint(1, step: 1))
        #expect(next.commit?.id == id && next.commit?.parent == checkpoint(2, step: 2))
        let saved = finish(&desk, id)
        #expect(saved.tellsToStop && saved.commit?.id == checkpoint(2, step: 2))
        #expect(saved.commit?.parent == checkpoint(1, step: 1))
        _ = finish(&desk, checkpoint(2, step: 2))
        #expect(desk.supervisor.checkpoints.last?.id == id)
        #expect(desk.supervisor.requests.committed == 1)
    }

    @Test("a begin that names the final request has a place, and after its commit no other one has")
    func finalPlace() throws {
        var desk = desk()
        let request = try #require(desk.tell(sigterm).requests.first?.request)
        let final = desk.begin(step: 3, request: request)
        #expect(final == checkpoint(3, step: 3))
        desk.say(.commit(.init(id: final, request: request)))
        #expect(staged(desk.say(.begin(.init(step: 4)))).isEmpty)
    }

    @Test("in a restart the final checkpoint goes first, too")
    func restart() throws {
        var desk = desk()
        let request = try #require(desk.control("restart").requests.first?.request)
        let final = desk.begin(step: 3, request: request)
        desk.say(.commit(.init(id: final, request: request)))
        #expect(finish(&desk, checkpoint(1, step: 1)).commit?.id == final)
    }

    @Test("a waiting commit that no rule keeps beside the final one gives way, and the job is told")
    func givesWay() throws {
        var desk = desk { $0.retention.keepLast = 1 }
        let request = try #require(desk.tell(sigterm).requests.first?.request)
        let final = desk.begin(step: 3, request: request)
        let actions = desk.say(.commit(.init(id: final, request: request)))
        let older = checkpoint(2, step: 2)
        #expect(dropped(actions) == [older] && actions.errors == [.superseded])
        #expect(
            actions.contains(.log(.checkpointDropped(.init(id: older, reason: .superseded)))))
        let next = finish(&desk, checkpoint(1, step: 1))
        #expect(next.commit?.id == final && next.commit?.parent == checkpoint(1, step: 1))
        #expect(desk.supervisor.ownSaves.superseded == 1 && desk.supervisor.ownSaves.failed == 0)
    }

    @Test("one that a rule keeps does not give way: among the best, or the first of its stretch")
    func ruleKeeps() throws {
        for rule in ["best", "every"] {
            var desk = Desk {
                $0.retention.keepLast = 1
                if rule == "best" {
                    $0.retention.keepBest = .init(count: 1, metric: "loss", goal: .min)
                } else {
                    $0.retention.keepEvery = 10
                }
            }
            desk.run()
            let first = desk.begin(step: 5)
            desk.say(.commit(.init(id: first, metrics: Metrics(["loss": 9]))))
            let kept = desk.begin(step: 10)
            desk.say(.commit(.init(id: kept, metrics: Metrics(["loss": 1]))))
            let request = try #require(desk.tell(sigterm).requests.first?.request)
            let final = desk.begin(step: 11, request: request)
            let message = JobMessage.Commit(
                id: final, request: request, metrics: Metrics(["loss": 2]))
            #expect(dropped(desk.say(.commit(message))).isEmpty, "\(rule)")
        }
    }

    @Test("what answers a request that an operator waits for does not give way")
    func requestedStays() throws {
        var desk = Desk { $0.retention.keepLast = 1 }
        desk.run()
        desk.say(.add(.init(path: "/1")))
        let request = try #require(desk.control("checkpoint").requests.first?.request)
        desk.say(.add(.init(path: "/2", request: request)))
        for number in 3...4 {
            #expect(dropped(desk.say(.add(.init(path: "/\(number)")))).isEmpty)
        }
        #expect(dropped(desk.say(.add(.init(path: "/5")))) == [checkpoint(3)])
    }

    @Test("adds that wait give way to newer ones, but not with own: nobody would delete the file")
    func adds() {
        for (mode, goes) in [("copy", true), ("move", true), ("reference", true), ("own", false)] {
            var desk = Desk { $0.retention.keepLast = 1 }
            desk.run()
            for number in 1...2 { desk.say(.add(.init(path: "/\(number)", mode: mode))) }
            // Its path may be one that cannot be taken, so that the one before it stays until the next.
            let third = desk.say(.add(.init(path: "/3", mode: mode)))
            #expect(third.errors.isEmpty && dropped(third).isEmpty, "\(mode)")
            let fourth = desk.say(.add(.init(path: "/4", mode: mode)))
            #expect(fourth.errors == (goes ? [.superseded] : []), "\(mode)")
            #expect(dropped(fourth) == (goes ? [checkpoint(2)] : []), "\(mode)")
        }
    }

    @Test("with --keep-last 2 the three newest of many adds stay, and the one that is worked on")
    func manyAdds() {
        var desk = Desk { $0.retention.keepLast = 2 }
        desk.run()
        for number in 1...46 { desk.say(.add(.init(path: "/\(number)"))) }
        #expect(desk.supervisor.commits.unfinished.map(\.id.sequence) == [1, 44, 45, 46])
        let next = finish(&desk, checkpoint(1))
        #expect(next.commit?.id == checkpoint(44) && next.commit?.parent == checkpoint(1))
    }

    @Test("in a stop the newest that waits goes before older ones")
    func newestFirst() {
        var desk = Desk()
        desk.run(accepts: false)
        for number in 1...4 { desk.say(.add(.init(path: "/\(number)"))) }
        desk.tell(sigterm)
        #expect(finish(&desk, checkpoint(1)).commit?.id == checkpoint(4))
        #expect(finish(&desk, checkpoint(4)).commit?.id == checkpoint(3))
        #expect(finish(&desk, checkpoint(3)).commit?.id == checkpoint(2))
        _ = finish(&desk, checkpoint(2))
        #expect(desk.supervisor.openCheckpoint == nil)
        #expect(desk.supervisor.checkpoints.map(\.id.sequence) == [1, 2, 3, 4])
    }

    @Test("a request whose begin is held back is not unanswered, however slow the disk is")
    func heldRequest() throws {
        var desk = desk { $0.checkpointTimeout = .seconds(60) }
        let request = try #require(desk.control("checkpoint").requests.first?.request)
        desk.say(.begin(.init(step: 3, request: request)))
        let passed = desk.tell(.timer(.request), after: .seconds(60))
        #expect(passed.timer(.request) == 120_000_000_000 && passed.errors.isEmpty)
        #expect(desk.supervisor.requests.unanswered == 0)
        let begun = finish(&desk, checkpoint(1, step: 1))
        #expect(begun.timer(.request) != nil)
    }

    @Test("a job whose begin is held back does not hang: the disk is at work for it")
    func noHang() {
        var desk = desk { $0.heartbeatTimeout = .seconds(10) }
        desk.say(.begin(.init(step: 3)))
        #expect(!desk.tell(.timer(.hang), after: .seconds(100)).contains(.examine))
        _ = finish(&desk, checkpoint(1, step: 1))
    }

    @Test("a pause of the job does not keep the answer back")
    func pause() {
        var desk = desk()
        desk.say(.begin(.init(step: 3)))
        desk.control("pause")
        #expect(staged(finish(&desk, checkpoint(1, step: 1))) == [checkpoint(3, step: 3)])
    }

    @Test("on a full disk the older commit gives way, and the begin that is held back is answered")
    func fullDisk() {
        var desk = desk()
        desk.say(.begin(.init(step: 3)))
        let full = desk.tell(.diskFull(checkpoint(1, step: 1), .init(.noSpace, "full")))
        #expect(full.errors == [.noSpace] && full.commit?.id == checkpoint(2, step: 2))
        #expect(staged(full) == [checkpoint(3, step: 3)])
    }

    @Test("while the only commit waits for room, one more is begun and waits behind it")
    func waitsForRoom() {
        var desk = Desk(checkpoints: [checkpoint(1), checkpoint(2)])
        desk.run()
        let first = desk.begin(step: 3)
        desk.say(.commit(.init(id: first)))
        desk.tell(.diskFull(first, .init(.noSpace, "full")))
        #expect(desk.tell(.archives([])).contains { if case .remove = $0 { true } else { false } })
        let second = desk.begin(step: 4)
        desk.say(.commit(.init(id: second)))
        #expect(staged(desk.say(.begin(.init(step: 5)))).isEmpty)
        #expect(desk.tell(.removed([checkpoint(1)], held: [])).commit?.id == first)
        let done = finish(&desk, first)
        #expect(done.commit?.id == second && staged(done) == [checkpoint(5, step: 5)])
    }

    @Test("a final commit that the disk has not finished in time is named as that")
    func unfinished() throws {
        var desk = desk { $0.checkpointTimeout = .seconds(60) }
        let request = try #require(desk.control("checkpoint").requests.first?.request)
        let final = try #require(desk.tell(sigterm).requests.first?.request)
        #expect(final == request + 1)
        let id = desk.begin(step: 3, request: final)
        desk.say(.commit(.init(id: id, request: final)))
        let over = desk.tell(.timer(.stopDeadline), after: .seconds(60))
        #expect(over.tellsToStop && over.errors == [.io])
        let ended = over.compactMap { action -> RunEvent.RequestEnded? in
            if case .log(.requestEnded(let ended)) = action { ended } else { nil }
        }
        #expect(ended.map(\.result) == [.unfinished] && ended.first?.checkpoint == id)
        #expect(desk.supervisor.requests.unfinished == 1)
        #expect(desk.supervisor.requests.unanswered == 0)
        // It becomes durable after all.
        _ = finish(&desk, checkpoint(1, step: 1))
        _ = finish(&desk, id)
        #expect(desk.supervisor.requests.unfinished == 0 && desk.supervisor.requests.late == 1)
    }

    @Test("what is unfinished when the run ends is in the status, and nothing counts as lost")
    func unfinishedAtTheEnd() throws {
        var desk = desk()
        let final = try #require(desk.tell(sigterm).requests.first?.request)
        let id = desk.begin(step: 3, request: final)
        desk.say(.commit(.init(id: id, request: final)))
        desk.tell(.jobExited(.exited(0)))
        desk.tell(.descendantsGone)
        let over = desk.tell(.timer(.stopDeadline), after: .seconds(60))
        #expect(over.ending != nil)
        let status = desk.supervisor.status(at: desk.moment)
        #expect(status.unfinished == [checkpoint(1, step: 1), checkpoint(2, step: 2), id])
        #expect(status.requests.unfinished == 1 && status.requests.lost == 0)
        #expect(!status.finalCheckpointLost)
    }
}
