import SuperviseCore
import SuperviseFormats
import Testing

extension [Action] {
    fileprivate var compressed: [CheckpointID] {
        compactMap { if case .compress(let id) = $0 { id } else { nil } }
    }
}

@Suite("what is compressed")
struct CompressionTests {
    private func desk(_ checkpoints: [CheckpointID] = []) -> Desk {
        var desk = Desk(checkpoints: checkpoints) {
            $0.compression = .zstd
            $0.retention.keepLast = 10
        }
        desk.run()
        return desk
    }

    @Test("the newest that is neither the newest of all nor the one resumed from, one by one")
    func order() {
        var desk = desk([checkpoint(1), checkpoint(2), checkpoint(3)])
        // The job goes on from 3, which is also the newest: 2 was ordered when it ran.
        #expect(
            desk.tell(.compressed(checkpoint(2), .done(bytes: 4))).compressed == [checkpoint(1)])
        #expect(desk.tell(.compressed(checkpoint(1), .done(bytes: 4))).compressed.isEmpty)
        #expect(desk.save(step: 4).compressed.isEmpty, "3 was resumed from, 4 is the newest")
        #expect(desk.save(step: 5).compressed == [checkpoint(4, step: 4)])
        let status = desk.supervisor.status(at: desk.moment)
        #expect(status.checkpointBytes == 38)
    }

    @Test("nothing without the option, and nothing while no job runs or a commit is under way")
    func not() {
        var without = Desk(checkpoints: [checkpoint(1), checkpoint(2)])
        without.run()
        #expect(without.save(step: 3).compressed.isEmpty)
        var desk = desk()
        desk.save(step: 1)
        #expect(desk.save(step: 2).compressed == [checkpoint(1, step: 1)])
        desk.save(step: 3)
        let id = desk.begin(step: 4)
        desk.say(.commit(.init(id: id)))
        let answer = desk.tell(.compressed(checkpoint(1, step: 1), .done(bytes: 1)))
        #expect(answer.compressed.isEmpty, "a commit is under way")
        let committed = desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(committed.compressed == [checkpoint(3, step: 3)])
        #expect(desk.end(.exited(1)).compressed.isEmpty)
        #expect(desk.tell(.compressed(checkpoint(3, step: 3), .notNow)).compressed.isEmpty)
    }

    @Test("what fails is told once, and tried again after the next commit")
    func failure() {
        var desk = desk()
        desk.save(step: 1)
        desk.save(step: 2)
        let first = desk.tell(.compressed(checkpoint(1, step: 1), .failed("no space")))
        #expect(first.warnings == ["checkpoint 000001-step-1 is not compressed: no space"])
        #expect(first.compressed.isEmpty)
        #expect(desk.save(step: 3).compressed == [checkpoint(2, step: 2)])
        let second = desk.tell(.compressed(checkpoint(2, step: 2), .failed("no space")))
        #expect(second.warnings.isEmpty)
        #expect(second.compressed == [checkpoint(1, step: 1)])
    }

    @Test("a stop cancels it, and so does the choice of what is being compressed")
    func cancelled() {
        var desk = desk()
        desk.save(step: 1)
        desk.save(step: 2)
        #expect(desk.tell(sigterm).contains(.cancelCompression))
        var other = self.desk([checkpoint(1), checkpoint(2)])
        other.end(.exited(1))
        other.restart()
        other.end(.exited(1))
        // 2 is suspect by now, and 1 was being compressed when it became so.
        let choice = other.tell(.timer(.backoff), after: .seconds(100))
        #expect(choice.verified == checkpoint(1))
        #expect(choice.contains(.cancelCompression))
    }

    @Test("while one is verified, people hear how far that has come")
    func progress() {
        var desk = Desk(checkpoints: [checkpoint(1)])
        desk.tell(.started)
        let told = desk.tell(
            .verifying(checkpoint(1), .init(done: 3_000_000, total: 9_000_000, seconds: 2)),
            after: .seconds(2))
        let text = "verifying 000001: 3.0 MB of 9.0 MB, 1.5 MB/s"
        #expect(told.contains(.tell(text)))
        #expect(desk.supervisor.status(at: desk.moment).progress.message == text)
        desk.tell(.verified(checkpoint(1), .good(metadata: [:])))
        #expect(desk.supervisor.status(at: desk.moment).progress.message == nil)
        let late = desk.tell(
            .verifying(checkpoint(1), .init(done: 9_000_000, total: 9_000_000, seconds: 5)))
        #expect(!late.contains { if case .tell = $0 { true } else { false } })
    }

    @Test("what was set aside is in the status, the newest two, with the reason")
    func setAside() {
        var desk = Desk(checkpoints: (1...4).map { checkpoint($0) })
        desk.tell(.started)
        for number in [4, 3, 2] as [Int64] {
            desk.tell(.verified(checkpoint(number), .bad("rot in \(number)")))
        }
        desk.tell(.verified(checkpoint(1), .good(metadata: [:])))
        #expect(
            desk.supervisor.status(at: desk.moment).setAside == [
                .init(id: checkpoint(3), reason: "rot in 3"),
                .init(id: checkpoint(4), reason: "rot in 4"),
            ])
    }
}
