import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The rules for the run record on its way to the disk")
struct RecordRulesTests {
    private var publication = RecordPublication()

    private var lastRecord: RunRecord {
        var record = Desk.record()
        record.outcome = Outcome(kind: .completed, exitCode: 0)
        return record
    }

    @Test("a record that is given up before it has its name gets none")
    mutating func givenUp() {
        let end = publication.giveUp()
        let mayPublish = publication.publish()
        #expect(end == .recordGivenUp(isVisible: false) && !mayPublish)
    }

    @Test("a record that has its name and is not durable is given up as visible")
    mutating func visible() {
        let mayPublish = publication.publish()
        let end = publication.giveUp()
        #expect(mayPublish && end == .recordGivenUp(isVisible: true))
    }

    @Test("a last record that is durable cannot be given up")
    mutating func last() {
        _ = publication.publish()
        let durable = publication.isDurable(lastRecord)
        let end = publication.giveUp()
        #expect(durable == .lastRecorded && end == .lastRecorded)
    }

    @Test("a record that is durable and not the last leaves the next one to be given up")
    mutating func another() {
        _ = publication.publish()
        let durable = publication.isDurable(Desk.record())
        let end = publication.giveUp()
        #expect(durable == .recorded && end == .recordGivenUp(isVisible: false))
    }

    @Test("a durable record is news after a failure, and when it reserves more numbers")
    func news() {
        var (news, record) = (RecordNews(), Desk.record())
        let plain = news.isNews(.recorded, of: record)
        record.attemptsReserved = 8
        let reserving = [news.isNews(.recorded, of: record), news.isNews(.recorded, of: record)]
        let failure = news.isNews(.recordFailed("no space"), of: record)
        let after = [news.isNews(.lastRecorded, of: record), news.isNews(.recorded, of: record)]
        #expect(!plain && reserving == [true, false] && !failure && after == [true, false])
    }

    @Test("events that come while too many wait are counted")
    func events() {
        var waiting = WaitingEvents()
        let event = LoggedEvent(at: .zero, event: .warning(.init(message: "")))
        for _ in 0..<(WaitingEvents.most + 3) { waiting.append(event) }
        #expect(waiting.events.count == WaitingEvents.most && waiting.left == 3)
    }
}
