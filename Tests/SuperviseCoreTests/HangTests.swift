import SuperviseCore
import SuperviseFormats
import Testing

@Suite("A job that hangs")
struct HangTests {
    private static let found = Event.Examination(text: "it sleeps\n", processes: 2, threads: 9)

    private func desk(
        heartbeat: Duration? = nil, progress: Duration? = nil, speaks: Bool = true,
        _ change: (inout Settings) -> Void = { _ in }
    ) -> Desk {
        var desk = Desk {
            $0.heartbeatTimeout = heartbeat
            $0.progressTimeout = progress
            change(&$0)
        }
        desk.run(speaks: speaks)
        return desk
    }

    @Test("one that never says anything hangs from its start on")
    func silent() {
        var desk = Desk { $0.heartbeatTimeout = .seconds(60) }
        desk.tell(.started)
        desk.tell(.recorded, after: .seconds(1))
        #expect(desk.tell(.spawned(pid: 100), after: .seconds(9)).timer(.hang) == 70_000_000_000)
        let actions = desk.tell(.timer(.hang), after: .seconds(60))
        #expect(actions.contains(.examine) && !actions.contains(.killEverything))
        let end = desk.tell(.examined(Self.found), after: .milliseconds(20))
        #expect(end.contains(.killEverything))
        let hung = end.hung
        #expect(hung?.cause == .heartbeat && hung?.silent == 60 && hung?.never == true)
        #expect(hung?.processes == 2 && hung?.threads == 9 && hung?.text == "it sleeps\n")
        #expect(hung?.report == "output/hang-0001.txt")
        #expect(end.contains { if case .saveReport(_, "it sleeps\n") = $0 { true } else { false } })
    }

    @Test("it is counted as a failure, and the report is named")
    func counted() {
        var desk = desk(heartbeat: .seconds(60)) { $0.maxFailures = 2 }
        for attempt in 1...2 {
            desk.hang()
            let actions = desk.end(.signaled(number: 9, name: "SIGKILL"))
            let failure = actions.failure
            #expect(failure?.kind == .hang && failure?.signal == "SIGKILL")
            #expect(failure?.report == "output/hang-000\(attempt).txt")
            if attempt == 1 {
                desk.restart()
            } else {
                #expect(actions.ending == .failed(status: 137))
            }
        }
    }

    @Test("signs of life set no timer; what there was is looked at when it goes off")
    func lazy() {
        var desk = desk(heartbeat: .seconds(60))
        for _ in 1...5 { #expect(desk.say(.heartbeat, after: .seconds(10)).isEmpty) }
        let actions = desk.tell(.timer(.hang), after: .seconds(10))
        #expect(actions == [.setTimer(.hang, at: .init(nanoseconds: 110_000_000_000))])
        #expect(desk.tell(.timer(.hang), after: .seconds(50)).contains(.examine))
    }

    @Test("what an operator says is no sign of life")
    func operators() {
        var desk = desk(heartbeat: .seconds(60))
        desk.say(.control(.init(command: "status")), on: 5, after: .seconds(59))
        desk.say(.heartbeat, on: 6)
        #expect(desk.tell(.timer(.hang), after: .seconds(1)).contains(.examine))
    }

    @Test("only a higher step is progress, and heartbeats are none")
    func progress() {
        var desk = desk(progress: .seconds(60))
        desk.say(.progress(.init(step: 5)), after: .seconds(10))
        desk.say(.heartbeat, after: .seconds(20))
        desk.say(.progress(.init(step: 5)), after: .seconds(10))
        desk.say(.progress(.init(step: 3)), after: .seconds(10))
        desk.say(.progress(.init(step: 4)), after: .seconds(9))
        #expect(desk.tell(.timer(.hang), after: .seconds(1)).timer(.hang) == 70_000_000_000)
        let actions = desk.tell(.timer(.hang), after: .seconds(10))
        #expect(actions.contains(.examine))
        let hung = desk.tell(.examined(Self.found)).hung
        #expect(hung?.cause == .progress && hung?.silent == 60 && hung?.never == false)
    }

    @Test("a checkpoint of a higher step is progress too, one of the same step is none")
    func committedSteps() {
        var desk = desk(progress: .seconds(60))
        desk.say(.progress(.init(step: 5)))
        desk.tell(.warned("time passes"), after: .seconds(30))
        desk.save(step: 6)
        desk.tell(.warned("time passes"), after: .seconds(30))
        desk.save(step: 6)
        #expect(desk.tell(.timer(.hang)).timer(.hang) == 90_000_000_000)
        desk.tell(.warned("time passes"), after: .seconds(29))
        desk.save(step: nil)
        #expect(desk.tell(.timer(.hang), after: .seconds(1)).timer(.hang) == 149_000_000_000)
    }

    @Test("the time of a checkpoint does not count, and after it the count goes on")
    func checkpointTime() {
        var desk = desk(progress: .seconds(60)) { $0.checkpointTimeout = .seconds(500) }
        desk.say(.progress(.init(step: 5)))
        desk.tell(.warned("time passes"), after: .seconds(20))
        let id = desk.begin(step: 5)
        #expect(desk.tell(.timer(.hang), after: .seconds(40)).timer(.hang) == 520_000_000_000)
        desk.say(.commit(.init(id: id)), after: .seconds(60))
        // The disk takes its time, and the job may wait for it.
        #expect(desk.tell(.timer(.hang), after: .seconds(400)).isEmpty)
        let actions = desk.tell(.committed(Desk.summary(id), seconds: 1), after: .seconds(80))
        #expect(actions.timer(.hang) == 640_000_000_000)
        #expect(desk.tell(.timer(.hang), after: .seconds(40)).contains(.examine))
    }

    @Test("a checkpoint that does not grow is a hang, whatever signs of life there are")
    func growth() {
        var desk = desk(progress: .seconds(600))
        desk.tell(.warned("time passes"), after: .seconds(100))
        let began = desk.say(.begin(.init(step: 1)))
        #expect(began.timer(.hang) == 160_000_000_000)
        let id = desk.supervisor.openCheckpoint?.id ?? checkpoint(1)
        desk.say(.heartbeat, after: .seconds(59))
        #expect(desk.tell(.timer(.hang), after: .seconds(1)).contains(.measureStaging(id)))
        let grown = desk.tell(.stagingMeasured(id, .init(bytes: 10, files: 1)))
        #expect(grown.timer(.hang) == 220_000_000_000)
        desk.tell(.timer(.hang), after: .seconds(60))
        let actions = desk.tell(.stagingMeasured(id, .init(bytes: 10, files: 1)))
        #expect(actions.contains(.examine))
        #expect(desk.tell(.examined(Self.found)).hung?.cause == .checkpoint)
    }

    @Test("who only wants signs of life has them in a checkpoint as well")
    func heartbeatsWhileSaving() {
        var desk = desk(heartbeat: .seconds(10))
        let id = desk.begin()
        desk.say(.heartbeat, after: .seconds(50))
        #expect(desk.tell(.timer(.hang), after: .seconds(10)).timer(.hang) == 110_000_000_000)
        #expect(desk.tell(.timer(.hang), after: .seconds(50)).contains(.measureStaging(id)))
        #expect(desk.say(.heartbeat).timer(.hang) == nil)
        #expect(
            desk.tell(.stagingMeasured(id, .init(bytes: 0, files: 0))).timer(.hang)
                == 170_000_000_000)
    }

    @Test("a file that is taken up is a sign of life, and its checkpoint a step")
    func watched() {
        var desk = desk(heartbeat: .seconds(60), progress: .seconds(60), speaks: false) {
            $0.watch = [WatchPattern("/out/*")].compactMap { $0 }
        }
        let file = WatchedFile(
            path: "/out/a", step: nil, completedAt: Instant(nanoseconds: 0), wasMoved: true)
        let id = desk.tell(.watched([file]), after: .seconds(50)).commit?.id ?? checkpoint(9)
        desk.tell(.committed(Desk.summary(id), seconds: 1))
        #expect(desk.tell(.timer(.hang), after: .seconds(10)).timer(.hang) == 110_000_000_000)
    }

    @Test("time in which the job stood still with us does not count")
    func stoodStill() {
        var desk = desk(heartbeat: .seconds(60))
        let moved = desk.tell(.stoodStill(.seconds(100)), after: .seconds(110))
        #expect(moved.timer(.hang) == 160_000_000_000)
        #expect(desk.tell(.timer(.hang), after: .seconds(50)).contains(.examine))
    }

    @Test("a timer that goes off far too late tells that we were stopped: the count starts anew")
    func late() {
        var desk = desk(heartbeat: .seconds(60))
        let actions = desk.tell(.timer(.hang), after: .seconds(1000))
        #expect(actions == [.setTimer(.hang, at: .init(nanoseconds: 1_060_000_000_000))])
        #expect(desk.tell(.timer(.hang), after: .milliseconds(60_900)).contains(.examine))
    }

    @Test("the look at it is bounded, and so is the command of --on-hang")
    func bounded() {
        var desk = desk(heartbeat: .seconds(60)) {
            $0.onHang = ShellWords("look --pid {pid} 'a b'")
            $0.onHangTimeout = .seconds(7)
        }
        let look = desk.tell(.timer(.hang), after: .seconds(60))
        #expect(look.timer(.diagnosis) == 65_000_000_000)
        #expect(desk.tell(.timer(.diagnosis), after: .seconds(5)).contains(.endDiagnosis))
        let asked = desk.tell(.examined(Self.found))
        #expect(asked.contains(.runOnHang(["look", "--pid", "100", "a b"])))
        #expect(asked.timer(.diagnosis) == 72_000_000_000)
        #expect(!asked.contains(.killEverything))
        #expect(desk.tell(.timer(.diagnosis), after: .seconds(7)).contains(.endDiagnosis))
        let end = desk.tell(.onHangEnded("look: had not ended"))
        #expect(end.contains(.killEverything))
        #expect(end.hung?.text == "it sleeps\n\nlook: had not ended")
        // What comes too late is nothing new.
        #expect(desk.tell(.onHangEnded("look")).isEmpty)
        #expect(desk.tell(.examined(Self.found)).isEmpty)
    }

    @Test("what is told in the events is bounded, the report is not")
    func boundedEvent() {
        var desk = desk(heartbeat: .seconds(60)) { $0.onHang = ShellWords("look") }
        desk.tell(.timer(.hang), after: .seconds(60))
        let long = String(repeating: "x", count: 100_000)
        desk.tell(.examined(.init(text: long, processes: 1, threads: 1)))
        let end = desk.tell(.onHangEnded(long))
        #expect((end.hung?.text.count ?? 0) < 17_000)
        #expect(
            end.contains {
                if case .saveReport(_, let text) = $0 { text.count > 200_000 } else { false }
            })
    }

    @Test("a stop is obeyed at once, without a final checkpoint", arguments: [true, false])
    func stopped(isAsking: Bool) {
        var desk = desk(heartbeat: .seconds(60)) { $0.onHang = ShellWords("look") }
        desk.tell(.timer(.hang), after: .seconds(60))
        if isAsking { desk.tell(.examined(Self.found)) }
        let actions = desk.tell(sigterm)
        #expect(actions.contains(.endDiagnosis) && actions.contains(.cancelTimer(.diagnosis)))
        #expect(actions.contains(.signalLeader(15)) && actions.requests.isEmpty)
        #expect(desk.tell(isAsking ? .onHangEnded("") : .examined(Self.found)).isEmpty)
        #expect(desk.end(.signaled(number: 15, name: "SIGTERM")).ending == .stopped(signal: 15))
    }

    @Test("a restart that is asked for meanwhile is made at once, and no failure")
    func restarted() {
        var desk = desk(heartbeat: .seconds(60))
        desk.tell(.timer(.hang), after: .seconds(60))
        let actions = desk.say(.control(.init(command: "restart")), on: 9)
        #expect(actions.contains(.endDiagnosis) && actions.contains(.signalLeader(15)))
        #expect(actions.requests.isEmpty)
        let end = desk.end(.signaled(number: 15, name: "SIGTERM"))
        #expect(end.failure == nil && end.timer(.backoff) != nil)
        desk.restart()
        #expect(desk.supervisor.attempt?.hang.stage == nil)
    }

    @Test("a paused job does not hang, and has the rest of its time when it goes on")
    func paused() {
        var desk = desk(heartbeat: .seconds(60))
        desk.say(.control(.init(command: "pause")), on: 9, after: .seconds(50))
        #expect(desk.tell(.warned("time passes"), after: .seconds(1000)).timer(.hang) == nil)
        let actions = desk.say(.control(.init(command: "unpause")), on: 9)
        #expect(actions.timer(.hang) == 1_060_000_000_000)
        #expect(desk.tell(.timer(.hang), after: .seconds(10)).contains(.examine))
    }

    @Test("one that is paused while it is measured is measured again when it goes on")
    func pausedWhileMeasured() {
        var desk = desk(heartbeat: .seconds(60))
        let id = desk.begin()
        #expect(desk.tell(.timer(.hang), after: .seconds(60)).contains(.measureStaging(id)))
        desk.say(.control(.init(command: "pause")), on: 9, after: .seconds(2))
        let none = Event.StagingSize(bytes: 0, files: 0)
        let measured = desk.tell(.stagingMeasured(id, none), after: .seconds(100))
        #expect(!measured.contains(.examine) && measured.timer(.hang) == nil)
        let actions = desk.say(.control(.init(command: "unpause")), on: 9, after: .seconds(100))
        #expect(actions.timer(.hang) == 262_000_000_000)
        #expect(desk.tell(.timer(.hang)).contains(.measureStaging(id)))
        #expect(desk.tell(.stagingMeasured(id, none)).contains(.examine))
    }

    @Test("one that is paused while it is looked at is killed all the same")
    func pausedTooLate() {
        var desk = desk(heartbeat: .seconds(60))
        desk.tell(.timer(.hang), after: .seconds(60))
        desk.say(.control(.init(command: "pause")), on: 9)
        #expect(desk.tell(.timer(.diagnosis), after: .seconds(5)).contains(.endDiagnosis))
        #expect(desk.tell(.examined(Self.found)).contains(.killEverything))
    }

    @Test("with --restart always, one that was killed has failed, whatever it exits with")
    func always() {
        var desk = desk(heartbeat: .seconds(60)) { $0.restart = .always }
        desk.hang()
        #expect(desk.end(.exited(0)).failure?.kind == .hang)
    }

    @Test("once a stop was asked for, nobody looks for hangs")
    func notWhileStopping() {
        var desk = desk(heartbeat: .seconds(60))
        #expect(desk.tell(sigterm).contains(.cancelTimer(.hang)))
        #expect(desk.say(.heartbeat).timer(.hang) == nil)
    }

    @Test("one that ends by itself while it is looked at has not hung")
    func endsByItself() {
        var desk = desk(heartbeat: .seconds(60))
        desk.tell(.timer(.hang), after: .seconds(60))
        #expect(desk.tell(.jobExited(.exited(0))).contains(.endDiagnosis))
        #expect(desk.tell(.descendantsGone).ending == .completed)
        desk = self.desk(heartbeat: .seconds(60))
        desk.tell(.timer(.hang), after: .seconds(60))
        #expect(desk.end(.exited(3)).failure?.kind == .crash)
    }

    @Test("one that was killed has hung, even where it was quicker to exit with 0")
    func quickerThanTheKill() {
        var desk = desk(heartbeat: .seconds(60))
        desk.hang()
        #expect(desk.tell(.jobExited(.exited(0))).contains(.endDescendants(.atOnce)))
        #expect(desk.tell(.descendantsGone).failure?.kind == .hang)
    }

    @Test("one that not even SIGKILL ends is waited for, and that is said")
    func unkillable() {
        var desk = desk(heartbeat: .seconds(60))
        #expect(desk.hang().timer(.abandon) == 70_000_000_000)
        let actions = desk.tell(.timer(.abandon), after: .seconds(10))
        #expect(actions.warnings.count == 1 && actions.ending == nil)
        #expect(desk.end(.signaled(number: 9, name: "SIGKILL")).failure?.kind == .hang)
    }

    @Test("without the options nobody looks")
    func off() {
        var desk = desk()
        #expect(desk.say(.heartbeat).isEmpty)
        #expect(desk.tell(.warned("a day passes"), after: .seconds(86_400)).timer(.hang) == nil)
    }

    @Test("a heartbeat time-out and a progress time-out are each kept")
    func both() {
        var desk = desk(heartbeat: .seconds(60), progress: .seconds(100))
        desk.say(.heartbeat, after: .seconds(55))
        #expect(desk.tell(.timer(.hang), after: .seconds(5)).timer(.hang) == 100_000_000_000)
        desk.tell(.timer(.hang), after: .seconds(40))
        #expect(desk.tell(.examined(Self.found)).hung?.cause == .progress)
    }
}

extension Desk {
    /// From the last sign to the kill, with a time-out of 60 s; the actions of the last step.
    @discardableResult
    fileprivate mutating func hang() -> [Action] {
        tell(.timer(.hang), after: .seconds(60))
        return tell(.examined(.init(text: "", processes: 1, threads: 1)))
    }
}

extension [Action] {
    fileprivate var hung: RunEvent.Hung? {
        lazy.compactMap { if case .log(.hung(let hung)) = $0 { hung } else { nil } }.first
    }

    fileprivate var failure: Failure? {
        lazy.compactMap { if case .log(.failed(let failed)) = $0 { failed.failure } else { nil } }
            .first
    }
}
