import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Why the job was started again")
struct LastFailureTests {
    private static func welcome(_ actions: [Action]) -> SupervisorMessage.Welcome? {
        actions.sent.lazy.compactMap { if case .welcome(let it) = $0 { it } else { nil } }.first
    }

    /// The next attempt: how its environment says it, and its welcome.
    private static func next(
        _ desk: inout Desk
    ) -> (kind: Failure.Kind?, told: LastFailure?) {
        let spawn = desk.tell(.timer(.backoff), after: .seconds(100)).spawn
        desk.tell(.spawned(pid: 101))
        return (spawn?.lastFailure, welcome(desk.hello())?.lastFailure)
    }

    @Test("a first attempt is told nothing")
    func first() {
        var desk = Desk()
        desk.tell(.started)
        #expect(desk.tell(.recorded).spawn?.lastFailure == nil)
        desk.tell(.spawned(pid: 100))
        #expect(Self.welcome(desk.hello())?.lastFailure == nil)
    }

    @Test("after a crash: the status or the signal, the attempt and the work that was lost")
    func crash() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(3), after: .seconds(5))
        let (kind, told) = Self.next(&desk)
        #expect(kind == .crash && told?.kind == .crash && told?.attempt == 1)
        #expect(told?.exitCode == 3 && told?.signal == nil && told?.lostSeconds == 5)
        desk.end(.signaled(number: 11, name: "SIGSEGV"))
        #expect(Self.next(&desk).told?.signal == "SIGSEGV")
    }

    @Test("out of memory, also where only a descendant was killed and the leader then fails")
    func outOfMemory() {
        for end in [JobEnd.signaled(number: 9, name: "SIGKILL"), .exited(1)] {
            var desk = Desk()
            desk.run()
            desk.tell(.outOfMemory(processes: 1))
            let actions = desk.end(end)
            #expect(actions.records.last?.failures.last?.kind == .oom)
            #expect(actions.records.last?.failures.withoutProgress == 1)
            let (kind, told) = Self.next(&desk)
            #expect(kind == .oom && told?.kind == .oom)
            // The next attempt has its own count.
            desk.end(.exited(1))
            #expect(Self.next(&desk).kind == .crash)
        }
    }

    @Test("a job that survives the loss of a process for lack of memory completes")
    func survives() {
        var desk = Desk()
        desk.run()
        desk.tell(.outOfMemory(processes: 2))
        #expect(desk.end(.exited(0)).ending == .completed)
    }

    @Test("out of memory is final where its exit status is among the fatal ones")
    func fatal() {
        var desk = Desk { $0.fatalExitCodes = [3] }
        desk.run()
        desk.tell(.outOfMemory(processes: 1))
        #expect(desk.end(.exited(3)).ending == .failed(status: 3))
    }

    @Test("nothing after a restart that somebody asked for")
    func asked() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(3))
        _ = Self.next(&desk)
        desk.control("restart", checkpoint: false)
        desk.end(.signaled(number: 15, name: "SIGTERM"))
        let (kind, told) = Self.next(&desk)
        #expect(kind == nil && told == nil)
    }

    @Test("machine, after the supervisor itself had died")
    func machine() {
        var desk = Desk()
        desk.run()
        let record = desk.say(.progress(.init(step: 1))).records.last ?? Desk.record()
        var next = Desk(record)
        next.tell(.started)
        #expect(next.tell(.recorded).spawn?.lastFailure == .machine)
        next.tell(.spawned(pid: 100))
        #expect(Self.welcome(next.hello())?.lastFailure?.kind == .machine)
    }

    @Test("the last failure, where the run was stopped or given up before the next attempt")
    func afterStop() {
        var desk = Desk { $0.maxFailures = 1 }
        desk.run()
        desk.tell(.outOfMemory(processes: 1))
        let record = desk.end(.exited(3)).records.last ?? Desk.record()
        #expect(record.outcome?.kind == .failed)
        var next = Desk(record)
        next.tell(.started)
        #expect(next.tell(.recorded).spawn?.lastFailure == .oom)
    }

    @Test("nothing, where the last attempt was stopped, whatever an earlier one failed of")
    func stoppedSince() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(3))
        _ = Self.next(&desk)
        desk.control("stop", checkpoint: false)
        let record = desk.end(.signaled(number: 15, name: "SIGTERM")).records.last
        var next = Desk(record ?? Desk.record())
        next.tell(.started)
        #expect(next.tell(.recorded).spawn?.lastFailure == nil)
    }
}
