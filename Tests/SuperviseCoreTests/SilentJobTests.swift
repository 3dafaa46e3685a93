import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A job that says nothing")
struct SilentJobTests {
    private func failure(_ actions: [Action]) -> RunEvent.FailureCounted? {
        actions.lazy.compactMap { if case .log(.failed(let it)) = $0 { it } else { nil } }.first
    }

    @Test("has no goodput, and no work counts as lost")
    func nothingKnown() {
        var desk = Desk()
        desk.run(speaks: false)
        let failed = failure(desk.end(.exited(1), after: .seconds(100)))
        #expect(failed?.failure.lostSeconds == 0)
        let status = desk.supervisor.status(at: desk.moment)
        #expect(status.totals.goodput == nil && status.totals.lost == 0)
        #expect(status.totals.wall == 100)
        #expect(desk.supervisor.record.totals.goodput == nil)
    }

    @Test("has both once it speaks, or once files of it are watched", arguments: [true, false])
    func known(speaks: Bool) {
        var desk = Desk { if !speaks { $0.watch = [WatchPattern("x")].compactMap { $0 } } }
        desk.run(speaks: speaks)
        var actions = desk.tell(.jobExited(.exited(1)), after: .seconds(100))
        actions += desk.tell(.watchFlushed) + desk.tell(.descendantsGone)
        actions += desk.tell(.watchFlushed)
        #expect(failure(actions)?.failure.lostSeconds == 100)
        #expect(desk.supervisor.status(at: desk.moment).totals.goodput == 0)
    }

    @Test("that only tells sd_notify that it is ready has neither")
    func ready() {
        var desk = Desk()
        desk.run(speaks: false)
        desk.tell(.noticed([.ready]))
        let failed = failure(desk.end(.exited(1), after: .seconds(100)))
        #expect(failed?.failure.lostSeconds == 0)
    }

    @Test("and fails the same way within seconds is reported so, not by the number of failures")
    func sameEachTime() {
        var desk = Desk()
        desk.run(speaks: false)
        for round in 1..<5 {
            let wait = Duration.milliseconds(3 * round * round * round)
            #expect(desk.end(.exited(3), after: wait).ending == nil)
            desk.restart()
        }
        let last = desk.end(.exited(3), after: .milliseconds(900))
        #expect(last.ending == .failed(status: 3))
        #expect(failure(last)?.final == .sameEachTime)
        let givenUp = desk.supervisor.status(at: desk.moment).givenUp
        #expect(givenUp?.reason == .sameEachTime && givenUp?.failures == 5)
        // A longer life would have counted.
        #expect(givenUp?.healthyAfter == 600)
    }

    @Test("and fails in another way once is given up by the number of failures")
    func notTheSame() {
        var desk = Desk()
        desk.run(speaks: false)
        for status in [3, 3, 4, 3] {
            #expect(desk.end(.exited(status)).ending == nil)
            desk.restart()
        }
        #expect(failure(desk.end(.exited(3)))?.final == .maxFailures)
    }
}
