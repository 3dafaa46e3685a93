import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Choosing")
struct ChoosingTests {
    let one = checkpoint(1, step: 10)
    let two = checkpoint(2, step: 20)
    let three = checkpoint(3, step: 30)

    @Test("the newest is verified and resumed from")
    func newest() {
        var desk = Desk(checkpoints: [two, one])
        #expect(desk.tell(.started).verified == two)
        let good = desk.tell(.verified(two, .good(metadata: [:])))
        #expect(good.records.last?.current?.resumedFrom == two && good.spawn == nil)
        #expect(desk.tell(.recorded).spawn?.resume?.id == two)
    }

    @Test("a bad one is set aside when the next older one has proved good")
    func bad() {
        var desk = Desk(checkpoints: [one, two])
        desk.tell(.started)
        let bad = desk.tell(.verified(two, .bad("model.bin has rotted")))
        #expect(bad.verified == one)
        let good = desk.tell(.verified(one, .good(metadata: [:])))
        #expect(good.first == .setAside(two, reason: "model.bin has rotted"))
    }

    @Test("where none is good it ends with 125, names --resume-from none and touches nothing")
    func noneGood() {
        var desk = Desk(checkpoints: [one])
        desk.tell(.started)
        let actions = desk.tell(.verified(one, .bad("model.bin has rotted")))
        guard case .refused(let message)? = actions.ending else {
            Issue.record("it goes on")
            return
        }
        #expect(message.contains("--resume-from none") && message.contains("model.bin has rotted"))
        #expect(actions.onlyTells)
    }

    @Test("commits that only the record knows of, or only the disk, forbid a silent beginning")
    func neverSilently() {
        var record = Desk.record()
        record.commits = 1
        var gone = Desk(record)
        #expect(gone.tell(.started).ending != nil)
        var damaged = Desk(damaged: [.init(id: one, reason: "no JSON")])
        #expect(damaged.tell(.started).ending != nil)
    }

    @Test("one that cannot be read is not bad: it ends with 125")
    func unreadable() {
        var desk = Desk(checkpoints: [one, two])
        desk.tell(.started)
        let actions = desk.tell(.verified(two, .unreadable("input/output error")))
        #expect(actions.ending == .refused("input/output error"))
        #expect(actions.onlyTells)
    }

    @Test("--resume-from none begins at the beginning, and goes on from what it commits")
    func fromNone() {
        var desk = Desk(checkpoints: [one]) { $0.resumeFrom = .beginning }
        #expect(desk.tell(.started).records.last?.current?.resumedFrom == nil)
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 1))
        desk.hello()
        desk.save(step: 1)
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).verified == checkpoint(2, step: 1))
    }

    @Test(
        "--resume-from ID takes that one, even a suspect one, and ends with 125 if it is not there")
    func fromOne() {
        var record = Desk.record()
        record.failures.suspects = [two.description: 9]
        var desk = Desk(record, checkpoints: [one, two, three]) {
            $0.resumeFrom = .checkpoint(checkpoint(2, step: 20))
        }
        #expect(desk.tell(.started).verified == two)
        var missing = Desk(checkpoints: [one]) { $0.resumeFrom = .checkpoint(checkpoint(2)) }
        #expect(missing.tell(.started).ending != nil)
    }

    @Test("after --rollback-after failures from one the next older is tried, down to the oldest")
    func rollsBack() {
        var desk = Desk(checkpoints: [one, two]) {
            $0.rollbackAfter = 2
            $0.maxFailures = 9
        }
        desk.run()
        var tried: [CheckpointID?] = [two]
        for _ in 1...5 {
            desk.end(.exited(1))
            let actions = desk.tell(.timer(.backoff), after: .seconds(100))
            tried.append(actions.verified)
            if let id = actions.verified { desk.tell(.verified(id, .good(metadata: [:]))) }
            desk.tell(.spawned(pid: 1))
        }
        #expect(tried == [two, two, one, one, one, one])
        #expect(desk.supervisor.status(at: desk.moment).suspect == [one, two])
    }

    @Test("progress trusts every checkpoint again")
    func progressTrusts() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 1 }
        desk.run()
        desk.end(.exited(1))
        desk.restart()
        #expect(desk.supervisor.attempt?.resume?.id == one)
        desk.hello()
        desk.save(step: 21)
        #expect(desk.supervisor.record.failures.suspects.isEmpty)
    }

    @Test("a stale higher step does not win: newest goes by number")
    func bySequence() {
        var desk = Desk(checkpoints: [checkpoint(1, step: 500), checkpoint(2, step: 20)])
        #expect(desk.tell(.started).verified == checkpoint(2, step: 20))
    }

    @Test("everything is read at the first resume and after a roll-back, and trusted on a restart")
    func trusting() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 2 }
        #expect(desk.tell(.started).contains(.verify(two, trusting: false)))
        desk.tell(.verified(two, .good(metadata: [:])))
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 1))
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).contains(.verify(two, trusting: true)))
        desk.tell(.verified(two, .good(metadata: [:])))
        desk.tell(.spawned(pid: 1))
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).contains(.verify(one, trusting: false)))
    }
}

extension [Action] {
    /// Nothing is done but a status told, of a start that has failed, and the end.
    fileprivate var onlyTells: Bool {
        allSatisfy { action in
            switch action {
            case .publish(let status):
                status.phase == .finished
                    && status.outcome == Outcome(kind: .failed, exitCode: 125)
            case .exit, .flushFiles, .flushOutput, .widenReaders, .closeInherited,
                .setTimer(.close, _),
                .cancelTimer(.close):
                true
            default: false
            }
        }
    }
}
