import SuperviseCore
import SuperviseFormats
import Testing

@Suite("--checkpoint-every auto")
struct AutoIntervalTests {
    private func experience(
        cost: Double?, failures: Int = 0, hours: Double = 0
    ) -> Experience {
        var experience = Experience()
        if let cost { experience.measure(cost: cost) }
        experience.failures = failures
        experience.ran = hours * 3600
        return experience
    }

    @Test("before any failure one in 24 hours is expected, and what is seen takes over")
    func failureRate() {
        let policy = AutoInterval()
        func hours(_ failures: Int, _ ran: Double) -> Double {
            policy.meanTimeBetweenFailures(
                experience(cost: 1, failures: failures, hours: ran)) / 3600
        }
        #expect(hours(0, 0) == 24)
        #expect(abs(hours(1, 0) - 6) < 1e-9)
        #expect(abs(hours(10, 10) - 54.0 / 31) < 1e-9)
        #expect(abs(hours(1000, 500) - 0.5) < 0.02)
        #expect(abs(hours(0, 1000) - 3024) < 1e-9)
        let preempted = AutoInterval(expected: .seconds(6 * 3600))
        #expect(preempted.meanTimeBetweenFailures(experience(cost: 1)) == 6 * 3600)
    }

    @Test("the interval is Daly's, within 30 s and 6 h")
    func interval() throws {
        let policy = AutoInterval()
        let seconds = try #require(policy.seconds(experience(cost: 300)))
        #expect(abs(seconds - 7001) < 1)
        let wait = policy.interval(experience(cost: 300), wasAsked: true)
        #expect(abs(wait.seconds - seconds) < 0.001)
        #expect(policy.seconds(experience(cost: 0.001, failures: 9)) == 30)
        #expect(policy.seconds(experience(cost: 0)) == 30)
        #expect(policy.seconds(experience(cost: 100, hours: 1e6)) == 21_600)
        #expect(policy.seconds(experience(cost: 1e9, failures: 9, hours: 1)) ?? 0 > 30)
    }

    @Test("while the cost is not known it is asked after 30 s, and then every 5 minutes")
    func unmeasured() {
        let policy = AutoInterval()
        #expect(policy.interval(Experience(), wasAsked: false) == .seconds(30))
        #expect(policy.interval(Experience(), wasAsked: true) == .seconds(300))
    }

    @Test("whatever the record says, the interval stays within its bounds")
    func nonsense() {
        var random = SplitMix(seed: 8)
        let policy = AutoInterval()
        for _ in 0..<5_000 {
            var seen = Experience()
            seen.cost = Double(bitPattern: random.next())
            seen.failures = Int(truncatingIfNeeded: random.next())
            seen.ran = Double(bitPattern: random.next())
            if seen.ran.isNaN || seen.ran.isInfinite { continue }
            let interval = policy.interval(seen, wasAsked: true)
            #expect(interval >= .seconds(30) && interval <= .seconds(21_600))
        }
    }

    @Test("the cost is a mean at first, and follows when it changes")
    func cost() {
        var seen = Experience()
        for cost in [2.0, 4, 6] { seen.measure(cost: cost) }
        #expect(seen.cost == 4 && seen.measured == 3)
        for _ in 0..<30 { seen.measure(cost: 10) }
        #expect(abs((seen.cost ?? 0) - 10) < 0.02)
        seen.measure(cost: .nan)
        seen.measure(cost: -1)
        #expect(seen.measured == 33)
    }

    @Test("a supervisor asks 30 s after the first hello, and then by what the answer has cost")
    func asks() throws {
        var desk = Desk { $0.checkpointEvery = .auto }
        desk.run(speaks: false)
        #expect(desk.hello(accepts: true).timer(.interval) == 30_000_000_000)
        let asked = desk.tell(.timer(.interval), after: .seconds(30))
        let request = try #require(asked.requests.first?.request)
        let id = desk.begin(step: 1, request: request)
        desk.say(.commit(.init(id: id, request: request)))
        let now = desk.now
        // In no time it was written, and in 20 s it was durable.
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 20))
        let policy = AutoInterval()
        var expected = experience(cost: 20)
        expected.ran = 30
        let wait = policy.interval(expected, wasAsked: true)
        #expect(actions.timer(.interval) == now + wait.wholeNanoseconds)
        let schedule = try #require(desk.supervisor.status(at: desk.moment).schedule)
        #expect(schedule.mode == .auto && schedule.interval == wait.seconds)
        #expect(schedule.experience.cost == 20 && schedule.experience.measured == 1)
        #expect(abs(schedule.meanTimeBetweenFailures - 86_490) < 1e-6)
    }

    @Test("one who does not answer is asked again after 5 minutes")
    func unanswered() {
        var desk = Desk { $0.checkpointEvery = .auto }
        desk.run()
        desk.tell(.timer(.interval), after: .seconds(30))
        let actions = desk.tell(.timer(.request), after: .seconds(60))
        #expect(actions.timer(.interval) == desk.now + 300_000_000_000)
    }

    @Test("a supervisor that comes after one that was killed knows what that one had seen")
    func survives() throws {
        var desk = Desk { $0.checkpointEvery = .auto }
        desk.run()
        desk.save(step: 1)
        desk.end(.exited(1), after: .seconds(1000))
        desk.restart()
        desk.hello()
        let saved = desk.save(step: 2)
        let record = try #require(saved.records.last)
        #expect(record.experience.measured == 2 && record.experience.failures == 1)
        var next = Desk(record, checkpoints: [checkpoint(2, step: 2)]) {
            $0.checkpointEvery = .auto
        }
        next.run(speaks: false)
        #expect(next.hello(accepts: true).timer(.interval) != 30_000_000_000)
        let seen = next.supervisor.record.experience
        #expect(seen.measured == 2 && seen.cost == 0.5)
        #expect(seen.failures == 2, "its own death counts")
        #expect(abs(seen.ran - 1000) < 1e-6, "the wait is no work")
    }

    @Test("what could not be started says nothing of how often the job fails")
    func spawnFailures() {
        var desk = Desk { $0.checkpointEvery = .auto }
        desk.run()
        desk.end(.exited(1))
        desk.tell(.timer(.backoff), after: .seconds(1))
        desk.tell(.spawnFailed(.system("no memory")))
        #expect(desk.supervisor.record.failures.total == 2)
        #expect(desk.supervisor.record.experience.failures == 1)
    }
}
