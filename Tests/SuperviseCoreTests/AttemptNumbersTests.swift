import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("Numbers of attempts")
struct AttemptNumbersTests {
    private static func record(attempt: Int, reserved: Int?) -> RunRecord {
        var record = Desk.record()
        record.attempt = attempt
        record.attemptsReserved = reserved
        return record
    }

    /// That of the first attempt of a supervisor that finds this record.
    private static func next(_ record: RunRecord, lastBegun: Int? = nil) -> Int {
        var numbers = AttemptNumbers(record, lastBegun: lastBegun)
        return numbers.give()
    }

    @Test("go on after those that were reserved, as a supervisor that died may have given them")
    func reserved() {
        #expect(Self.next(Self.record(attempt: 0, reserved: nil)) == 1)
        #expect(Self.next(Self.record(attempt: 3, reserved: nil)) == 4)
        #expect(Self.next(Self.record(attempt: 3, reserved: 11)) == 12)
        #expect(Self.next(Self.record(attempt: 3, reserved: 3)) == 4)
    }

    @Test("go on after the last one that was begun, where the guard has noted it")
    func noted() {
        #expect(Self.next(Self.record(attempt: 3, reserved: 11), lastBegun: 3) == 4)
        #expect(Self.next(Self.record(attempt: 3, reserved: 11), lastBegun: 6) == 7)
        // A note of an older supervisor is below the record's own.
        #expect(Self.next(Self.record(attempt: 3, reserved: 11), lastBegun: 1) == 4)
    }

    @Test("a run that ended in good order skips none")
    func cleanEnd() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1))
        desk.restart()
        let last = desk.end(.exited(0)).records.last
        #expect(last?.attempt == 2 && last?.attemptsReserved == 2)
    }

    @Test("a restart waits for no record, as long as its number was reserved by a durable one")
    func restarts() {
        var desk = Desk { $0.maxFailures = 100 }
        desk.run()
        #expect(desk.supervisor.record.attemptsReserved == 1 + AttemptNumbers.ahead)
        for number in 2...(1 + AttemptNumbers.ahead) {
            desk.end(.exited(1))
            let spawned = desk.tell(.timer(.backoff), after: .seconds(100))
            #expect(spawned.spawn?.attempt == number)
            desk.tell(.spawned(pid: number))
        }
        // No record since the first was durable.
        desk.end(.exited(1))
        let late = desk.tell(.timer(.backoff), after: .seconds(100))
        #expect(late.spawn == nil && late.records.last?.attempt == 2 + AttemptNumbers.ahead)
        // One that is not enough changes nothing.
        #expect(desk.tell(.recordWritten(reserved: 1 + AttemptNumbers.ahead)).spawn == nil)
        let durable = desk.tell(.recordWritten(reserved: 2 + AttemptNumbers.ahead))
        #expect(durable.spawn?.attempt == 2 + AttemptNumbers.ahead)
    }

    @Test(
        "a restart that waits for its number is not given up where the record fails, and may be stopped"
    )
    func waiting() {
        var desk = Desk { $0.maxFailures = 100 }
        desk.run()
        for number in 2...(1 + AttemptNumbers.ahead) {
            desk.end(.exited(1))
            desk.tell(.timer(.backoff), after: .seconds(100))
            desk.tell(.spawned(pid: number))
        }
        desk.end(.exited(1))
        desk.tell(.timer(.backoff), after: .seconds(100))
        let failed = desk.tell(.recordFailed("no space left"))
        #expect(failed.ending == nil && failed.warnings.count == 1)
        #expect(desk.tell(.timer(.again), after: .seconds(1)).records.count == 1)
        #expect(desk.tell(sigterm).ending == .stopped(signal: 15))
    }

    @Test("a command that was started and could not be watched keeps its number for itself")
    func unwatched() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff), after: .seconds(100)).spawn?.attempt == 2)
        let refused = desk.tell(.spawnFailed(.unwatched("epoll_ctl: no memory")))
        #expect(refused.records.last?.failures.total == 1 && refused.ending == nil)
        #expect(desk.tell(.timer(.backoff), after: .seconds(1)).spawn?.attempt == 3)
    }
}
