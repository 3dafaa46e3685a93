import SuperviseCore
import SuperviseFormats
import Testing

/// Stepping back from a checkpoint that attempts fail from, and going back because somebody asks.
@Suite("Rolling back")
struct RollBackTests {
    private let one = checkpoint(1, step: 10)
    private let two = checkpoint(2, step: 20)
    private let three = checkpoint(3, step: 30)

    /// A machine that goes down while the attempt runs, and the supervisor that comes after.
    private func afterPowerCut(_ desk: Desk, _ checkpoints: [CheckpointID]) -> Desk {
        Desk(desk.supervisor.record, checkpoints: checkpoints)
    }

    @Test("is told once for each step, with the failures that led to it")
    func told() {
        var desk = Desk(checkpoints: [one, two, three]) { $0.maxFailures = 9 }
        desk.run()
        var told: [[RunEvent.RolledBack]] = []
        for _ in 1...6 {
            desk.end(.exited(1))
            let verify = desk.tell(.timer(.backoff), after: .seconds(100)).verified ?? one
            let actions = desk.tell(.verified(verify, .good(metadata: [:])))
            told.append(actions.stepsBack)
            desk.tell(.spawned(pid: 1))
        }
        #expect(
            told == [
                [], [.init(to: two, from: three, passed: 1, failures: 2)],
                [], [.init(to: one, from: three, passed: 2, failures: 2)], [], [],
            ])
    }

    @Test("suspect are those that are passed over, until a commit is newer than they")
    func suspect() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 1 }
        desk.run()
        #expect(desk.status.suspect == [])
        desk.end(.exited(1))
        #expect(desk.status.suspect == [two])
        desk.restart()
        desk.hello()
        #expect(desk.status.suspect == [two] && desk.status.resumedFrom == one)
        desk.save(step: 15)
        #expect(desk.status.suspect == [])
        #expect(desk.supervisor.record.failures.suspects == [two.description: 1])
        desk.end(.exited(1))
        desk.restart()
        #expect(desk.supervisor.attempt?.resume?.id == checkpoint(3, step: 15))
        desk.end(.exited(1))
        desk.restart()
        #expect(desk.supervisor.attempt?.resume?.id == one, "two is suspect still")
    }

    @Test("one that takes the machine down is stepped back from as well")
    func machine() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 2 }
        desk.run(speaks: false)
        for expected in [two, one] {
            desk = afterPowerCut(desk, [one, two])
            #expect(desk.tell(.started).verified == expected)
            let actions = desk.tell(.verified(expected, .good(metadata: [:])))
            #expect(actions.stepsBack.count == (expected == one ? 1 : 0))
            desk.tell(.recorded)
            desk.tell(.spawned(pid: 1))
        }
        #expect(desk.status.suspect == [two] && desk.status.failures == 0)
    }

    @Test("machines that die counts only where the attempt had told of no progress")
    func machineWithProgress() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 1 }
        desk.run()
        desk.say(.progress(.init(step: 21)))
        desk = afterPowerCut(desk, [one, two])
        #expect(desk.tell(.started).verified == two)
    }

    @Test("a step that it resumed at is no progress, also where it is not known which that was")
    func resumedStep() {
        let unknown = checkpoint(3)
        for (base, step) in [(two, Int64(20)), (unknown, 500)] {
            var desk = Desk(checkpoints: [one, base]) { $0.rollbackAfter = 1 }
            desk.run()
            desk.say(.progress(.init(step: step)))
            #expect(desk.supervisor.record.current?.progressed == false)
            var next = afterPowerCut(desk, [one, base])
            #expect(next.supervisor.settings.rollbackAfter == 2)
            next = Desk(desk.supervisor.record, checkpoints: [one, base]) { $0.rollbackAfter = 1 }
            #expect(next.tell(.started).verified == one)
            desk.say(.progress(.init(step: step + 1)))
            #expect(desk.supervisor.record.current?.progressed == true)
        }
    }

    @Test("everything is read after a step back, and trusted again once that has committed")
    func digests() {
        var desk = Desk(checkpoints: [one, two]) { $0.rollbackAfter = 1 }
        desk.run()
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).contains(.verify(one, trusting: false)))
        desk.tell(.verified(one, .good(metadata: [:])))
        desk.tell(.spawned(pid: 1))
        desk.hello()
        desk.save(step: 15)
        desk.end(.exited(1))
        let again = desk.tell(.timer(.backoff))
        #expect(again.contains(.verify(checkpoint(3, step: 15), trusting: true)))
    }

    @Test("whoever asks for an earlier one is told that the newer ones stay")
    func from() {
        var desk = Desk(checkpoints: [one, two, three]) { $0.resumeFrom = .checkpoint(one) }
        desk.tell(.started)
        let actions = desk.tell(.verified(one, .good(metadata: [:])))
        #expect(
            actions.stepsBack == [.init(to: one, from: three, passed: 2, failures: nil)])
        #expect(desk.status.suspect == [])
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 1))
        desk.end(.exited(1))
        // It is no roll-back: what this process has read is trusted.
        #expect(desk.tell(.timer(.backoff)).contains(.verify(one, trusting: true)))
        #expect(desk.tell(.verified(one, .good(metadata: [:]))).stepsBack == [])
        desk.tell(.spawned(pid: 1))
        desk.hello()
        desk.save(step: 11)
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).verified == checkpoint(4, step: 11))
        #expect(desk.supervisor.checkpoints.map(\.id).contains(three))
    }

    @Test("what is suspect takes no place from those that can be gone back to, and stays itself")
    func retention() {
        let four = checkpoint(4, step: 40)
        var desk = Desk(checkpoints: [one, two, three, four]) {
            $0.rollbackAfter = 1
            $0.retention.keepLast = 2
        }
        desk.run()
        for _ in 1...2 {
            desk.end(.exited(1))
            desk.restart()
        }
        #expect(desk.supervisor.attempt?.resume?.id == two)
        desk.hello()
        desk.save(step: 21)
        #expect(desk.supervisor.checkpoints.map(\.id.sequence) == [2, 3, 4, 5])
        desk.save(step: 22)
        #expect(desk.supervisor.checkpoints.map(\.id.sequence) == [2, 3, 4, 5, 6])
        desk.save(step: 41)
        #expect(
            desk.supervisor.checkpoints.map(\.id.sequence) == [2, 3, 4, 6, 7],
            "what was left behind is counted by itself")
    }

    @Test("what came later than one that was asked for is kept beside what comes of going back")
    func retentionAfterFrom() {
        var desk = Desk(checkpoints: [one, two, three]) {
            $0.resumeFrom = .checkpoint(one)
            $0.retention.keepLast = 2
        }
        desk.run()
        for step in 11...19 { desk.save(step: Int64(step)) }
        #expect(desk.supervisor.checkpoints.map(\.id.sequence) == [1, 2, 3, 11, 12])
    }

    @Test("afterwards it goes on from what was committed last, else from the newest there was")
    func afterwards() {
        let four = checkpoint(4, step: 11)
        var committed = Desk(checkpoints: [one, two, three, four])
        #expect(committed.tell(.started).verified == four)
        var nothing = Desk(checkpoints: [one, two, three])
        #expect(nothing.tell(.started).verified == three)
    }
}

extension [Action] {
    fileprivate var stepsBack: [RunEvent.RolledBack] {
        compactMap { if case .log(.rolledBack(let told)) = $0 { told } else { nil } }
    }
}

extension Desk {
    fileprivate var status: Status { supervisor.status(at: moment) }
}
