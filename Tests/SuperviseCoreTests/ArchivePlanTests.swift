import SuperviseCore
import SuperviseFormats
import Testing

/// Removals of archived runs, by the plan and by the supervisor.
@Suite("Archived runs")
struct ArchivePlanTests {
    private func time(_ day: Int) -> String { "2026010\(day)T000000Z" }

    /// With checkpoints 1 to 4, of which 2 has the lowest loss.
    private func archive(_ day: Int, pins: Set<CheckpointID>? = []) -> ArchiveSummary {
        let checkpoints = (1...4 as ClosedRange<Int64>).map { number in
            var summary = Desk.summary(checkpoint(number, step: number))
            summary.metrics = ["loss": number == 2 ? 0 : Double(number)]
            return summary
        }
        return ArchiveSummary(time: time(day), pins: pins, checkpoints: checkpoints)
    }

    private func plan(
        _ archives: [ArchiveSummary], keep: Int, best: RetentionRules.Best? = nil
    ) -> [ArchivePlan.Step] {
        ArchivePlan(archives, keep: keep, best: best, rollbackAfter: 2).steps
    }

    private func ids(_ numbers: Int64...) -> [CheckpointID] {
        numbers.map { checkpoint($0, step: $0) }
    }

    @Test("the newest stays whole, and an older one is cut down to its newest checkpoint")
    func newest() {
        #expect(plan([archive(1)], keep: 3) == [])
        #expect(plan([archive(2), archive(1)], keep: 3) == [.trim(time(1), ids(1, 2, 3))])
        #expect(plan([], keep: 3) == [])
    }

    @Test("the best and the pinned ones of an older one stay")
    func bestAndPinned() {
        let best = RetentionRules.Best(count: 1, metric: "loss", goal: .min)
        #expect(plan([archive(1), archive(2)], keep: 3, best: best) == [.trim(time(1), ids(1, 3))])
        let other = RetentionRules.Best(count: 1, metric: "accuracy", goal: .max)
        #expect(
            plan([archive(1), archive(2)], keep: 3, best: other) == [.trim(time(1), ids(1, 2, 3))],
            "a metric that it does not have keeps nothing")
        let pinned = archive(1, pins: Set(ids(3)))
        #expect(plan([pinned, archive(2)], keep: 3) == [.trim(time(1), ids(1, 2))])
    }

    @Test("of an older one that was given up, the newest checkpoint that is not suspect stays")
    func suspect() {
        var old = archive(1)
        old.suspects = ["000004-step-4": 2, "000003-step-3": 1]
        #expect(plan([old, archive(2)], keep: 3) == [.trim(time(1), ids(1, 2, 4))])
        old.suspects = Dictionary((1...4).map { ("00000\($0)-step-\($0)", 2) }) { $1 }
        #expect(plan([old, archive(2)], keep: 3) == [.trim(time(1), ids(1, 2, 3))])
    }

    @Test("damaged ones go with the others, unless nothing else is left")
    func damaged() {
        var old = archive(1)
        old.damaged = ids(5)
        #expect(plan([old, archive(2)], keep: 3) == [.trim(time(1), ids(1, 2, 3, 5))])
        old.checkpoints = []
        #expect(plan([old, archive(2)], keep: 3) == [])
    }

    @Test("so many stay as the option says, the oldest go first, and those with pins do not count")
    func count() {
        let all = (1...6).map { archive($0, pins: $0 == 2 ? Set(ids(1)) : []) }
        let steps = plan(all, keep: 3)
        #expect(Array(steps.prefix(2)) == [.remove(time(1)), .remove(time(3))])
        #expect(steps.dropFirst(2).map(\.time) == [time(2), time(4), time(5)])
        #expect(Array(plan(all, keep: 0).prefix(5)) == [1, 3, 4, 5, 6].map { .remove(time($0)) })
        #expect(Array(plan(all, keep: 0).dropFirst(5)) == [.trim(time(2), ids(2, 3))])
    }

    @Test("of one whose pins cannot be read nothing goes, and it does not count")
    func unknownPins() {
        let all = [archive(1, pins: nil), archive(2), archive(3)]
        #expect(plan(all, keep: 1) == [.remove(time(2))])
        #expect(ArchivePlan.first(of: all, spared: []) == time(2))
        #expect(ArchivePlan.first(of: all, spared: [time(2)]) == time(3))
        #expect(ArchivePlan.first(of: [archive(1, pins: nil)], spared: []) == nil)
    }

    @Test("once the job runs the archive is looked at, and one step is done after the other")
    func steps() {
        var desk = desk(mayHaveArchives: true) { $0.keepArchived = 2 }
        let spawned = desk.tell(.spawned(pid: 1))
        #expect(spawned.contains(.listArchives))
        let first = desk.tell(.archives([archive(1), archive(2), archive(3)]))
        #expect(first.work == [.removeArchive(time(1))])
        let second = desk.tell(.archiveRemoved(time(1), bytes: 70))
        #expect(second.work == [.trimArchive(time(2), ids(1, 2, 3))])
        #expect(
            second.contains(
                .log(
                    .archiveRemoved(
                        .init(
                            archive: "run@\(time(1))", bytes: 70)))))
        let third = desk.tell(.archiveTrimmed(time(2), gone: ids(1, 2), bytes: 20))
        #expect(third.work == [])
        #expect(
            third.contains(
                .log(
                    .archiveTrimmed(
                        .init(
                            archive: "run@\(time(2))", ids: ids(1, 2), bytes: 20)))))
        // And never again by this supervisor.
        desk.end(.exited(1))
        desk.tell(.timer(.backoff))
        #expect(desk.tell(.spawned(pid: 2)).work == [])
    }

    @Test("a run that has nothing before it looks at no archive")
    func nothingBefore() {
        var desk = desk(mayHaveArchives: false) { _ in }
        #expect(desk.tell(.spawned(pid: 1)).work == [])
    }

    @Test("a full disk takes archived runs, oldest first, one after the other, then checkpoints")
    func fullDisk() {
        var desk = Desk(checkpoints: (1...3).map { checkpoint($0, step: $0) })
        desk.run()
        let id = desk.begin(step: 9)
        let commit = desk.say(.commit(.init(id: id))).commit
        let full = Event.diskFull(id, .init(.noSpace, "full"))
        let all = [archive(1, pins: Set(ids(1))), archive(2), archive(3)]
        #expect(desk.tell(full).work == [.listArchives])
        let going = desk.tell(.archives(all))
        #expect(going.work == [.removeArchive(time(2))])
        #expect(
            going.warnings == [
                "the disk is full: removing the archived run run@\(time(2)), and trying "
                    + "\(id) once more"
            ])
        let again = desk.tell(.archiveRemoved(time(2), bytes: 10))
        #expect(again.commit == commit && again.work == [])
        #expect(desk.tell(full).work == [.listArchives])
        #expect(desk.tell(.archives([all[0], all[2]])).work == [.removeArchive(time(3))])
        // Somebody is reading it: on with the checkpoints.
        #expect(desk.tell(.archiveRemoved(time(3), bytes: nil)).work == [.listArchives])
        let last = desk.tell(.archives([all[0], all[2]]))
        #expect(last.contains(.remove(ids(1))) && last.work == [])
        #expect(desk.tell(.removed(ids(1), held: [])).commit == commit)
        // As much as the newest takes was not enough: all that may go.
        #expect(desk.tell(full).work == [.listArchives])
        #expect(desk.tell(.archives([all[0], all[2]])).contains(.remove(ids(2))))
        #expect(desk.tell(.removed(ids(2), held: [])).commit == commit)
        #expect(desk.tell(full).errors == [.noSpace])
    }

    @Test("what a trimming has freed is used by a checkpoint that waits for room")
    func trimmingMakesRoom() {
        var desk = desk(mayHaveArchives: true) { _ in }
        desk.tell(.spawned(pid: 1))
        desk.hello()
        desk.tell(.archives([archive(1), archive(2)]))
        let id = desk.begin(step: 9)
        let commit = desk.say(.commit(.init(id: id))).commit
        #expect(desk.tell(.diskFull(id, .init(.noSpace, "full"))).work == [])
        let trimmed = desk.tell(.archiveTrimmed(time(1), gone: ids(1), bytes: 10))
        #expect(trimmed.commit == commit && commit != nil)
    }

    @Test("a checkpoint that is dropped while it waits for room asks for none")
    func dropped() {
        var desk = Desk(checkpoints: (1...3).map { checkpoint($0, step: $0) })
        desk.run()
        desk.say(.begin(.init(step: 4)))
        desk.tell(.diskFull(checkpoint(4, step: 4), .init(.noSpace, "full")))
        desk.end(.exited(1))
        let actions = desk.tell(.archives([]))
        #expect(!actions.contains { if case .remove = $0 { true } else { false } })
    }

    /// At the spawn of its first job.
    private func desk(
        mayHaveArchives: Bool, _ change: (inout Settings) -> Void
    ) -> Desk {
        var settings = Settings()
        settings.checkpointEvery = .off
        change(&settings)
        var desk = Desk()
        desk.supervisor = Supervisor(
            settings: settings,
            found: .init(record: Desk.record(), checkpoints: [], mayHaveArchives: mayHaveArchives),
            seed: 1, at: desk.moment)
        desk.tell(.started)
        desk.tell(.recorded)
        return desk
    }
}

extension [Action] {
    /// On archived runs.
    fileprivate var work: [Action] {
        filter {
            switch $0 {
            case .listArchives, .removeArchive, .trimArchive: true
            default: false
            }
        }
    }
}
