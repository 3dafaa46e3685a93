import SuperviseCore
import SuperviseFormats
import Testing

/// From the decision to end until the exit: the last record, then status, events and output.
@Suite("Closing")
struct ClosingTests {
    /// A job that has ended; nothing of what its end waits for is answered yet.
    private func desk(
        _ end: JobEnd = .exited(0), _ change: (inout Settings) -> Void = { _ in }
    ) -> (Desk, [Action]) {
        var desk = Desk {
            $0.recordTimeout = .seconds(600)
            change(&$0)
        }
        desk.run(speaks: false)
        desk.endsAtOnce = false
        let actions = desk.end(end)
        return (desk, actions)
    }

    private func isCompleted(_ actions: [Action]) -> Bool {
        actions.contains {
            if case .log(.finished(let outcome, error: nil)) = $0 {
                outcome.kind == .completed
            } else {
                false
            }
        }
    }

    @Test("a completed run exits with 0 only after its record is durable")
    func completed() {
        var (desk, actions) = desk()
        #expect(actions.ending == nil && !isCompleted(actions))
        #expect(actions.contains { if case .record(_, confirm: true) = $0 { true } else { false } })
        #expect(actions.records.last?.outcome?.kind == .completed)
        #expect(desk.supervisor.status(at: desk.moment).outcome == nil)
        #expect(desk.tell(.recorded) == [])
        let recorded = desk.tell(.lastRecorded, after: .seconds(599))
        #expect(isCompleted(recorded) && recorded.ending == nil)
        #expect(recorded.contains(.flushFiles) && recorded.contains(.flushOutput))
        #expect(desk.supervisor.status(at: desk.moment).phase == .finished)
        #expect(desk.tell(.filesFlushed).ending == nil)
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test("people read what a slow end waits for: after 2 s, and then once a minute")
    func reminders() {
        var (desk, actions) = desk()
        #expect(actions.timer(.reminder) == 2_000_000_000)
        let first = desk.tell(.timer(.reminder), after: .seconds(2))
        #expect(
            first.contains(
                .tell(
                    "waiting until the disk has taken the run record: up to 10 min; SIGTERM ends "
                        + "the wait, and the run then counts as unfinished")))
        #expect(first.timer(.reminder) == 62_000_000_000)
        #expect(desk.supervisor.status(at: desk.moment).phase == .stopping)
        let last = desk.tell(.timer(.reminder), after: .seconds(500))
        #expect(
            last.contains { if case .tell(let text) = $0 { text.contains("98 s") } else { false } })
    }

    @Test("a last record that cannot be written is written again, at longer and longer intervals")
    func retries() {
        var (desk, _) = desk()
        var waits: [Int64] = []
        var warnings = 0
        for _ in 1...9 {
            let failed = desk.tell(.recordFailed("no space left on device"))
            warnings += failed.warnings.count
            let due = failed.timer(.rewrite) ?? 0
            waits.append((due - desk.now) / 1_000_000)
            let again = desk.tell(.timer(.rewrite), after: .nanoseconds(due - desk.now))
            #expect(again.records.last?.outcome?.kind == .completed)
        }
        #expect(waits == [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000])
        #expect(warnings == 1)
        #expect(desk.tell(.recordFailed("input/output error")).warnings.count == 1)
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test(
        "a run whose record is not durable within the time ends with 125, and is unfinished",
        arguments: [JobEnd.exited(0), .exited(7)])
    func inVain(end: JobEnd) {
        var (desk, actions) = desk(end) { $0.restart = .never }
        #expect(actions.timer(.close) == 600_000_000_000)
        desk.tell(.recordFailed("no space left on device"))
        let over = desk.tell(.timer(.close), after: .seconds(600))
        #expect(over.contains(.giveUpRecord) && over.contains(.cancelTimer(.rewrite)))
        let given = desk.tell(.recordGivenUp(isVisible: false))
        #expect(!isCompleted(given) && !given.contains(.flushFiles))
        #expect(desk.supervisor.record.outcome == nil)
        let what = end == .exited(0) ? "has completed" : "failed for good"
        #expect(
            desk.tell(.outputFlushed).ending
                == .refused(
                    "the job \(what), but within 10 min the disk has not taken the run record "
                        + "(no space left on device): the run counts as unfinished, and the next "
                        + "start goes on from its newest checkpoint"))
    }

    @Test("a record that got its name and is not known to be durable is said to be unclear")
    func unclear() {
        var (desk, _) = desk()
        desk.tell(.timer(.close), after: .seconds(600))
        desk.tell(.recordGivenUp(isVisible: true))
        guard case .refused(let message)? = desk.tell(.outputFlushed).ending else {
            Issue.record("no refusal")
            return
        }
        #expect(message.hasSuffix("supervise status run shows whether it counts as finished"))
    }

    @Test("SIGTERM while a completed run waits for its record gives the disk 750 ms")
    func signal() {
        var (desk, _) = desk()
        let asked = desk.tell(sigterm, after: .seconds(10))
        #expect(asked.timer(.close) == 10_750_000_000 && asked.ending == nil)
        #expect(desk.tell(.timer(.close), after: .milliseconds(750)).contains(.giveUpRecord))
        let given = desk.tell(.recordGivenUp(isVisible: false))
        #expect(given.warnings.count == 1 && given.timer(.close) == 10_900_000_000)
        #expect(desk.tell(.outputFlushed).ending == .stopped(signal: 15))
        #expect(desk.supervisor.record.outcome == nil)
    }

    @Test("a record that becomes durable in the time that SIGTERM left completes the run")
    func signalInTime() {
        var (desk, _) = desk()
        desk.tell(sigint, after: .seconds(10))
        desk.tell(.lastRecorded, after: .milliseconds(500))
        desk.tell(.filesFlushed)
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test("a third signal ends the wait for the record at once")
    func thirdSignal() {
        var (desk, _) = desk()
        desk.tell(sigterm, after: .seconds(10))
        #expect(!desk.tell(sigterm, after: .milliseconds(200)).contains(.giveUpRecord))
        #expect(!desk.tell(sigterm, after: .milliseconds(310)).contains(.giveUpRecord))
        #expect(desk.tell(sigterm, after: .milliseconds(500)).contains(.giveUpRecord))
    }

    @Test("a stop leaves the disk 750 ms for its record, and says that the run is unfinished")
    func stopped() {
        var desk = Desk()
        desk.run(speaks: false)
        desk.endsAtOnce = false
        desk.tell(sigterm)
        let end = desk.end(.exited(0), after: .seconds(1))
        #expect(end.ending == nil && end.timer(.close) == 1_750_000_000)
        #expect(end.timer(.reminder) == nil)
        desk.tell(.timer(.close), after: .milliseconds(750))
        let given = desk.tell(.recordGivenUp(isVisible: false))
        #expect(
            given.warnings == [
                "the disk has not taken the run record: the run counts as unfinished, and the next "
                    + "start goes on from its newest checkpoint"
            ])
        // What the readers take has the rest of its second.
        #expect(given.timer(.close) == 1_900_000_000)
        #expect(
            desk.tell(.timer(.close), after: .milliseconds(150)).ending == .stopped(signal: 15))
    }

    @Test("a reader that takes some of the output within 10 s is waited for")
    func slowReader() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        desk.tell(.readersServed)
        for bytes in 1...5 as ClosedRange<Int64> {
            #expect(desk.tell(.timer(.close), after: .seconds(10)).contains(.measureOutput))
            #expect(desk.tell(.outputTaken(bytes)).timer(.close) == (bytes + 1) * 10_000_000_000)
        }
        desk.tell(.timer(.close), after: .seconds(10))
        let gone = desk.tell(.outputTaken(5))
        #expect(gone.contains(.leaveOutput) && gone.ending == .completed)
    }

    @Test("status and events that hang do not keep a reader from the output")
    func hungFiles() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.readersServed)
        #expect(desk.tell(.timer(.close), after: .seconds(10)).contains(.measureOutput))
        desk.tell(.outputTaken(1))
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test("a reader of a pipe is waited for as long as it lives, and nothing is asked meanwhile")
    func pipeReader() {
        var (desk, _) = desk()
        let recorded = desk.tell(.lastRecorded)
        #expect(recorded.contains(.flushOutput) && !recorded.contains(.widenReaders))
        desk.tell(.filesFlushed)
        let waiting = desk.tell(.timer(.close), after: .seconds(10))
        #expect(waiting.count == 1 && !waiting.contains(.measureOutput))
        let served = desk.tell(.readersServed, after: .seconds(100_000))
        // The time for outputs other than pipes begins then.
        #expect(served.ending == nil && served.timer(.close) == 100_020_000_000_000)
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test("SIGTERM ends the wait for a reader of a pipe, whose pipe then takes what it can")
    func signalAtPipeReader() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        desk.tell(.timer(.close), after: .seconds(10))
        let hurried = desk.tell(sigterm, after: .seconds(50))
        #expect(hurried.contains(.widenReaders) && !hurried.contains(.leaveOutput))
        #expect(hurried.timer(.close) == 60_900_000_000)
        var other = desk
        other.tell(.readersServed)
        #expect(other.tell(.outputFlushed).ending == .completed)
        let over = desk.tell(.timer(.close), after: .milliseconds(900))
        #expect(over.contains(.leaveOutput) && over.ending == .completed)
    }

    @Test("a machine that is taken away bounds the wait for a reader of a pipe")
    func preemptedAtPipeReader() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        desk.tell(.timer(.close), after: .seconds(10))
        let told = desk.tell(.signal(.preempt(name: "SIGUSR2")))
        #expect(told.contains(.widenReaders) && told.timer(.close) == 39_750_000_000)
        let over = desk.tell(.timer(.close), after: .milliseconds(29_750))
        #expect(over.contains(.leaveOutput) && over.ending == .completed)
    }

    @Test("a stop lets a reader's pipe take more at once, so that the job can go on to save")
    func widenedAtStop() {
        var desk = Desk()
        desk.run()
        #expect(desk.tell(sigterm).contains(.widenReaders))
        var restarting = Desk()
        restarting.run()
        #expect(!restarting.control("restart").contains(.widenReaders))
    }

    @Test("output that is lost at the very end is in the last status")
    func lostAtEnd() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        let lost = desk.tell(.outputDiscarded(35))
        #expect(lost.contains(.flushFiles))
        #expect(desk.supervisor.status(at: desk.moment).output?.discardedBytes == 35)
        desk.tell(.readersServed)
        #expect(desk.tell(.outputFlushed).ending == nil)
        #expect(desk.tell(.filesFlushed).ending == .completed)
    }

    @Test("a status that is written again at the end is waited for, though an older one is written")
    func lostBeforeFilesAreFlushed() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        #expect(desk.tell(.outputDiscarded(35)).contains(.flushFiles))
        desk.tell(.outputFlushed)
        #expect(desk.tell(.filesFlushed).ending == nil)
        #expect(desk.tell(.filesFlushed).ending == .completed)
    }

    @Test("a stop does not wait for a slow reader, whatever it takes")
    func slowReaderAtStop() {
        var desk = Desk()
        desk.run(speaks: false)
        desk.endsAtOnce = false
        desk.tell(sigterm)
        desk.end(.exited(0))
        #expect(desk.tell(.lastRecorded).timer(.close) == 900_000_000)
        desk.tell(.filesFlushed)
        let over = desk.tell(.timer(.close), after: .milliseconds(900))
        #expect(over.contains(.leaveOutput) && over.ending == .stopped(signal: 15))
    }

    @Test("SIGTERM while a completed run passes on its output leaves the output")
    func signalAtOutput() {
        var (desk, _) = desk()
        desk.tell(.lastRecorded)
        desk.tell(.filesFlushed)
        desk.tell(.readersServed)
        #expect(desk.tell(sigterm).contains(.leaveOutput))
        #expect(desk.tell(.outputFlushed).ending == .completed)
    }

    @Test("a machine that is taken away meanwhile ends the wait, and the run is preempted")
    func preempted() {
        var (desk, _) = desk()
        let told = desk.tell(.signal(.preempt(name: "SIGUSR2")), after: .seconds(10))
        // A quarter of a second before the 30 s are over.
        #expect(told.timer(.close) == 39_750_000_000)
        desk.tell(.timer(.close), after: .milliseconds(29_750))
        desk.tell(.recordGivenUp(isVisible: false))
        #expect(desk.tell(.outputFlushed).ending == .preempted)
    }

    @Test("operators read the status meanwhile, may stop the wait, and get no for the rest")
    func operators() {
        var (desk, _) = desk()
        guard case .status(let status)? = desk.control("status").sent.first else {
            Issue.record("no status")
            return
        }
        #expect(status.phase == .stopping && status.outcome == nil)
        for command in ["checkpoint", "restart", "pause", "prune"] {
            #expect(desk.control(command).errors == [.stopping], "\(command)")
        }
        #expect(desk.control("stop").timer(.close) == 750_000_000)
    }
}
