import SuperviseCore
import SuperviseSystem
import Testing

@testable import SuperviseHost

/// Many alarms on one of the machine.
@Suite("Timer table")
struct TimerTableTests {
    private func now() -> Instant { Instant(nanoseconds: MonotonicTime.now().nanoseconds) }

    @Test("alarms go off in the order of their moments, those of one moment as they were set")
    func alarmsGoOffInOrder() throws {
        let diary = try Diary()
        let table = try TimerTable(on: diary.loop) { diary.note("\($0)") }
        let soon = now() + .milliseconds(5)
        let alarms: [Alarm] = [.core(.kill), .flood, .core(.interval), .accept, .core(.abandon)]
        for alarm in alarms { table.set(alarm, at: soon) }
        table.set(.core(.publish), at: soon + .milliseconds(-1))
        try diary.wait { $0.count == 6 }
        #expect(diary.lines == ([.core(.publish)] + alarms).map { "\($0)" })
    }

    @Test("one that goes off may cancel and move the others")
    func oneMayCancelOthers() throws {
        let diary = try Diary()
        let moment = now()
        var table: TimerTable?
        table = try TimerTable(on: diary.loop) { alarm in
            diary.note("\(alarm)")
            guard alarm == .flood else { return }
            table?.cancel(.accept)
            table?.set(.core(.kill), at: moment + .milliseconds(2))
            table?.set(.core(.abandon), at: moment + .milliseconds(4))
        }
        for alarm in [Alarm.flood, .accept, .core(.kill)] { table?.set(alarm, at: moment) }
        try diary.wait(for: "\(Alarm.core(.abandon))")
        let rest: [Alarm] = [.flood, .core(.kill), .core(.abandon)]
        #expect(diary.lines == rest.map { "\($0)" })
    }

    @Test("a moment that has passed goes off in the loop, and not at once")
    func pastMomentsGoOffInTheLoop() throws {
        let diary = try Diary()
        let table = try TimerTable(on: diary.loop) { diary.note("\($0)") }
        table.set(.flood, at: Instant(nanoseconds: 1))
        #expect(diary.lines.isEmpty)
        try diary.wait(for: "flood")
        table.set(.flood, at: Instant(nanoseconds: 1))
        try diary.wait { $0.count == 2 }
    }

    @Test("one that goes off in its own round leaves nothing behind that wakes us")
    func pastMomentsWakeNobody() throws {
        let diary = try Diary()
        let table = try TimerTable(on: diary.loop) { diary.note("\($0)") }
        let later = now() + .milliseconds(2)
        table.set(.accept, at: later)
        diary.loop.whenQuiet {
            table.cancel(.accept)
            table.set(.flood, at: Instant(nanoseconds: 1))
        }
        try diary.wait(for: "flood")
        table.set(.core(.kill), at: later + .milliseconds(2))
        try diary.wait(for: "\(Alarm.core(.kill))")
        #expect(diary.lines == ["flood", "\(Alarm.core(.kill))"])
    }

    @Test("an alarm that is set anew goes off once, at its new moment")
    func movedAlarmsGoOffOnce() throws {
        let diary = try Diary()
        let table = try TimerTable(on: diary.loop) { diary.note("\($0)") }
        let moment = now()
        table.set(.flood, at: moment)
        table.set(.flood, at: moment + .milliseconds(4))
        table.set(.accept, at: moment + .milliseconds(2))
        table.set(.core(.kill), at: moment + .milliseconds(6))
        try diary.wait(for: "\(Alarm.core(.kill))")
        #expect(diary.lines == ["accept", "flood", "\(Alarm.core(.kill))"])
    }
}
