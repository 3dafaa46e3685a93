import SuperviseCore
import SuperviseFormats
import Testing

/// Old checkpoints go when new ones come, unless somebody is reading them just then.
@Suite("Removal")
struct RemovalTests {
    private var supervisor: Supervisor
    private var now: Int64 = 0

    /// A supervisor that keeps one checkpoint and whose job, on connection 1, is about to make more.
    init() throws {
        var settings = Settings()
        settings.retention.keepLast = 1
        let record = RunRecord(
            name: "it", command: ["job"], directory: "/", options: [:],
            checkpointDirectory: "/it", created: Timestamp(milliseconds: 0), host: "here",
            bootID: "boot", supervisorPID: 1, runToken: "0123456789abcdef")
        supervisor = Supervisor(
            settings: settings, found: .init(record: record, checkpoints: []), seed: 1,
            at: Self.moment(0))
        _ = tell(.started)
        let spawned = tell(.recorded).compactMap { action in
            if case .spawn(let order) = action { order } else { nil }
        }
        let token = try #require(spawned.first).token
        _ = tell(.spawned(pid: 2))
        _ = tell(
            .received(
                .hello(.init(protocol: 1, token: token, accepts: [])), from: .init(1), seq: nil))
    }

    @Test("those that somebody is reading are also tried again after the next commit")
    mutating func heldOnesAreTriedAgain() {
        #expect(removals(save(1)) == [])
        #expect(removals(save(2)) == [[id(1)]])
        _ = tell(.removed([], held: [id(1)]))
        #expect(supervisor.checkpoints.map(\.id) == [id(1), id(2)])
        #expect(removals(save(3)) == [[id(1), id(2)]])
        _ = tell(.removed([id(1), id(2)], held: []))
        #expect(supervisor.checkpoints.map(\.id) == [id(3)])
        #expect(supervisor.leaving.isEmpty)
        #expect(removals(save(4)) == [[id(3)]])
    }

    @Test("the status counts what is on the disk, and how many of it are to be removed")
    mutating func outstanding() {
        func status() -> Status { supervisor.status(at: Self.moment(now)) }
        _ = save(1)
        _ = save(2)
        #expect(status().checkpoints == 2 && status().toBeRemoved == 1)
        #expect(status().checkpointBytes == 2)
        // Somebody is reading it: it goes after the next commit.
        _ = tell(.removed([], held: [id(1)]))
        #expect(status().checkpoints == 2 && status().toBeRemoved == 1)
        _ = save(3)
        #expect(status().checkpoints == 3 && status().toBeRemoved == 2)
        _ = tell(.removed([id(1), id(2)], held: []))
        #expect(status().checkpoints == 1 && status().toBeRemoved == 0)
        #expect(status().checkpointBytes == 1)
    }

    @Test("one whose removal has no answer yet is not removed twice")
    mutating func noneIsRemovedTwice() {
        _ = save(1)
        #expect(removals(save(2)) == [[id(1)]])
        #expect(removals(save(3)) == [[id(2)]])
    }

    @Test("only what is gone is told to be gone")
    mutating func onlyWhatIsGoneIsTold() {
        _ = save(1)
        #expect(!save(2).contains { if case .log(.removed) = $0 { true } else { false } })
        #expect(tell(.removed([], held: [id(1)])).allSatisfy { $0 != log([id(1)]) })
        _ = save(3)
        #expect(tell(.removed([id(1)], held: [id(2)])).contains(log([id(1)])))
    }

    private func log(_ ids: [CheckpointID]) -> Action { .log(.removed(.init(ids: ids))) }

    private func id(_ number: Int64) -> CheckpointID { .init(sequence: number, step: number) }

    private func removals(_ actions: [Action]) -> [[CheckpointID]] {
        actions.compactMap { if case .remove(let ids) = $0 { ids } else { nil } }
    }

    /// What the supervisor does when this checkpoint is durable.
    private mutating func save(_ step: Int64) -> [Action] {
        _ = tell(
            .received(
                .add(.init(path: "/tmp/file", mode: nil, step: step, request: nil)),
                from: .init(1), seq: nil))
        let summary = CheckpointSummary(
            id: id(step), created: Timestamp(milliseconds: 0), bytes: 1, metrics: [:], path: "/p")
        return tell(.committed(summary, seconds: 1))
    }

    private mutating func tell(_ event: Event) -> [Action] {
        now += 1
        return supervisor.handle(event, at: Self.moment(now))
    }

    private static func moment(_ milliseconds: Int64) -> Moment {
        Moment(
            instant: Instant(nanoseconds: milliseconds * 1_000_000),
            wall: Timestamp(milliseconds: milliseconds))
    }
}
