import SuperviseCore
import SuperviseFormats
import Testing

@Suite("The status")
struct StatusTests {
    @Test("is told at once when phase, commits or failures change")
    func atOnce() {
        var desk = Desk()
        #expect(desk.tell(.started).published?.phase == .starting)
        desk.tell(.recorded)
        #expect(desk.tell(.spawned(pid: 42)).published?.jobPID == 42)
        desk.hello()
        #expect(desk.save().published?.checkpoints == 1)
        desk.tell(.jobExited(.exited(1)))
        #expect(desk.tell(.descendantsGone).published?.phase == .backoff)
        let end = desk.tell(sigterm).published
        #expect(end?.phase == .finished && end?.outcome?.kind == .stopped)
    }

    @Test("is told for progress at most once a second, and only if some came")
    func throttled() {
        var desk = Desk()
        desk.run()
        let first = desk.say(.progress(.init(step: 1)), after: .milliseconds(200))
        #expect(first.published == nil && first.timer(.publish) == 1_000_000_000)
        #expect(desk.say(.progress(.init(step: 2)), after: .milliseconds(100)).published == nil)
        let due = desk.tell(.timer(.publish), after: .milliseconds(700))
        #expect(due.published?.progress.step == 2 && due.timer(.publish) == nil)
        #expect(desk.say(.heartbeat, after: .seconds(5)).isEmpty)
        #expect(desk.say(.progress(.init(step: 3))).published?.progress.step == 3)
    }

    @Test("tells the share done, the rate of this attempt and the time left")
    func progress() {
        var desk = Desk()
        desk.run()
        desk.say(.progress(.init(step: 100, total: 1000, unit: "step")))
        desk.say(.progress(.init(step: 200, metrics: .init(["loss": 0.5]))), after: .seconds(10))
        let progress = desk.supervisor.status(at: desk.moment).progress
        #expect(progress.fraction == 0.2 && progress.rate == 10 && progress.eta == 80)
        #expect(progress.metrics == ["loss": 0.5] && progress.unit == "step")
        desk.end(.exited(1))
        desk.restart()
        #expect(desk.supervisor.status(at: desk.moment).progress.rate == nil)
    }

    @Test("does not grow with a job that talks too much")
    func bounded() {
        var desk = Desk()
        desk.run()
        let text = String(repeating: "e\u{301}", count: 5000)
        for number in 0..<30 {
            let metrics = (0..<100).map { ("metric \(number) \($0)", 1.0) }
            desk.say(
                .progress(
                    .init(
                        unit: text, metrics: .init(Dictionary(uniqueKeysWithValues: metrics)),
                        message: text)))
        }
        desk.say(.progress(.init(metrics: .init(["metric 0 7": 2]))))
        let progress = desk.supervisor.status(at: desk.moment).progress
        #expect(progress.metrics.count == 1000 && progress.metrics["metric 0 7"] == 2)
        #expect(progress.message?.unicodeScalars.count == 1001)
        #expect(progress.unit?.unicodeScalars.count == 1001)
        let failed = desk.say(.failed(.init(request: 1, error: text)))
        guard case .log(.checkpointFailed(let told))? = failed.first else {
            Issue.record("it is not told")
            return
        }
        #expect(told.error.unicodeScalars.count == 1001)
    }

    @Test("tells where the time went")
    func totals() {
        var desk = Desk { $0.backoff = .seconds(2) ... .seconds(2) }
        desk.run()
        let id = desk.begin()
        desk.say(.commit(.init(id: id)), after: .seconds(1))
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        desk.end(.exited(1), after: .seconds(9))
        desk.tell(.timer(.backoff), after: .seconds(2))
        let totals = desk.supervisor.status(at: desk.moment).totals
        #expect(totals.wall == 12 && totals.down == 2 && totals.checkpoint == 1)
        #expect(totals.lost == 10 && totals.useful == 0)
    }

    @Test("tells when the next checkpoint will be asked for")
    func next() {
        var desk = Desk { $0.checkpointEvery = .every(.seconds(30)) }
        desk.run()
        let status = desk.supervisor.status(at: desk.moment)
        #expect(status.nextCheckpoint == Timestamp(milliseconds: 30_000))
        desk.tell(.timer(.interval), after: .seconds(30))
        #expect(desk.supervisor.status(at: desk.moment).nextCheckpoint == nil)
    }
}

extension [Action] {
    fileprivate var published: Status? {
        lazy.compactMap { if case .publish(let status) = $0 { status } else { nil } }.first
    }
}
