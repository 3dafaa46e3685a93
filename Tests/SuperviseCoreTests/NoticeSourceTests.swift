import SuperviseFormats
import Testing

@testable import SuperviseCore

/// How a source is asked again, and what is told of it.
@Suite("A source of notices")
struct NoticeSourceTests {
    private struct Clock {
        var now = Moment(instant: Instant(nanoseconds: 0), wall: .zero)

        mutating func pass(_ time: Duration) {
            now = Moment(instant: now.instant + time, wall: .zero)
        }
    }

    private func aProgram() -> NoticeSource { NoticeSource(ProgramNotices(["watch"])) }

    @Test("one that fails is asked again after 1, 2, 4, 8 and then every 10 s, and told of once")
    func backoff() {
        var source = aProgram()
        var clock = Clock()
        var warnings = 0
        for (number, wait) in [1, 2, 4, 8, 10, 10].enumerated() {
            let id = InquiryID(number)
            #expect(source.next(id, at: clock.now.instant) != nil)
            let outcome = source.ended(.exited(status: 1), at: clock.now.instant)
            warnings += outcome.warning == nil ? 0 : 1
            #expect(source.stage == .resting(until: clock.now.instant + .seconds(wait)))
            #expect(source.next(id, at: clock.now.instant) == nil)
            clock.pass(.seconds(wait))
        }
        #expect(warnings == 1)
        #expect(source.status.state == .failing && source.status.failures == 6)
        #expect(source.status.error == "it ended with status 1")
    }

    @Test("when it answers again that is told once, too")
    func recovers() {
        var source = NoticeSource(GCPNotices(base: "http://b", value: .preempted))
        let clock = Clock()
        let good = Inquiry.Answer(status: 200, headers: ["etag": "1"], body: "FALSE")
        var told: [String] = []
        for number in 0..<6 {
            _ = source.next(InquiryID(number), at: clock.now.instant + .seconds(1000 * number))
            let answer =
                number.isMultiple(of: 2) ? Inquiry.Answer(error: "curl: (7) refused") : good
            told += [source.heard(answer, at: clock.now).warning].compactMap { $0 }
            _ = source.ended(.exited(status: 0), at: clock.now.instant)
        }
        #expect(
            told == [
                "--preempt gcp: curl: (7) refused; asking again, and the job goes on (told once)",
                "--preempt gcp: it answers again (told once)",
            ])
        #expect(source.status.state == .watching && source.status.error == nil)
    }

    @Test("the same recommendation is told once, however often it is heard; an end each time")
    func once() {
        var source = aProgram()
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        let line = Inquiry.Answer(body: #"{"action":"checkpoint"}"#)
        let first = source.heard(line, at: clock.now)
        #expect(first.advice.count == 1 && first.ends == nil)
        #expect(source.heard(line, at: clock.now).advice.isEmpty)
        let other = Inquiry.Answer(body: #"{"action":"stop"}"#)
        #expect(source.heard(other, at: clock.now).ends?.count == 1)
        #expect(source.heard(other, at: clock.now).ends?.count == 1)
    }

    @Test(
        "only a source that says so withdraws: nonsense, silence and a failure withdraw nothing",
        arguments: [
            ("gone", true), (#"{"action":"gone"}"#, true), ("", false), ("gone?", false),
            (#"{"action":"checkpoint"}"#, false), (#"{"deadline_s":1e300}"#, false),
        ])
    func withdraws(line: String, isGone: Bool) {
        var source = aProgram()
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        #expect(source.heard(.init(body: line), at: clock.now).ends == (isGone ? [] : nil))
        #expect(source.ended(.exited(status: 0), at: clock.now.instant).ends == nil)
    }

    @Test("a program that ends well with nothing to say is run again after a while")
    func program() {
        var source = aProgram()
        var clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        clock.pass(.seconds(2))
        #expect(source.ended(.exited(status: 0), at: clock.now.instant).warning == nil)
        #expect(source.stage == .resting(until: Instant(nanoseconds: 5_000_000_000)))
    }

    @Test("a curl without --rate is asked again at once, for one answer at a time")
    func tooOld() throws {
        var source = NoticeSource(AWSNotices(base: "http://b"))
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        let token = source.heard(.init(status: 200, body: "secret"), at: clock.now)
        #expect(token.endsInquiry == InquiryID(1))
        _ = source.next(InquiryID(2), at: clock.now.instant)
        #expect(source.ended(.tooOld, at: clock.now.instant).warning == nil)
        _ = source.next(InquiryID(3), at: clock.now.instant)
        _ = source.heard(.init(status: 200, body: "secret"), at: clock.now)
        guard case .requests(let requests)? = source.next(InquiryID(4), at: clock.now.instant)
        else { throw Violation("test", "nothing is asked") }
        #expect(requests.spacing == nil && requests.urls.count == 2)
    }

    @Test("one that writes nonsense without end is ended, and run again later")
    func flood() {
        var source = aProgram()
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        let outcomes = (0..<101).map { _ in source.heard(.init(body: "y"), at: clock.now) }
        #expect(outcomes.compactMap(\.warning).count == 2)
        #expect(outcomes.last?.endsInquiry == InquiryID(1))
        #expect(source.stage == .resting(until: clock.now.instant + .seconds(1)))
    }

    @Test("whoever wants another token again and again has to wait")
    func turns() {
        var source = NoticeSource(AWSNotices(base: "http://b"))
        let clock = Clock()
        var id = 0
        func asks() -> Bool {
            id += 1
            return source.next(InquiryID(id), at: clock.now.instant) != nil
        }
        for _ in 0..<2 {
            #expect(asks())
            _ = source.heard(.init(status: 200, body: "secret"), at: clock.now)
            #expect(asks() || id == 4)
            _ = source.heard(.init(status: 404, body: ""), at: clock.now)
            _ = source.heard(.init(status: 401, body: ""), at: clock.now)
        }
        #expect(source.stage == .resting(until: clock.now.instant + .seconds(1)))
    }

    @Test("an inquiry that ends without any answer, or is too old twice, is a failure")
    func silence() {
        var source = NoticeSource(GCPNotices(base: "http://b", value: .preempted))
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        #expect(source.ended(.exited(status: 0), at: clock.now.instant).warning != nil)
        #expect(source.stage == .resting(until: clock.now.instant + .seconds(1)))
        var old = NoticeSource(AWSNotices(base: "http://b"))
        _ = old.next(InquiryID(1), at: clock.now.instant)
        #expect(old.ended(.tooOld, at: clock.now.instant).warning == nil)
        _ = old.next(InquiryID(2), at: clock.now.instant)
        #expect(old.ended(.tooOld, at: clock.now.instant).warning != nil)
    }

    @Test("what is heard after its end is nothing")
    func late() {
        var source = aProgram()
        let clock = Clock()
        _ = source.next(InquiryID(1), at: clock.now.instant)
        #expect(source.end() == InquiryID(1))
        #expect(source.heard(.init(body: "{}"), at: clock.now).ends == nil)
        #expect(source.ended(.exited(status: 1), at: clock.now.instant).warning == nil)
        #expect(source.next(InquiryID(2), at: clock.now.instant) == nil)
        #expect(source.status.state == .ended)
    }
}
