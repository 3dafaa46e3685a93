import SuperviseFormats
import Testing

@testable import supervise

private let now = Timestamp(milliseconds: 1_795_237_441_000)

@Suite("the list of runs")
struct ListViewTests {
    private var glances: [Glance] {
        var done = Status(
            name: "b", phase: .finished, command: ["./my job", "--x"], supervisorPID: 1,
            attempt: 1, started: now, updated: now.advanced(bySeconds: -7500))
        done.outcome = Outcome(kind: .completed)
        return [Glance(status: digits()), Glance(status: done)]
    }

    @Test("has a line for each run, in columns")
    func table() {
        let expected = """
            NAME            STATE      PROGRESS            CHECKPOINT      CHANGED    COMMAND
            train-3f9a2c1b  running    18/40 epochs  45 %  000018-step-18  3 s ago    python3 train.py
            b               completed  -                   -               2h05m ago  './my job' --x

            """
        #expect(ListView(glances: glances, now: now, width: nil).render() == expected)
    }

    @Test("is cut to the terminal's width")
    func width() {
        let lines = ListView(glances: glances, now: now, width: 80).render().split(separator: "\n")
        #expect(lines[1].count == 80)
        #expect(lines[1].hasSuffix("python3…") || lines[1].hasSuffix("…"))
        #expect(lines[2].count <= 80)
    }

    @Test("is empty where there are none")
    func empty() {
        #expect(ListView(glances: [], now: now, width: nil).render() == "")
    }

    @Test(
        "knows which runs can be resumed",
        arguments: [
            (.running, nil, false), (.backoff, nil, false),
            (.finished, .completed, false), (.finished, .stopped, true), (.finished, .failed, true),
            (.finished, .preempted, true),
        ] as [(Status.Phase, Outcome.Kind?, Bool)])
    func resumable(phase: Status.Phase, outcome: Outcome.Kind?, expected: Bool) {
        var status = digits(phase)
        status.outcome = outcome.map { Outcome(kind: $0) }
        #expect(Glance(status: status).isResumable == expected)
    }
}

@Suite("the events of a run")
struct EventsViewTests {
    @Test("are shown with the local time")
    func events() {
        let view = EventsView(secondsAheadOfUTC: { _ in 3600 })
        let events = [
            LoggedEvent(
                at: Timestamp(milliseconds: 1_795_237_441_900), event: .warning(.init(message: "a"))
            ),
            LoggedEvent(
                at: Timestamp(milliseconds: 1_795_305_599_000),
                event: .finished(Outcome(kind: .stopped))),
        ]
        #expect(
            view.render(events) == "2026-11-21 06:04:01  a\n2026-11-22 00:59:59  stopped\n")
    }
}
