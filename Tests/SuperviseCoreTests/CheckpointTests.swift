import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    @Test("begin gives the next number, records it, and is answered when the directory is there")
    func begin() {
        var desk = Desk(checkpoints: [])
        desk.run()
        let actions = desk.say(.begin(.init(step: 4)))
        #expect(actions.records.first?.sequence == 1)
        #expect(actions.contains(.makeStaging(checkpoint(1, step: 4))) && actions.sent.isEmpty)
        let made = desk.tell(.stagingMade(checkpoint(1, step: 4), path: "/s"))
        #expect(made.sent == [.began(.init(id: checkpoint(1, step: 4), path: "/s"))])
    }

    @Test("another begin or add gets a conflict while one is open on another connection")
    func conflict() {
        var desk = Desk()
        desk.run()
        desk.hello(on: 2)
        _ = desk.begin()
        #expect(desk.say(.begin(.init()), on: 2).errors == [.conflict])
        #expect(desk.say(.add(.init(path: "/f")), on: 2).errors == [.conflict])
        #expect(desk.say(.add(.init(path: "/f"))).errors == [.conflict])
    }

    @Test("a new begin on the same connection aborts its own, with another number")
    func beginAgain() {
        var desk = Desk()
        desk.run()
        let first = desk.begin()
        let actions = desk.say(.begin(.init()))
        #expect(actions.contains(.dropStaging(first)))
        #expect(actions.contains(.makeStaging(checkpoint(2))))
        #expect(desk.say(.commit(.init(id: first))).errors == [.unknownCheckpoint])
    }

    @Test("a begin that a new one replaces before its answer is answered all the same")
    func replacedBegin() {
        var desk = Desk()
        desk.run()
        desk.say(.begin(.init()), seq: 1)
        let actions = desk.say(.begin(.init()), seq: 2)
        let answered = actions.compactMap { action -> Int64? in
            if case .send(.error, _, let seq) = action { seq } else { nil }
        }
        #expect(answered == [1])
        #expect(desk.tell(.stagingMade(checkpoint(1), path: "/s")).sent.isEmpty)
    }

    @Test("commit and abort of what is not open on this connection are refused")
    func notOpen() {
        var desk = Desk()
        desk.run()
        desk.hello(on: 2)
        let id = desk.begin()
        #expect(desk.say(.commit(.init(id: id)), on: 2).errors == [.unknownCheckpoint])
        #expect(desk.say(.abort(.init(id: id)), on: 2).errors == [.unknownCheckpoint])
        #expect(desk.say(.abort(.init(id: id))).sent == [.aborted])
        #expect(desk.say(.commit(.init(id: id))).errors == [.unknownCheckpoint])
    }

    @Test("committed is said once it is durable, and retention keeps the newest")
    func committed() {
        var desk = Desk { $0.retention.keepLast = 2 }
        desk.run()
        desk.save(step: 1)
        desk.save(step: 2)
        let actions = desk.save(step: 3)
        #expect(actions.contains(.remove([checkpoint(1, step: 1)])))
        #expect(actions.sent.first.map { if case .committed = $0 { true } else { false } } == true)
    }

    @Test("retention keeps the one that the job resumed from")
    func resumedStays() {
        var desk = Desk(checkpoints: [checkpoint(1)]) { $0.retention.keepLast = 1 }
        desk.run()
        desk.save()
        #expect(desk.save().contains(.remove([checkpoint(2, step: 1)])))
    }

    @Test("a failed commit is told, counted where it was asked for, and the job goes on")
    func commitFails() {
        var desk = Desk()
        desk.run()
        desk.tell(.signal(.checkpoint(name: "SIGUSR1")))
        let id = desk.begin(request: 1)
        desk.say(.commit(.init(id: id)))
        let actions = desk.tell(.commitFailed(id, .init(.noSpace, "full")))
        #expect(actions.errors == [.noSpace])
        #expect(desk.supervisor.requests.failed == 1 && desk.supervisor.phase == .running)
    }

    @Test("a directory that cannot be made answers begin with the reason")
    func stagingFails() {
        var desk = Desk()
        desk.run()
        desk.say(.begin(.init()))
        #expect(desk.tell(.commitFailed(checkpoint(1), .init(.io, "broken"))).errors == [.io])
        #expect(desk.supervisor.openCheckpoint == nil)
    }

    @Test("the parent is what was last committed or resumed from, and never a failed one")
    func parent() {
        var desk = Desk(checkpoints: [checkpoint(5)])
        desk.run()
        let first = desk.begin()
        #expect(desk.say(.commit(.init(id: first))).commit?.parent == checkpoint(5))
        let second = desk.begin()
        desk.say(.commit(.init(id: second)))
        // The one before it is durable.
        #expect(desk.tell(.committed(Desk.summary(first), seconds: 1)).commit?.parent == first)
        let third = desk.begin()
        desk.say(.commit(.init(id: third)))
        // The one before it has failed.
        let failed = desk.tell(.commitFailed(second, .init(.io, "broken")))
        #expect(failed.commit?.id == third && failed.commit?.parent == first)
        desk.tell(.commitFailed(third, .init(.io, "broken")))
        let fourth = desk.begin()
        #expect(desk.say(.commit(.init(id: fourth))).commit?.parent == first)
    }

    @Test("the loss of its connection drops an open checkpoint")
    func disconnectDrops() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        #expect(desk.tell(.disconnected(ConnectionID(1))).contains(.dropStaging(id)))
    }

    @Test("add takes an absolute path, with a number of its own")
    func add() {
        var desk = Desk()
        desk.run()
        #expect(desk.say(.add(.init(path: "model.bin"))).errors == [.badPath])
        #expect(desk.say(.add(.init(path: "/m", mode: "steal"))).errors == [.badMessage])
        let actions = desk.say(.add(.init(path: "/m", step: 3, metrics: .init(["loss": 0.5]))))
        #expect(actions.commit?.id == checkpoint(1, step: 3))
        #expect(actions.commit?.metrics == ["loss": 0.5])
    }

    @Test("each mode of add is passed on, and copy is meant where none is given")
    func addModes() {
        var desk = Desk()
        desk.run()
        func mode(of actions: [Action]) -> AddMode? {
            for case .add(_, let source) in actions where source.path == "/m" { return source.mode }
            return nil
        }
        #expect(mode(of: desk.say(.add(.init(path: "/m")))) == .copy)
        for (number, each) in AddMode.allCases.enumerated() {
            desk.tell(.committed(Desk.summary(checkpoint(Int64(number + 1))), seconds: 1))
            #expect(mode(of: desk.say(.add(.init(path: "/m", mode: each.rawValue)))) == each)
        }
    }

    @Test("a metric that is no number is left out, with one warning a run")
    func droppedMetrics() {
        var desk = Desk()
        desk.run()
        var metrics = Metrics([:])
        metrics.dropped = ["loss"]
        #expect(desk.say(.progress(.init(metrics: metrics))).warnings.count == 1)
        #expect(desk.say(.progress(.init(metrics: metrics))).warnings.isEmpty)
    }

    @Test("steps at the ends of the range of integers do no harm")
    func extremeSteps() {
        var desk = Desk()
        desk.run()
        desk.say(.progress(.init(step: .min, total: .max)))
        desk.say(.progress(.init(step: .max)), after: .seconds(1))
        #expect(desk.supervisor.status(at: desk.moment).progress.step == .max)
    }
}
