import SuperviseCore
import SuperviseFormats
import Testing

/// A notice that becomes earlier, later or harsher, and one that is withdrawn.
@Suite("A notice that changes")
struct ChangingNoticeTests {
    private typealias Fixed = PreemptionTests

    /// A job whose saves have taken 4 s, with a program that tells.
    private func desk(
        costs: [Double] = [4], _ change: (inout Settings) -> Void = { _ in }
    ) -> Desk {
        Fixed.desk(costs: costs) {
            Fixed.program(&$0)
            change(&$0)
        }
    }

    private let gone = Event.answered(InquiryID(1), .init(body: "gone"))

    private func withdrawals(_ actions: [Action]) -> [RunEvent.NoticeWithdrawn.Follows] {
        actions.compactMap {
            if case .log(.noticeWithdrawn(let told)) = $0 { told.follows } else { nil }
        }
    }

    private func noticed(_ actions: [Action]) -> [RunEvent.Noticed] {
        actions.compactMap { if case .log(.noticed(let told)) = $0 { told } else { nil } }
    }

    private func notice(_ desk: Desk) -> Status.Notice? {
        desk.supervisor.status(at: desk.moment).preemption?.notice
    }

    private func isClose(_ time: Int64?, _ seconds: Double) -> Bool {
        time.map { abs(Double($0) / 1e9 - seconds) < 0.001 } ?? false
    }

    @Test("a Preempt in 30 s that follows a Reboot in 10 min counts, with its own action")
    func harsher() {
        var desk = desk()
        desk.tell(Fixed.line(600, "stop"))
        desk.save(request: 1)
        let actions = desk.tell(Fixed.line(30), after: .seconds(60))
        #expect(noticed(actions).map(\.action) == ["terminate"])
        #expect(notice(desk)?.action == "terminate")
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 90_000))
    }

    @Test("two events in one answer count as the earliest of them; when it is gone, as the other")
    func azure() {
        var desk = Desk(Desk.record()) { $0.preempt = .azure(base: "http://b") }
        desk.run()
        func tell(_ id: Int, _ body: String) -> [Action] {
            desk.tell(.answered(InquiryID(id), .init(status: 200, body: body)))
        }
        func event(_ type: String, _ time: String) -> String {
            #"{"EventId":"\#(type)","EventType":"\#(type)","Resources":["VMSS_24"],"#
                + #""NotBefore":"Thu, 01 Jan 1970 00:\#(time) GMT"}"#
        }
        _ = tell(1, #"{"compute":{"name":"vmss_24"}}"#)
        let reboot = event("Reboot", "10:00")
        _ = tell(2, #"{"Events":[\#(reboot),\#(event("Preempt", "02:00"))]}"#)
        #expect(notice(desk)?.action == "terminate")
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 120_000))
        let earlier = tell(2, #"{"Events":[\#(reboot),\#(event("Preempt", "01:30"))]}"#)
        #expect(noticed(earlier).map(\.left) == [90])
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 90_000))
        let rest = tell(2, #"{"Events":[\#(reboot)]}"#)
        #expect(noticed(rest).map(\.action) == ["stop"] && withdrawals(rest) == [])
        #expect(withdrawals(tell(2, #"{"Events":[]}"#)) == [.goesOn])
        #expect(notice(desk) == nil && desk.supervisor.stop == nil)
    }

    @Test("a deadline that moves from 60 s to 23 s is kept; one that moves away gives time")
    func moves() {
        var desk = desk()
        desk.tell(Fixed.line(60))
        let earlier = desk.tell(Fixed.line(23), after: .seconds(1))
        #expect(isClose(earlier.timer(.preemption), 1 + 23 - 2.3 - 14))
        let later = desk.tell(Fixed.line(200), after: .seconds(1))
        #expect(isClose(later.timer(.preemption), 2 + 200 - 5 - 14))
        #expect(noticed(later).count == 1 && desk.supervisor.stop == nil)
    }

    @Test("a notice that is told again and again is told to people once, and moves nothing")
    func again() {
        var desk = desk()
        #expect(noticed(desk.tell(Fixed.line(60))).count == 1)
        for _ in 0..<5 {
            let actions = desk.tell(Fixed.line(60), after: .seconds(5))
            #expect(noticed(actions).isEmpty && actions.timer(.preemption) == nil)
        }
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 60_000))
    }

    @Test("one that counts down every five seconds is told to people once")
    func countsDown() {
        var desk = desk()
        var told = 0
        for left in stride(from: 60.0, through: 30, by: -5) {
            told += noticed(desk.tell(Fixed.line(left + 0.2), after: .seconds(5))).count
        }
        #expect(told == 1)
    }

    @Test("a job that was asked is asked again, with the same number and the shorter deadline")
    func asksAgain() {
        var desk = desk(costs: [])
        let first = desk.tell(Fixed.line(60)).requests
        #expect(first == [.init(request: 1, reason: .preemption, final: true, deadline: 55)])
        let again = desk.tell(Fixed.line(23), after: .seconds(2))
        #expect(
            again.requests == [
                .init(request: 1, reason: .preemption, final: true, deadline: 20.7)
            ])
        #expect(isClose(again.timer(.stopDeadline), 2 + 23 - 2.3))
        #expect(desk.supervisor.requests.made == 1)
        #expect(desk.tell(Fixed.line(300), after: .seconds(1)).requests.isEmpty)
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 25_000), "it is not taken back")
        let saved = desk.save(request: 1)
        #expect(saved.tellsToStop && desk.end(.exited(0)).ending == .preempted)
    }

    @Test("a job that is told to end is told again, with the shorter deadline")
    func stopsSooner() {
        var desk = desk(costs: []) { $0.stopTimeout = .seconds(30) }
        desk.tell(Fixed.line(60))
        #expect(desk.save(request: 1).sent.contains(.stop(deadline: 30)))
        let sooner = desk.tell(Fixed.line(10), after: .seconds(1))
        #expect(sooner.sent.contains(.stop(deadline: 9.5)))
        #expect(isClose(sooner.timer(.kill), 10.5))
    }

    @Test("a notice that is withdrawn is told, and the job goes on as if there had been none")
    func withdrawn() {
        var desk = desk { $0.checkpointEvery = .every(.seconds(300)) }
        desk.tell(Fixed.line(60))
        let actions = desk.tell(gone, after: .seconds(20))
        #expect(withdrawals(actions) == [.goesOn])
        #expect(actions.contains(.cancelTimer(.preemption)) && notice(desk) == nil)
        #expect(desk.supervisor.stop == nil && !actions.tellsToStop)
        #expect(withdrawals(desk.tell(gone, after: .seconds(1))).isEmpty)
        desk.end(.exited(1), after: .seconds(1))
        desk.restart()
        #expect(desk.supervisor.phase == .running, "a crash is followed by another attempt again")
        #expect(desk.control("restart").errors.isEmpty)
    }

    @Test("after a withdrawal the next notice counts anew")
    func anew() {
        var desk = desk()
        desk.tell(Fixed.line(60))
        desk.tell(gone, after: .seconds(20))
        let actions = desk.tell(Fixed.line(60), after: .seconds(20))
        #expect(noticed(actions).count == 1)
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 100_000))
        #expect(notice(desk)?.noticed == Timestamp(milliseconds: 40_000))
    }

    @Test("a failure, a nonsense line or an end without a word withdraws nothing")
    func silence() {
        var desk = desk()
        desk.tell(Fixed.line(200))
        desk.tell(.answered(InquiryID(1), .init(body: "nonsense")))
        desk.tell(.inquiryEnded(InquiryID(1), .exited(status: 3)), after: .seconds(1))
        desk.tell(.timer(.sources), after: .seconds(1))
        desk.tell(.inquiryEnded(InquiryID(2), .exited(status: 0)), after: .seconds(1))
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 200_000))
    }

    @Test("a signal cannot be withdrawn, and counts beside a source that takes back its own")
    func signalStays() {
        var desk = desk { $0.preemptGrace = .seconds(100) }
        desk.tell(Fixed.line(60))
        desk.tell(Fixed.notice)
        let actions = desk.tell(gone, after: .seconds(1))
        #expect(withdrawals(actions) == [.anotherCounts])
        #expect(notice(desk)?.source == "SIGUSR2")
        #expect(notice(desk)?.deadline == Timestamp(milliseconds: 100_000))
    }

    @Test("a job that was asked for its last checkpoint ends, and so it is told")
    func tooLate() {
        var desk = desk(costs: [])
        desk.tell(Fixed.line(40))
        #expect(withdrawals(desk.tell(gone, after: .seconds(1))) == [.ends])
        #expect(notice(desk) != nil)
        desk.save(request: 1)
        #expect(desk.end(.exited(0)).ending == .preempted)
    }

    @Test("a stop that a person asked for stays when the notice is withdrawn, and is theirs")
    func personsStop() {
        var before = desk()
        before.tell(sigterm)
        before.tell(Fixed.line(20), after: .seconds(1))
        #expect(withdrawals(before.tell(gone, after: .seconds(1))) == [.ends])
        #expect(notice(before) == nil)
        before.save(request: 1)
        #expect(before.end(.exited(0)).ending == .stopped(signal: 15))
        var after = desk(costs: [])
        after.tell(Fixed.line(40))
        after.tell(sigterm, after: .seconds(1))
        after.tell(gone, after: .seconds(1))
        #expect(notice(after) == nil)
        #expect(after.end(.exited(0)).ending == .stopped(signal: 15))
    }

    @Test("a storm of recommendations asks no more often than the planned interval")
    func storm() {
        var desk = desk { $0.checkpointEvery = .every(.seconds(300)) }
        var requests = 0
        var warnings = 0
        for number in 0..<100 {
            let line = #"{"action":"checkpoint","n":\#(number)}"#
            let actions = desk.tell(
                .answered(InquiryID(1), .init(body: line)), after: .seconds(number == 0 ? 0 : 5))
            requests += actions.requests.count
            warnings += actions.warnings.count
            if let open = desk.supervisor.openRequest?.number { desk.save(request: open) }
        }
        #expect(requests == 2, "at 0 and at 300 s, of 495 s")
        #expect(warnings == 1)
        // A machine that is about to sleep is another matter.
        let sleeps = Event.answered(InquiryID(1), .init(body: #"{"action":"hibernate"}"#))
        #expect(desk.tell(sleeps).requests.count == 1)
    }

    @Test("two minutes before any checkpoint: one now that tells its cost, then the last one late")
    func measuresFirst() {
        var desk = desk(costs: [])
        let first = desk.tell(Fixed.line(120))
        #expect(
            first.requests == [.init(request: 1, reason: .preemption, final: false, deadline: nil)])
        #expect(notice(desk)?.finalCheckpoint != nil)
        // It took half a second: three times that and 2 s are kept for the last one.
        let saved = desk.save(request: 1)
        #expect(isClose(saved.timer(.preemption), 120 - 5 - 3.5))
        let last = desk.tell(.timer(.preemption), after: .seconds(111.5))
        #expect(last.requests.first?.final == true && last.requests.first?.request == 2)
    }

    @Test("a first checkpoint that takes too long becomes the last one, under its number")
    func becomesFinal() {
        var desk = desk(costs: [])
        desk.tell(Fixed.line(120))
        let id = desk.begin(step: 7, request: 1)
        let asked = desk.tell(.timer(.preemption), after: .seconds(29))
        #expect(asked.requests.map(\.request) == [1] && asked.requests.first?.final == true)
        #expect(asked.requests.first?.deadline == 86)
        desk.say(.commit(.init(id: id, request: 1)))
        let saved = desk.tell(.committed(Desk.summary(id), seconds: 60), after: .seconds(31))
        #expect(saved.tellsToStop && desk.supervisor.requests.made == 1)
        #expect(desk.end(.exited(0)).ending == .preempted)
        #expect(notice(desk)?.lostSeconds == 0)
    }

    @Test("a first checkpoint that fails is not tried again: the last one is asked for")
    func firstFails() {
        var desk = desk(costs: [])
        desk.tell(Fixed.line(120))
        let failed = desk.say(.failed(.init(request: 1, error: "no")), after: .seconds(3))
        #expect(failed.requests.map(\.final) == [true])
    }

    @Test("an hour's notice asks for a checkpoint now and ends late")
    func long() {
        var hour = Fixed.desk {
            $0.preempt = .gcp(base: "http://b")
            $0.maintenanceGrace = .seconds(3600)
        }
        let word = "TERMINATE_ON_HOST_MAINTENANCE"
        let actions = hour.tell(
            .answered(InquiryID(2), .init(status: 200, headers: ["etag": "2"], body: word)))
        #expect(actions.requests.map(\.final) == [false])
        #expect(isClose(actions.timer(.preemption), 3600 - 5 - 14))
        #expect(notice(hour)?.action == "stop")
        let none = Inquiry.Answer(status: 200, headers: ["etag": "3"], body: "NONE")
        #expect(withdrawals(hour.tell(.answered(InquiryID(2), none))) == [.goesOn])
    }
}
