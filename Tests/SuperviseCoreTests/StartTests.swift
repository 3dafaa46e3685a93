import SuperviseCore
import SuperviseFormats
import Testing

@Suite("The start")
struct StartTests {
    @Test("waits for the record of the first attempt, and restarts do not")
    func record() {
        var desk = Desk()
        let actions = desk.tell(.started)
        #expect(actions.contains { if case .record(_, confirm: true) = $0 { true } else { false } })
        #expect(actions.spawn == nil)
        #expect(desk.tell(.recorded).spawn?.attempt == 1)
        desk.tell(.spawned(pid: 1))
        desk.end(.exited(1))
        #expect(desk.tell(.timer(.backoff)).spawn?.attempt == 2)
    }

    @Test("ends with 125 where the first record cannot be written; later the job goes on")
    func recordFails() {
        var desk = Desk()
        desk.tell(.started)
        guard case .refused? = desk.tell(.recordFailed("no space left")).ending else {
            Issue.record("it goes on")
            return
        }
        var running = Desk()
        running.run()
        #expect(running.tell(.recordFailed("no space left")).warnings.count == 1)
        #expect(running.supervisor.phase == .running)
    }

    @Test("ends what an earlier supervisor left before anything else, and says so")
    func leftovers() {
        var desk = Desk(mayHaveLeftovers: true)
        let actions = desk.tell(.started)
        #expect(actions.contains(.endLeftovers) && actions.records.isEmpty)
        #expect(desk.tell(.timer(.abandon), after: .seconds(10)).warnings.count == 1)
        let gone = desk.tell(.leftoversEnded(["python3 (4711)"]), after: .seconds(100))
        #expect(gone.contains(.log(.leftovers(.init(processes: ["python3 (4711)"])))))
        #expect(gone.records.count == 1)
    }

    @Test("nothing is started while nobody can tell what an earlier supervisor has left")
    func leftoversUnseen() {
        var desk = Desk(mayHaveLeftovers: true)
        desk.tell(.started)
        let unseen = desk.tell(.leftoversUnseen("open /proc: refused", ended: ["sh (1)"]))
        #expect(unseen.warnings.count == 1 && unseen.warnings[0].contains("open /proc: refused"))
        #expect(unseen.spawn == nil && unseen.records.isEmpty)
        let late = desk.tell(.timer(.abandon), after: .seconds(10))
        #expect(late.warnings.count == 1 && late.warnings[0].contains("cannot be told"))
        #expect(desk.tell(.timer(.again), after: .seconds(10)).contains(.endLeftovers))
        // A search is under way, and no second one is begun.
        #expect(!desk.tell(.timer(.again), after: .seconds(10)).contains(.endLeftovers))
        let gone = desk.tell(.leftoversEnded(["job (2)"]), after: .seconds(11))
        #expect(gone.contains(.log(.leftovers(.init(processes: ["sh (1)", "job (2)"])))))
        #expect(gone.records.count == 1)
    }

    @Test("a stop while nobody can tell what is left is bounded, and leaves the record as it was")
    func stopWhileUnseen() {
        var desk = Desk(mayHaveLeftovers: true) { $0.stopTimeout = .seconds(10) }
        desk.tell(.started)
        desk.tell(.leftoversUnseen("open /proc: refused", ended: []))
        #expect(desk.tell(sigterm).ending == nil)
        let actions = desk.tell(.timer(.abandon), after: .seconds(11))
        #expect(actions.ending == .stopped(signal: 15) && actions.records.isEmpty)
    }

    @Test("a stop while leftovers end waits for them, and records that it stopped")
    func stopWhileClearing() {
        var desk = Desk(mayHaveLeftovers: true)
        desk.tell(.started)
        #expect(desk.tell(sigterm).ending == nil)
        let actions = desk.tell(.leftoversEnded([]), after: .seconds(1))
        #expect(actions.ending == .stopped(signal: 15))
        #expect(actions.records.last?.outcome?.kind == .stopped)
    }

    @Test("a stop while leftovers do not end is bounded, and leaves the record as it was found")
    func stopIsBounded() {
        var desk = Desk(mayHaveLeftovers: true) { $0.stopTimeout = .seconds(10) }
        desk.tell(.started)
        #expect(desk.tell(sigterm).timer(.abandon) == 11_000_000_000)
        let actions = desk.tell(.timer(.abandon), after: .seconds(11))
        #expect(actions.ending == .stopped(signal: 15) && actions.records.isEmpty)
    }

    @Test("an attempt that stands in the record was ended by the machine, which does not count")
    func machineFailure() {
        var record = Desk.record()
        record.attempt = 4
        record.failures.withoutProgress = 2
        record.current = .init(
            token: "t", resumedFrom: checkpoint(1), started: .zero, progressed: false)
        var desk = Desk(record, checkpoints: [checkpoint(1)])
        desk.tell(.started)
        let failures = desk.supervisor.record.failures
        #expect(failures.withoutProgress == 2 && failures.last?.kind == .machine)
        #expect(failures.suspects == ["000001": 1])
    }

    @Test("a machine's failure under an attempt that moved forward makes nothing suspect")
    func machineFailureAfterProgress() {
        var record = Desk.record()
        record.attempt = 4
        record.current = .init(
            token: "t", resumedFrom: checkpoint(1), started: .zero, progressed: true)
        var desk = Desk(record, checkpoints: [checkpoint(1)])
        desk.tell(.started)
        #expect(desk.supervisor.record.failures.suspects.isEmpty)
    }

    @Test("counts survive an unclean end, and start at zero after a clean one")
    func counts() {
        var record = Desk.record()
        record.attempt = 4
        record.failures.withoutProgress = 2
        record.failures.suspects = ["000001": 1]
        var unclean = Desk(record, checkpoints: [checkpoint(1)])
        unclean.tell(.started)
        #expect(unclean.supervisor.record.failures.withoutProgress == 2)
        record.outcome = Outcome(kind: .stopped)
        var clean = Desk(record, checkpoints: [checkpoint(1)])
        clean.tell(.started)
        #expect(clean.supervisor.record.failures.withoutProgress == 0)
        #expect(clean.supervisor.record.failures.suspects.isEmpty)
        #expect(clean.supervisor.record.outcome == nil)
    }

    @Test("numbers go on after the highest that the record or the disk knows")
    func numbers() {
        var record = Desk.record()
        record.sequence = 7
        var desk = Desk(record, checkpoints: [checkpoint(9)])
        desk.run()
        #expect(desk.begin(step: nil) == checkpoint(10))
    }

    @Test("an attempt's token is the run's half and sixteen digits of its own")
    func tokens() {
        var desk = Desk()
        desk.run()
        let first = desk.supervisor.attempt?.token ?? ""
        desk.end(.exited(1))
        desk.restart()
        let second = desk.supervisor.attempt?.token ?? ""
        #expect(first.hasPrefix(Desk.firstToken) && second.hasPrefix(Desk.firstToken))
        #expect(first.count == 32 && second.count == 32 && first != second)
    }

    @Test("leftovers are possible after every end but a clean one, on the same boot")
    func mayHaveLeftovers() {
        var record = Desk.record()
        #expect(!record.mayHaveLeftovers(bootID: "b"), "nothing was ever started")
        record.attempt = 1
        #expect(record.mayHaveLeftovers(bootID: "b"))
        #expect(!record.mayHaveLeftovers(bootID: "another boot"))
        record.outcome = Outcome(kind: .stopped)
        #expect(!record.mayHaveLeftovers(bootID: "b"))
        record.current = .init(token: "t", resumedFrom: nil, started: .zero, progressed: false)
        #expect(record.mayHaveLeftovers(bootID: "b"), "something had to be left behind")
        #expect(record.mayHaveLeftovers(bootID: nil), "nobody knows whether it is another boot")
    }

    @Test("after its end a supervisor tells whoever asks that the run has ended")
    func afterTheEnd() {
        var desk = Desk()
        desk.run()
        desk.end(.exited(0))
        #expect(desk.say(.control(.init(command: "status")), on: 9).errors == [.stopping])
        #expect(desk.tell(sigterm).isEmpty)
    }
}
