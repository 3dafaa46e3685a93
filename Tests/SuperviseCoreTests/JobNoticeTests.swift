import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A job that speaks sd_notify")
struct JobNoticeTests {
    @Test("gives a sign of life by each word, and hangs without")
    func signs() {
        var desk = Desk { $0.heartbeatTimeout = .seconds(10) }
        desk.run(speaks: false)
        for notice in [JobNotice.ready, .alive, .status("a"), .stopping] {
            #expect(!desk.tell(.noticed([notice]), after: .seconds(8)).contains(.examine))
        }
        desk.tell(.timer(.hang), after: .seconds(8))
        #expect(desk.tell(.timer(.hang), after: .seconds(2)).contains(.examine))
    }

    @Test("is shown with what it says it is doing, at most once a second")
    func status() {
        var desk = Desk()
        desk.run(speaks: false)
        let long = String(repeating: "x", count: 5000)
        let first = desk.tell(.noticed([.status(long)]), after: .seconds(2))
        #expect(first.published?.progress.message?.unicodeScalars.count == 1001)
        #expect(desk.tell(.noticed([.status("two")])).published == nil)
        let due = desk.tell(.timer(.publish), after: .seconds(1))
        #expect(due.published?.progress.message == "two")
        desk.tell(.noticed([.status("")]), after: .seconds(2))
        #expect(desk.supervisor.status(at: desk.moment).progress.message == nil)
    }

    @Test("is beyond its start once it is ready")
    func ready() throws {
        for isReady in [false, true] {
            var desk = Desk()
            desk.run(speaks: false)
            if isReady { desk.tell(.noticed([.ready])) }
            desk.tell(.jobExited(.exited(1)), after: .milliseconds(isReady ? 1000 : 900))
            desk.tell(.descendantsGone)
            let failure = try #require(desk.supervisor.record.failures.last)
            #expect(failure.atStart == !isReady)
        }
    }

    @Test("is not heard when it is gone")
    func gone() {
        var desk = Desk()
        desk.run(speaks: false)
        desk.tell(.jobExited(.exited(1)))
        desk.tell(.noticed([.status("late")]))
        #expect(desk.supervisor.status(at: desk.moment).progress.message == nil)
    }
}

extension [Action] {
    fileprivate var published: Status? {
        lazy.compactMap { if case .publish(let status) = $0 { status } else { nil } }.first
    }
}
