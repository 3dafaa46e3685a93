import SuperviseCore
import SuperviseFormats
import Testing

/// What a checkpoint costs, and how long a job takes until it looks: two measures.
@Suite("The cost of a checkpoint")
struct CheckpointCostTests {
    private func desk() -> Desk {
        var desk = Desk {
            $0.checkpointEvery = .auto
            $0.autoInterval = AutoInterval(expected: .seconds(28 * 86_400))
        }
        desk.run()
        return desk
    }

    /// A request of an operator, and its number.
    private func request(_ desk: inout Desk) throws -> Int {
        try #require(desk.control("checkpoint").requests.first?.request)
    }

    private func experience(_ desk: Desk) -> Experience { desk.supervisor.record.experience }

    @Test("the wait until the job looks is no cost, and is measured apart")
    func waits() throws {
        var desk = desk()
        let number = try request(&desk)
        desk.tell(.warned("a while later"), after: .seconds(20))
        let id = desk.begin(step: 1, request: number)
        let order = desk.say(.commit(.init(id: id, request: number)), after: .milliseconds(3))
        let soFar = try #require(order.commit?.secondsSoFar)
        #expect(abs(soFar - 20.003) < 1e-9)
        desk.tell(.committed(Desk.summary(id), seconds: soFar + 0.002))
        let seen = experience(desk)
        #expect(abs((seen.cost ?? 0) - 0.005) < 1e-9)
        #expect(abs((seen.wait ?? 0) - 20) < 1e-9)
        // A machine that is taken away waits for all of it.
        #expect(abs((seen.recent.last ?? 0) - 20.005) < 1e-9)
    }

    @Test("a disk that is slow after the commit is a part of the cost")
    func slowDisk() throws {
        var desk = desk()
        let id = desk.begin(step: 1)
        desk.say(.commit(.init(id: id)), after: .seconds(1))
        desk.tell(.committed(Desk.summary(id), seconds: 31))
        #expect(experience(desk).cost == 31 && experience(desk).wait == nil)
    }

    @Test("what held the job up before `begin` is cost, and no wait")
    func slowClient() throws {
        var desk = desk()
        let number = try request(&desk)
        desk.tell(.warned("a while later"), after: .seconds(12))
        let id = desk.begin(step: 1, request: number)
        let order = desk.say(
            .commit(.init(id: id, request: number, blocked: 7)), after: .seconds(2))
        desk.tell(
            .committed(Desk.summary(id), seconds: (order.commit?.secondsSoFar ?? 0) + 1))
        #expect(experience(desk).cost == 8 && experience(desk).wait == 7)
        #expect(experience(desk).recent == [15])
    }

    @Test(
        "of a file that is added, the time that the client says and that of the disk are the cost")
    func added() throws {
        var desk = desk()
        let number = try request(&desk)
        let added = desk.say(
            .add(.init(path: "/file", request: number, blocked: 3)), after: .seconds(10))
        let order = try #require(added.commit)
        desk.tell(.committed(Desk.summary(order.id), seconds: 14))
        #expect(experience(desk).cost == 7 && experience(desk).wait == 7)
        let unasked = try #require(desk.say(.add(.init(path: "/file"))).commit)
        desk.tell(.committed(Desk.summary(unasked.id), seconds: 1))
        #expect(experience(desk).cost == 4 && experience(desk).wait == 7)
    }

    @Test("a time that cannot be is not believed", arguments: [-1, 1e300, .infinity, .nan])
    func nonsense(blocked: Double) throws {
        var desk = desk()
        let id = desk.begin(step: 1)
        desk.say(.commit(.init(id: id, blocked: blocked)), after: .seconds(2))
        desk.tell(.committed(Desk.summary(id), seconds: 3))
        #expect(experience(desk).cost == 3)
    }

    @Test(
        "of a job that is asked by a signal all the time counts, as it does not say when it saves")
    func bySignal() throws {
        var desk = Desk {
            $0.watch = [WatchPattern("/out/*")].compactMap { $0 }
            $0.requestSignal = .init(number: 10, name: "SIGUSR1")
        }
        desk.run(speaks: false)
        desk.control("checkpoint")
        desk.tell(.warned("a while later"), after: .seconds(20))
        let file = WatchedFile(
            path: "/out/1", step: 1, completedAt: Instant(nanoseconds: desk.now), wasMoved: true)
        let order = try #require(desk.tell(.watched([file])).commit)
        desk.tell(.committed(Desk.summary(order.id), seconds: order.secondsSoFar + 1))
        #expect(experience(desk).cost == 21 && experience(desk).wait == nil)
    }

    @Test("a job is asked as much earlier as it takes to look, and not at once after a commit")
    func lead() {
        let policy = AutoInterval()
        var seen = Experience()
        #expect(policy.lead(seen, interval: .seconds(100)) == .zero)
        seen.wait = 20
        // While the cost is not known, requests are made to find it out.
        #expect(policy.lead(seen, interval: .seconds(100)) == .zero)
        seen.cost = 0.003
        #expect(policy.lead(seen, interval: .seconds(100)) == .seconds(20))
        #expect(policy.lead(seen, interval: .seconds(3600)) == .seconds(20))
        seen.wait = 600
        #expect(policy.lead(seen, interval: .seconds(3600)) == .seconds(600))
        #expect(policy.lead(seen, interval: .seconds(100)) == .seconds(90))
        #expect(policy.lead(seen, interval: .seconds(5)) == .seconds(4))
        #expect(policy.lead(seen, interval: .milliseconds(10)) == .zero)
        for odd in [-1, .nan, .infinity, 1e300] {
            seen.wait = odd
            let lead = policy.lead(seen, interval: .seconds(100))
            #expect(lead >= .zero && lead <= .seconds(90), "\(odd)")
        }
    }

    @Test("the status says when the next checkpoint is due, and the job is asked before that")
    func status() throws {
        var desk = desk()
        let number = try request(&desk)
        desk.tell(.warned("a while later"), after: .seconds(20))
        desk.save(step: 1, request: number)
        let request = try #require(desk.supervisor.alarms.due[.interval])
        let status = desk.supervisor.status(at: desk.moment)
        let interval = try #require(status.schedule?.interval)
        let next = try #require(status.nextCheckpoint)
        #expect(abs(next.seconds(since: desk.moment.wall) - interval) < 0.01)
        let wait = try #require(status.schedule?.experience.wait)
        let left = (request - Instant(nanoseconds: desk.now)).seconds
        #expect(abs(left - max(interval - wait, interval / 10)) < 0.01)
    }

    /// A loop that looks at the end of each epoch, saves in 3 ms, and a disk of 2 ms.
    @Test("a loop that looks seldom is saved on time", arguments: [20, 600])
    func looksSeldom(period: Int) throws {
        var desk = desk()
        let period = Int64(period) * 1_000_000_000
        var last = desk.now
        var landings: [(took: Double, interval: Double)] = []
        for _ in 1...30 {
            let interval = desk.supervisor.status(at: desk.moment).schedule?.interval ?? 0
            let due = try #require(desk.supervisor.alarms.due[.interval]).nanoseconds
            let asked = desk.tell(.timer(.interval), after: .nanoseconds(due - desk.now))
            let number = try #require(asked.requests.first?.request)
            let look = (desk.now / period + 1) * period
            desk.tell(.warned("an epoch later"), after: .nanoseconds(look - desk.now))
            let id = desk.begin(step: nil, request: number)
            let order = desk.say(.commit(.init(id: id, request: number)), after: .milliseconds(3))
            let soFar = try #require(order.commit?.secondsSoFar)
            desk.tell(
                .committed(Desk.summary(id), seconds: soFar + 0.002), after: .milliseconds(2))
            landings.append((Double(desk.now - last) / 1e9, interval))
            last = desk.now
        }
        #expect(abs((experience(desk).cost ?? 0) - 0.005) < 1e-6)
        let late = landings.dropFirst(5)
        let epoch = Double(period) / 1e9
        // Epochs longer than the interval end in a checkpoint each.
        for (took, interval) in late {
            #expect(abs(took - max(interval, epoch)) <= epoch + 0.01, "\(took) of \(interval)")
        }
        let mean = late.map(\.took).reduce(0, +) / Double(late.count)
        let wanted = max(late.map(\.interval).reduce(0, +) / Double(late.count), epoch)
        #expect(abs(mean - wanted) < 0.25 * epoch, "\(mean) of \(wanted)")
    }
}
