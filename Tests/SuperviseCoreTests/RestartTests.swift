import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A restart that is asked for")
struct RestartTests {
    private static func running(_ change: (inout Settings) -> Void = { _ in }) -> Desk {
        var desk = Desk { settings in
            settings.checkpointTimeout = .seconds(10)
            settings.stopTimeout = .seconds(4)
            change(&settings)
        }
        desk.run()
        return desk
    }

    @Test("asks for a final checkpoint, ends the job and starts it again from there at once")
    func goesOn() {
        var desk = Self.running()
        let asked = desk.control("restart", on: 9)
        #expect(!asked.sent.contains(.ok))
        #expect(asked.requests.first?.final == true && asked.requests.first?.reason == .manual)
        #expect(asked.requests.first?.deadline == 10)
        let made = desk.save(step: 3, request: asked.requests.first?.request)
        #expect(made.tellsToStop)
        // No exit completes it, and none is a failure.
        let ended = desk.end(.exited(0), after: .seconds(1))
        #expect(ended.ending == nil && ended.records.last?.failures.total == 0)
        #expect(ended.timer(.backoff) == Duration.seconds(1).wholeNanoseconds)
        #expect(desk.tell(.timer(.backoff)).verified == checkpoint(1, step: 3))
        let next = desk.tell(.verified(checkpoint(1, step: 3), .good(metadata: [:])))
        #expect(next.spawn?.attempt == 2)
        #expect(desk.supervisor.stop == nil)
    }

    @Test("is bounded as a stop is, but starts nothing beside what outlives SIGKILL")
    func bounded() {
        var desk = Self.running()
        let asked = desk.control("restart")
        #expect(asked.timer(.stopDeadline) == Duration.seconds(10).wholeNanoseconds)
        let told = desk.tell(.timer(.stopDeadline), after: .seconds(10))
        #expect(told.tellsToStop && told.contains(.signalLeader(15)))
        #expect(told.timer(.kill) == Duration.seconds(14).wholeNanoseconds)
        #expect(desk.tell(.timer(.kill), after: .seconds(4)).contains(.killEverything))
        let outlives = desk.tell(.timer(.abandon), after: .seconds(1))
        #expect(outlives.ending == nil && outlives.spawn == nil)
        #expect(outlives.warnings.count == 1)
        let gone = desk.end(.signaled(number: 9, name: "SIGKILL"))
        #expect(gone.timer(.backoff) != nil)
    }

    @Test("does not go on while a descendant outlives SIGKILL")
    func descendantStays() {
        var desk = Self.running()
        desk.control("restart", checkpoint: false)
        desk.tell(.jobExited(.exited(0)), after: .seconds(1))
        #expect(desk.tell(.timer(.kill), after: .seconds(3)).contains(.killEverything))
        let outlives = desk.tell(.timer(.abandon), after: .seconds(1))
        #expect(outlives.timer(.backoff) == nil && outlives.warnings.count == 1)
        #expect(desk.tell(.descendantsGone, after: .seconds(50)).timer(.backoff) != nil)
    }

    @Test("waits for a commit that was received, however long the disk takes")
    func waitsForCommit() {
        var desk = Self.running()
        let request = desk.control("restart").requests.first?.request
        let id = desk.begin(step: 1, request: request)
        desk.say(.commit(.init(id: id, request: request)))
        desk.tell(.jobExited(.exited(0)))
        #expect(desk.tell(.descendantsGone).timer(.backoff) == nil)
        #expect(desk.tell(.timer(.stopDeadline), after: .seconds(10)).timer(.backoff) == nil)
        let done = desk.tell(.committed(Desk.summary(id), seconds: 100), after: .seconds(100))
        #expect(done.timer(.backoff) != nil)
    }

    @Test("twice is one; in a stop it is refused, and where the job has just ended")
    func refused() {
        var desk = Self.running()
        desk.control("restart")
        let again = desk.control("restart", after: .seconds(1))
        #expect(again.sent.isEmpty)
        #expect(desk.supervisor.stop?.count == 1)
        desk.tell(sigterm, after: .seconds(1))
        #expect(desk.control("restart").errors == [.stopping])
        var other = Self.running()
        other.tell(.jobExited(.exited(0)))
        #expect(other.control("restart").errors == [.conflict])
        #expect(other.tell(.descendantsGone).ending == .completed)
    }

    @Test("without a checkpoint tells the job at once")
    func withoutCheckpoint() {
        var desk = Self.running()
        let actions = desk.control("restart", checkpoint: false)
        #expect(actions.tellsToStop && actions.contains(.signalLeader(15)))
    }

    @Test("a wait for the next attempt ends by it, and so does a pause")
    func inBackoff() {
        var desk = Self.running()
        desk.end(.exited(1))
        desk.control("pause")
        let actions = desk.control("restart")
        #expect(actions.contains(.cancelTimer(.backoff)))
        #expect(actions.spawn?.attempt == 2)
        #expect(!desk.supervisor.isPaused)
        let paused = Self.running()
        var other = paused
        other.control("pause")
        #expect(other.control("restart").contains(.unpauseJob))
    }

    @Test("a stop that comes meanwhile makes an end of it, by what was begun already")
    func stopMeanwhile() {
        var desk = Self.running()
        let request = desk.control("restart").requests.first?.request
        let stop = desk.tell(sigterm, after: .seconds(3))
        #expect(stop.requests.isEmpty && !stop.tellsToStop)
        #expect(desk.supervisor.stop?.count == 1)
        desk.save(step: 1, request: request)
        #expect(desk.end(.exited(0)).ending == .stopped(signal: 15))
    }

    @Test("a stop after the restart's own time is bounded anew")
    func stopLate() {
        var desk = Self.running()
        desk.control("restart", checkpoint: false)
        desk.tell(.timer(.kill), after: .seconds(4))
        desk.tell(.timer(.abandon), after: .seconds(1))
        let stop = desk.tell(sigterm, after: .seconds(100))
        #expect(stop.timer(.abandon) == Duration.seconds(106).wholeNanoseconds)
        #expect(desk.tell(.timer(.abandon), after: .seconds(1)).ending == .stopped(signal: 15))
    }

    @Test("a stop without a checkpoint ends the wait for the restart's")
    func stopWithoutCheckpoint() {
        var desk = Self.running()
        desk.control("restart")
        #expect(desk.control("stop", checkpoint: false).tellsToStop)
    }

    @Test("the work since the last checkpoint is lost, and said to be")
    func losesWork() {
        var desk = Self.running()
        desk.control("restart", checkpoint: false, after: .seconds(7))
        let totals = desk.end(.exited(0)).records.last?.totals
        #expect(totals?.lost == 7)
    }

    @Test("of a job that cannot be started any more is an ordinary failure")
    func spawnFails() {
        var desk = Self.running()
        desk.end(.exited(1))
        desk.tell(.timer(.backoff), after: .seconds(5))
        desk.control("restart")
        let actions = desk.tell(.spawnFailed(.notFound("it is gone")))
        #expect(actions.timer(.backoff) != nil && actions.ending == nil)
        #expect(desk.supervisor.stop == nil)
    }
}
