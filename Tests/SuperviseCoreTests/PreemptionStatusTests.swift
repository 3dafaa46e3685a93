import SuperviseCore
import SuperviseFormats
import Testing

/// Who is asked whether the machine is taken away, what only asks for a checkpoint, and what is told.
@Suite("Who tells of a machine's end, and what is told of it")
struct PreemptionStatusTests {
    private func desk(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk(Desk.record()) {
            PreemptionTests.program(&$0)
            change(&$0)
        }
        desk.run()
        return desk
    }

    private func notice(_ desk: Desk) -> Status.Notice? {
        desk.supervisor.status(at: desk.moment).preemption?.notice
    }

    private func told(_ actions: [Action]) -> Status.Notice? {
        actions.compactMap {
            if case .publish(let status) = $0 { status.preemption?.notice } else { nil }
        }.last
    }

    @Test("a machine that stays or comes back asks for a checkpoint now, and stops nobody")
    func saves() {
        for action in ["checkpoint", "hibernate"] {
            var desk = desk()
            let actions = desk.tell(PreemptionTests.line(60, action))
            #expect(
                actions.requests == [
                    .init(request: 1, reason: .preemption, final: false, deadline: nil)
                ])
            #expect(desk.supervisor.stop == nil && desk.supervisor.preemption == nil)
            #expect(!actions.contains { if case .endInquiry = $0 { true } else { false } })
            desk.save(request: 1)
            #expect(desk.end(.exited(0)).ending == .completed)
        }
    }

    @Test("a recommendation asks once, another one again; where that cannot be it is told")
    func savesOnce() {
        var desk = desk()
        #expect(desk.tell(PreemptionTests.line(60, "checkpoint")).requests.count == 1)
        desk.save(request: 1)
        let later = Duration.seconds(3600)
        #expect(desk.tell(PreemptionTests.line(60, "checkpoint"), after: later).requests.isEmpty)
        #expect(desk.tell(PreemptionTests.line(61, "checkpoint")).requests.count == 1)
        desk.save(request: 2)
        desk.control("pause")
        let paused = desk.tell(PreemptionTests.line(62, "checkpoint"), after: later)
        #expect(paused.requests.isEmpty)
        #expect(
            paused.warnings == [
                "exec:watch: no checkpoint is asked for: the job is paused; unpause it first"
            ])
        desk.tell(sigterm)
        #expect(desk.tell(PreemptionTests.line(63, "checkpoint")).warnings.isEmpty)
    }

    @Test("after a thousand recommendations the end is still heard")
    func thousand() {
        var desk = desk()
        for number in 1...1001 { desk.tell(PreemptionTests.line(Double(number), "checkpoint")) }
        desk.tell(PreemptionTests.line(60))
        #expect(desk.supervisor.preemption?.source == "exec:watch")
    }

    @Test("a host that moves the machine a second time asks for a checkpoint a second time")
    func movesAgain() {
        var desk = Desk(Desk.record()) { $0.preempt = .gcp(base: "http://b") }
        desk.run()
        func answer(_ id: Int, _ word: String, _ tag: String) -> Event {
            .answered(InquiryID(id), .init(status: 200, headers: ["etag": tag], body: word))
        }
        var id = 2
        for (word, tag, count) in [
            ("NONE", "1", 0), ("MIGRATE_ON_HOST_MAINTENANCE", "2", 1), ("NONE", "3", 0),
            ("MIGRATE_ON_HOST_MAINTENANCE", "4", 1), ("MIGRATE_ON_HOST_MAINTENANCE", "4", 0),
        ] {
            let actions = desk.tell(answer(id, word, tag), after: .seconds(7200))
            #expect(actions.requests.count == count, "\(word) \(tag)")
            if count > 0 { desk.save(request: desk.supervisor.openRequest?.number) }
            var asked = desk.tell(.inquiryEnded(InquiryID(id), .exited(status: 0)))
            asked += desk.tell(.timer(.sources), after: .seconds(2))
            for case .inquire(let asks, _) in asked { id = asks.number }
        }
    }

    @Test("sources are asked from the first event until the end, and none outlives us")
    func sources() {
        var desk = Desk(Desk.record(), PreemptionTests.program)
        let ask = Action.inquire(InquiryID(1), .program(["watch"]))
        #expect(desk.tell(.started).contains(ask))
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 100))
        desk.hello()
        #expect(!desk.tell(PreemptionTests.notice).contains(.endInquiry(InquiryID(1))))
        let again = desk.tell(.inquiryEnded(InquiryID(1), .exited(status: 0)), after: .seconds(5))
        #expect(again.contains(.inquire(InquiryID(2), .program(["watch"]))))
        var ending = self.desk()
        let actions = ending.end(.exited(0))
        let ended = actions.firstIndex(of: .endInquiry(InquiryID(1))) ?? .max
        #expect(ended < actions.firstIndex(of: .exit(.completed)) ?? 0)
    }

    @Test("a service that is asked two questions is told of once, by the one that fares worst")
    func twoQuestions() {
        var desk = Desk(Desk.record()) { $0.preempt = .gcp(base: "http://b") }
        desk.run()
        func told(_ state: Status.Source.State, _ failures: Int = 0) -> Bool {
            let sources = desk.supervisor.status(at: desk.moment).preemption?.sources ?? []
            return sources.map(\.name) == ["gcp"] && sources.map(\.state) == [state]
                && sources.map(\.failures) == [failures]
        }
        func answer(_ id: Int, _ word: String) -> Event {
            .answered(InquiryID(id), .init(status: 200, headers: ["etag": "1"], body: word))
        }
        #expect(told(.asking))
        desk.tell(answer(1, "FALSE"))
        #expect(told(.asking))
        desk.tell(.inquiryEnded(InquiryID(2), .exited(status: 7)))
        #expect(told(.failing, 1))
        desk.tell(.timer(.sources), after: .seconds(1))
        desk.tell(answer(3, "NONE"))
        #expect(told(.watching))
        desk.tell(PreemptionTests.notice)
        #expect(told(.watching))
    }

    @Test("one that fails wakes us when it is asked again, and harms nobody")
    func fails() {
        var desk = desk()
        let actions = desk.tell(.inquiryEnded(InquiryID(1), .exited(status: 1)))
        #expect(
            actions.warnings == [
                "--preempt exec:watch: it ended with status 1; asking again, and the job goes on"
                    + " (told once)"
            ])
        #expect(actions.timer(.sources) == PreemptionTests.seconds(1))
        let again = desk.tell(.timer(.sources), after: .seconds(1))
        #expect(again.contains(.inquire(InquiryID(2), .program(["watch"]))))
        #expect(again.timer(.sources) == nil)
        let source = desk.supervisor.status(at: desk.moment).preemption?.sources.first
        #expect(source?.state == .failing && source?.failures == 1)
        #expect(desk.supervisor.stop == nil)
    }

    @Test("the status tells who said it, until when there is time, and when it is saved")
    func status() {
        var desk = desk()
        #expect(notice(desk) == nil)
        desk.save(step: 7)
        let known = told(desk.tell(PreemptionTests.line(120, "stop"), after: .seconds(5)))
        #expect(known?.source == "exec:watch" && known?.action == "stop")
        #expect(known?.noticed == Timestamp(milliseconds: 5_000))
        #expect(known?.deadline == Timestamp(milliseconds: 125_000))
        // 5 s are kept free, and 1.5 and 5 s are for the save.
        #expect(known?.finalCheckpoint == Timestamp(milliseconds: 125_000 - 11_500))
        #expect(known?.saved == CheckpointID(sequence: 1, step: 7) && known?.lostSeconds == nil)
        let asked = told(desk.tell(.timer(.preemption), after: .seconds(108.5)))
        #expect(asked?.finalCheckpoint == nil && asked?.lostSeconds == nil)
        let id = desk.begin(step: 9, request: 1)
        desk.say(.commit(.init(id: id)))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        let last = told(desk.end(.exited(0)))
        #expect(last?.saved == CheckpointID(sequence: 2, step: 9) && last?.lostSeconds == 0)
    }

    @Test("what could not be saved is told in seconds, and counts as lost")
    func lost() {
        var desk = desk()
        desk.say(.heartbeat, after: .seconds(2))
        desk.save(step: 7)
        desk.tell(PreemptionTests.notice, after: .seconds(3))
        desk.tell(.timer(.stopDeadline), after: .seconds(27))
        let actions = desk.end(.exited(0), after: .seconds(1))
        #expect(actions.ending == .preempted)
        #expect(told(actions)?.lostSeconds == 31)
        #expect(actions.records.last?.totals.lost == 31)
        #expect(actions.records.last?.failures.total == 0)
    }

    private func azure(acknowledges: Bool) -> Desk {
        var desk = Desk(Desk.record()) {
            $0.preempt = .azure(base: "http://b")
            $0.preemptAcknowledges = acknowledges
        }
        desk.run()
        let name = Inquiry.Answer(status: 200, body: #"{"compute":{"name":"vm1"}}"#)
        desk.tell(.answered(InquiryID(1), name))
        let event = #""EventId":"A","EventType":"Preempt","Resources":["vm1"],"NotBefore":"""#
        let body = #"{"Events":[{\#(event)}]}"#
        desk.tell(.answered(InquiryID(2), .init(status: 200, body: body)))
        return desk
    }

    private func acknowledgements(_ actions: [Action]) -> Int {
        actions.count { if case .acknowledge = $0 { true } else { false } }
    }

    @Test("that all is saved is told once, at the end, where it is wanted and true")
    func acknowledges() {
        var desk = azure(acknowledges: true)
        #expect(acknowledgements(desk.save(request: 1)) == 0)
        #expect(acknowledgements(desk.end(.exited(0))) == 1)
        var unwanted = azure(acknowledges: false)
        unwanted.save(request: 1)
        #expect(acknowledgements(unwanted.end(.exited(0))) == 0)
        var lost = azure(acknowledges: true)
        #expect(acknowledgements(lost.end(.exited(0), after: .seconds(1))) == 0)
    }
}
