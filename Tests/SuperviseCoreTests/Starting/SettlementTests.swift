import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A run that no supervisor is at work on")
struct SettlementTests {
    private func status(_ phase: Status.Phase, updated: Int64 = 1000) -> Status {
        var status = Status(
            name: "run", phase: phase, command: ["job"], supervisorPID: 5, attempt: 2,
            started: .zero, updated: Timestamp(milliseconds: updated))
        status.jobPID = 6
        status.socket = "/s"
        status.failures = 3
        return status
    }

    private func record(_ outcome: Outcome? = nil, begun: Int64? = 500) -> RunRecord {
        var record = Desk.record()
        record.attempt = 3
        record.supervisorPID = 7
        record.outcome = outcome
        record.failures.withoutProgress = 4
        record.current = begun.map {
            .init(
                token: "", resumedFrom: nil, started: Timestamp(milliseconds: $0),
                progressed: false)
        }
        return record
    }

    @Test("is lost in every phase but the last one, and keeps what else is known of it")
    func lost() throws {
        for phase in [Status.Phase.starting, .running, .stopping, .backoff, .paused] {
            let settled = try #require(Settlement.settled(status(phase), by: record()))
            #expect(settled.phase == .finished && settled.outcome == .lost)
            #expect(settled.jobPID == nil && settled.socket == nil)
            #expect(settled.failures == 3 && settled.attempt == 2 && settled.supervisorPID == 5)
            #expect(settled.updated == Timestamp(milliseconds: 1000))
        }
        let told = Settlement.settled(status(.running), by: nil, at: Timestamp(milliseconds: 9000))
        #expect(told?.outcome == .lost && told?.updated == Timestamp(milliseconds: 9000))
    }

    @Test("that has ended by its record has ended so, whatever its status says")
    func ended() {
        let stopped = Outcome(kind: .stopped)
        let settled = Settlement.settled(status(.stopping), by: record(stopped, begun: nil))
        #expect(settled?.outcome == stopped)
    }

    @Test("whose status says how it ended stays as it is")
    func right() {
        var finished = status(.finished)
        finished.outcome = Outcome(kind: .stopped)
        #expect(Settlement.settled(finished, by: record()) == nil)
        #expect(Settlement.settled(finished, by: nil) == nil)
        #expect(Settlement.settled(finished, by: record(nil, begun: nil)) == nil)
        // The last record could not be written.
        #expect(Settlement.settled(finished, by: record(nil, begun: 1000)) == nil)
    }

    @Test("is lost where an attempt began after the last status, and the record tells of it")
    func stale() {
        var finished = status(.finished)
        finished.outcome = Outcome(kind: .completed, exitCode: 0)
        let settled = Settlement.settled(finished, by: record(begun: 1001))
        #expect(settled?.outcome == .lost)
        #expect(settled?.attempt == 3 && settled?.supervisorPID == 7 && settled?.failures == 4)
    }

    @Test("is settled once: after that its status is right")
    func once() throws {
        let later = Timestamp(milliseconds: 5000)
        let settled = try #require(Settlement.settled(status(.running), by: record(), at: later))
        #expect(Settlement.settled(settled, by: record()) == nil)
    }

    @Test("is settled on its own host only")
    func host() {
        #expect(Settlement.right(to: record(), on: "h") == .settle)
        #expect(Settlement.right(to: record(), on: "other") == .otherHost("h"))
    }
}
