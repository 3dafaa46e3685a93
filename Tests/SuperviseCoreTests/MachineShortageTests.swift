import SuperviseCore
import SuperviseFormats
import Testing

@Suite("When the machine has too little for a start")
struct MachineShortageTests {
    private static let refused = Event.spawnFailed(.shortage("clone: no process; raise the limit"))

    @Test(
        "each wait is twice as long as the one before, from 0.1 s up to 30 s, and none is the last")
    func waits() {
        var shortage = MachineShortage()
        _ = shortage.started(at: Instant(nanoseconds: 0))
        var waits: [Double] = []
        for number in 0..<12 {
            let now = Instant(nanoseconds: Int64(number) * 3_600_000_000_000)
            guard case .wait(let wait, let isFirst) = shortage.refused("m", at: now, jitter: 0)
            else {
                Issue.record("given up")
                return
            }
            #expect(isFirst == (number == 0))
            waits.append(wait.seconds)
        }
        #expect(waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30])
        #expect(shortage.started(at: Instant(nanoseconds: 0)) != nil)
        #expect(shortage.message == nil && shortage.since == nil)
    }

    @Test("before any attempt has run it is tried for 30 s, and once more at their end")
    func patience() {
        var shortage = MachineShortage()
        var now = Instant(nanoseconds: 5)
        var tries = 0
        while case .wait(let wait, _) = shortage.refused("m", at: now, jitter: 1) {
            now = now + wait
            tries += 1
        }
        #expect(now == Instant(nanoseconds: 5) + .seconds(30) && tries > 5)
    }

    @Test("a run waits for it, reports it once, and counts nothing; the attempt keeps its number")
    func run() {
        var desk = Desk { $0.maxFailures = 2 }
        desk.run()
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff), after: .seconds(100)).spawn?.attempt == 2)
        let first = desk.tell(Self.refused)
        #expect(first.warnings.count == 1 && first.ending == nil && first.spawn == nil)
        #expect(first.records.last?.attempt == 1 && first.records.last?.current == nil)
        #expect(first.records.last?.failures.total == 1)
        let again = desk.tell(.timer(.backoff), after: .seconds(1))
        #expect(again.spawn?.attempt == 2)
        let second = desk.tell(Self.refused)
        #expect(second.warnings.isEmpty && second.records.last?.failures.withoutProgress == 1)
        desk.tell(.timer(.backoff), after: .seconds(1))
        let over = desk.tell(.spawned(pid: 5))
        #expect(over.warnings == ["the machine's shortage is over after 2 s; attempt 2 runs"])
    }

    @Test("a stop during it ends the run at once, as stopped")
    func stop() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1))
        desk.tell(.timer(.backoff), after: .seconds(100))
        desk.tell(Self.refused)
        let stopped = desk.tell(.signal(.stop(number: 15, name: "SIGTERM")))
        #expect(stopped.records.last?.outcome?.kind == .stopped)
    }

    @Test(
        "at the start of a supervisor the record waits for the disk each time, and 30 s are the end"
    )
    func start() {
        var desk = Desk()
        desk.tell(.started)
        desk.tell(.recorded)
        desk.tell(Self.refused)
        let again = desk.tell(.timer(.backoff), after: .milliseconds(100))
        #expect(again.spawn == nil)
        #expect(desk.tell(.recorded).spawn?.attempt == 1)
        let end = desk.tell(Self.refused, after: .seconds(31))
        guard case .refused(let message)? = end.ending else {
            Issue.record("\(end)")
            return
        }
        #expect(message.contains("clone: no process; raise the limit; tried for 31 s"))
        #expect(end.records.last?.current == nil && end.records.last?.attempt == 0)
    }

    @Test("what cannot be looked at is looked at again, ever more seldom, and told once")
    func unseen() {
        var desk = Desk()
        desk.run()
        desk.tell(.jobExited(.exited(1)))
        let first = desk.tell(.hindered(.tree("open /proc: Too many open files")))
        #expect(first.warnings.count == 1 && first.timer(.again) != nil)
        let again = desk.tell(.timer(.again), after: .milliseconds(100))
        #expect(again.contains(.tryAgain))
        #expect(desk.tell(.hindered(.tree("the same"))).warnings.isEmpty)
        // That nobody can tell is not that somebody outlives SIGKILL.
        let late = desk.tell(.timer(.abandon), after: .seconds(10))
        #expect(late.warnings.count == 1 && late.warnings[0].contains("cannot be told (the same)"))
    }

    @Test("what outlives SIGKILL is sent it again, until it is gone")
    func outlived() {
        var desk = Desk()
        desk.run()
        desk.tell(.jobExited(.exited(1)))
        let late = desk.tell(.timer(.abandon), after: .seconds(10))
        #expect(late.warnings.count == 1 && late.warnings[0].contains("does not end"))
        #expect(late.timer(.again) != nil)
        let again = desk.tell(.timer(.again), after: .seconds(11))
        #expect(again.contains(.tryAgain) && again.timer(.again) != nil)
        desk.tell(.descendantsGone, after: .seconds(12))
        #expect(desk.tell(.timer(.again), after: .seconds(13)).timer(.again) == nil)
    }

    @Test("nothing is said to outlive SIGKILL while only a commit is being finished")
    func commitOnly() {
        var desk = Desk()
        desk.run()
        let id = desk.begin()
        desk.say(.commit(.init(id: id)))
        desk.tell(.jobExited(.exited(1)))
        desk.tell(.descendantsGone)
        let late = desk.tell(.timer(.abandon), after: .seconds(100))
        #expect(late.warnings.isEmpty && late.ending == nil)
    }
}
