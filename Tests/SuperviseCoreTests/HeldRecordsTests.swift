import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("Records that wait while the job starts")
struct HeldRecordsTests {
    /// Until the job's exec is ordered; the actions of the last step.
    private func start(_ desk: inout Desk) -> [Action] {
        desk.tell(.started)
        return desk.tell(.recorded)
    }

    @Test("records wait while the job is started, and go on when it runs")
    func spawned() {
        var desk = Desk()
        let start = start(&desk)
        let held = start.firstIndex(of: .holdRecords)
        let spawned = start.firstIndex { if case .spawn = $0 { true } else { false } }
        #expect(held != nil && spawned.map { $0 > held ?? .max } == true)
        #expect(start.timer(.records) == 10_000_000)
        let actions = desk.tell(.spawned(pid: 100))
        #expect(actions.contains(.cancelTimer(.records)) && actions.contains(.releaseRecords))
    }

    @Test("records do not wait for an exec that hangs")
    func hangingExec() {
        var desk = Desk()
        _ = start(&desk)
        let late = desk.tell(.timer(.records), after: ShellBounds.recordsDuringExec)
        #expect(late.contains(.releaseRecords))
        #expect(!desk.tell(.spawned(pid: 100)).contains(.releaseRecords))
    }

    @Test("records go on when the job could not be started")
    func failedStart() {
        var desk = Desk()
        _ = start(&desk)
        #expect(desk.tell(.spawnFailed(.system("no memory"))).contains(.releaseRecords))
    }
}
