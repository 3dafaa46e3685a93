import SuperviseFormats
import Testing

@testable import supervise

private let now = Timestamp(milliseconds: 1_795_237_441_000)

private func ago(_ seconds: Double) -> Timestamp { now.advanced(bySeconds: -seconds) }

/// The run of the storyboard.
func digits(_ phase: Status.Phase = .running) -> Status {
    var status = Status(
        name: "train-3f9a2c1b", phase: phase, command: ["python3", "train.py"],
        supervisorPID: 4711, attempt: 2, started: ago(192), updated: ago(3))
    status.progress.step = 18
    status.progress.total = 40
    status.progress.unit = "epochs"
    status.progress.fraction = 0.45
    status.progress.rate = 0.11
    status.progress.eta = 200
    status.progress.metrics = ["loss": 0.2131, "accuracy": 0.97]
    let newest = CheckpointID(sequence: 18, step: 18)
    status.checkpoint = .init(id: newest, path: "/ck/18", committed: ago(8), bytes: 51_234)
    status.checkpoints = 5
    status.checkpointBytes = 255_000
    status.nextCheckpoint = ago(-52)
    status.lastFailure = Failure(
        attempt: 1, kind: .crash, signal: "SIGKILL", at: ago(171), lostSeconds: 0.7)
    status.totals.wall = 1000
    status.totals.useful = 989
    return status
}

private func lines(
    _ status: Status, commits: Int? = 18, failures: Int? = 1, width: Int = 100, plain: Bool = false,
    verbose: Bool = false
) -> [String] {
    let glance = Glance(status: status, commits: commits, failures: failures)
    let view = StatusView(
        glance: glance, now: now, width: width, isPlain: plain, isVerbose: verbose)
    return view.render().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

@Suite("the status of a run")
struct StatusViewTests {
    @Test("that is running shows what a person wants to know")
    func running() {
        let bar = "██████████░░░░░░░░░░░░░░"
        #expect(
            lines(digits()) == [
                "train-3f9a2c1b  running  attempt 2  pid 4711  up 3m12s",
                "  progress     \(bar)  18/40 epochs  45 %  0.11/s  3m20s left  accuracy 0.97"
                    + "  loss 0.213",
                "  checkpoint   000018-step-18, 8 s ago, 51 kB        next in 52 s",
                "  failures     1 (SIGKILL 2m51s ago, 0.7 s lost)     goodput 98.9 %",
                "  kept         5 of 18 checkpoints, 255 kB",
                "",
            ])
    }

    @Test("tells beside the next checkpoint what auto goes by, and all of it with --verbose")
    func schedule() {
        var status = digits()
        var seen = Experience()
        seen.cost = 0.004
        seen.measured = 18
        seen.failures = 1
        seen.ran = 180
        status.schedule = .init(
            mode: .auto, interval: 30, experience: seen, meanTimeBetweenFailures: 28_920,
            expected: 86_400)
        let checkpoint =
            "  checkpoint   000018-step-18, 8 s ago, 51 kB        next in 52 s "
            + "(auto: cost 4 ms, 1 failure in 3m00s)"
        #expect(lines(status)[2] == checkpoint)
        #expect(
            Array(lines(status, verbose: true)[3...5]) == [
                "  interval     30 s (auto): Daly's formula with the two below, within 30 s and 6 h",
                "  cost         4 ms for the job and the disk (running mean of 18 checkpoints)",
                "  failure rate one in 8h02m: 1 seen in 3m00s of work, and one in 1d00h expected "
                    + "beforehand",
            ])
        status.schedule?.experience.wait = 20
        #expect(
            lines(status, verbose: true)[6]
                == "  wait         20 s until the job looks; it is asked that much earlier")
        status.schedule?.experience = Experience()
        #expect(lines(status)[2].hasSuffix("next in 52 s (auto: to measure its cost)"))
        #expect(
            lines(status, verbose: true)[3].hasSuffix("until the cost of a checkpoint is known"))
        status.schedule?.mode = .fixed
        #expect(lines(status)[2].hasSuffix("next in 52 s"))
        #expect(lines(status, verbose: true)[3] == "  interval     30 s, as it was set")
        status.schedule?.mode = .off
        status.schedule?.interval = nil
        #expect(
            lines(status, verbose: true)[3] == "  interval     off: checkpoints are not asked for")
    }

    @Test("that has only begun says what there is not yet")
    func empty() {
        let status = Status(
            name: "a", phase: .running, command: ["a"], supervisorPID: 7, attempt: 1,
            started: ago(0.2), updated: ago(0.2))
        #expect(
            lines(status, commits: 0, failures: 0) == [
                "a  running  attempt 1  pid 7  up 0 s",
                "  progress     the job has not told of any",
                "  checkpoint   none yet",
                "  failures     none",
                "  kept         0 checkpoints, 0 B",
                "",
            ])
    }

    @Test(
        "has its phase in the first line",
        arguments: [
            (.starting, "starting  attempt 2  pid 4711  up 3m12s"),
            (.running, "running  attempt 2  pid 4711  up 3m12s"),
            (.stopping, "stopping  attempt 2  pid 4711  up 3m12s"),
            (.backoff, "backoff  attempt 2  pid 4711  up 3m12s"),
            (.paused, "paused  attempt 2  pid 4711  up 3m12s"),
            (.finished, "finished  attempt 2  ended 3 s ago"),
        ] as [(Status.Phase, String)])
    func phases(phase: Status.Phase, text: String) {
        #expect(lines(digits(phase)).first == "train-3f9a2c1b  \(text)")
    }

    @Test(
        "that has ended tells how, and how to go on",
        arguments: [
            (Outcome(kind: .completed, exitCode: 0), "completed", false),
            (Outcome(kind: .stopped, signal: "SIGTERM"), "stopped", true),
            (Outcome(kind: .preempted, exitCode: 0), "preempted", true),
            (Outcome(kind: .failed, exitCode: 3), "failed (status 3)", true),
            (Outcome(kind: .failed, signal: "SIGKILL"), "failed (SIGKILL)", true),
            (Outcome(kind: .failed), "failed", true),
        ])
    func outcomes(outcome: Outcome, word: String, isResumable: Bool) {
        var status = digits(.finished)
        status.outcome = outcome
        let shown = lines(status)
        #expect(shown.first == "train-3f9a2c1b  \(word)  attempt 2  ended 3 s ago")
        let hint = "  to go on     supervise resume train-3f9a2c1b"
        #expect(shown.contains(hint) == isResumable)
        #expect(!shown.contains { $0.contains(" left") || $0.contains("/s") })
        #expect(!shown.contains { $0.contains("next") })
    }

    @Test("whose supervisor is gone is lost, and can be resumed")
    func lost() {
        var status = digits(.finished)
        status.outcome = .lost
        let shown = lines(status)
        #expect(
            shown.first
                == "train-3f9a2c1b  lost  attempt 2  its supervisor (pid 4711) is gone")
        #expect(Glance(status: status).isResumable && Glance(status: status).isLost)
        #expect(shown.contains("  to go on     supervise resume train-3f9a2c1b"))
        #expect(!shown.contains { $0.contains("next") })
    }

    @Test("shows the newest checkpoint's step where the job told none, and no goodput then")
    func silent() {
        var status = digits()
        status.progress = .init()
        status.totals.isKnown = false
        let shown = lines(status)
        #expect(shown[1] == "  progress     step 18 saved")
        #expect(!shown.contains { $0.contains("goodput") })
    }

    @Test("shows how many checkpoints are to be removed, and the job's own that failed")
    func outstanding() {
        var status = digits()
        status.toBeRemoved = 3
        status.ownSaves.committed = 2
        status.ownSaves.failed = 1
        status.ownSaves.lastError = .init(
            id: CheckpointID(sequence: 3, step: nil), error: "no", at: ago(9))
        let shown = lines(status)
        #expect(shown.contains("  kept         5 of 18 checkpoints, 255 kB, 3 to be removed"))
        #expect(shown.contains("  own saves    2 committed, 1 failed: 000003, no, 9 s ago"))
    }

    @Test("tells of a checkpoint that is due, and of none where none will be asked for")
    func next() {
        var status = digits()
        status.nextCheckpoint = ago(1)
        #expect(lines(status)[2].hasSuffix("51 kB        next one is due"))
        status.nextCheckpoint = nil
        #expect(lines(status)[2].hasSuffix("51 kB"))
    }

    @Test("counts failures of all time, and those in a row")
    func failures() {
        var status = digits()
        status.failures = 2
        #expect(
            lines(status, failures: 7)[3].hasPrefix(
                "  failures     7 (SIGKILL 2m51s ago, 0.7 s lost), 2 without progress  goodput"))
        #expect(lines(status, failures: nil)[3].hasPrefix("  failures     2 (SIGKILL"))
        status.lastFailure?.signal = nil
        status.lastFailure?.exitCode = 3
        status.lastFailure?.lostSeconds = 0
        #expect(lines(status, failures: 7)[3].hasPrefix("  failures     7 (status 3 2m51s ago), 2"))
    }

    @Test("shows a failure for lack of memory, what was lost, and why the run was given up")
    func givenUp() {
        var status = digits()
        status.failures = 2
        status.lastFailure = Failure(
            attempt: 2, kind: .oom, signal: "SIGKILL", at: status.updated, lostSeconds: 0)
        status.requests.lost = 1
        status.givenUp = .init(
            reason: .maxFailures, failures: 2, reportedStep: 18, commits: 1, committedStep: 18,
            healthyAfter: nil)
        let text = lines(status, failures: 7).joined(separator: "\n")
        #expect(text.contains("7 (out of memory "))
        #expect(text.contains(", 1 lost"))
        #expect(
            text.contains(
                "given up     after 2 failures in a row without progress; what would have "
                    + "counted: a reported step above 18 or a checkpoint above step 18"))
    }

    @Test("without steps or a total draws no bar")
    func stepsOnly() {
        var status = digits()
        status.progress = Status.Progress()
        status.progress.step = 18
        status.progress.unit = "step"
        #expect(lines(status)[1] == "  progress     18 steps")
        status.progress = Status.Progress()
        status.checkpoint = nil
        status.progress.message = "loading\u{1B}[2J"
        #expect(
            lines(status)[1...2] == [
                "  progress     the job has not told of any",
                "  message      loading\\u{1b}[2J",
            ])
    }

    @Test("shows what a job calls things only as text")
    func hostile() {
        var status = digits()
        status.progress.unit = "\u{1B}[31m"
        status.progress.metrics = ["a\nb": 1]
        #expect(lines(status)[1].contains("18/40 \\u{1b}[31m"))
        #expect(lines(status)[1].hasSuffix("a\\nb 1"))
    }

    @Test("draws a shorter bar on a narrow terminal, and a plain one where it must")
    func bars() {
        #expect(lines(digits(), width: 79)[1].hasPrefix("  progress     █████░░░░░░░  18/40"))
        #expect(
            lines(digits(), plain: true)[1].hasPrefix(
                "  progress     ##########..............  18/40"))
    }

    @Test("tells of checkpoints that were asked for in vain, of suspects and of bad ones")
    func troubles() {
        var status = digits()
        status.requests.made = 12
        status.requests.committed = 10
        #expect(!lines(status).contains { $0.contains("requests") })
        status.requests.unanswered = 1
        status.requests.failed = 1
        status.suspect = [CheckpointID(sequence: 17, step: nil)]
        status.resumedFrom = CheckpointID(sequence: 16, step: nil)
        status.setAside = [
            .init(id: CheckpointID(sequence: 18, step: nil), reason: "data/a: SHA-256 differs")
        ]
        #expect(
            lines(status)[5...8] == [
                "  resumed      from 000016",
                "  requests     12 made, 10 committed, 1 unanswered, 1 failed",
                "  suspect      000017: attempts from there failed, older ones are used",
                "  set aside    000018: data/a: SHA-256 differs",
            ])
    }

    @Test("names the report on the last hang")
    func hang() {
        var status = digits()
        status.lastFailure = Failure(
            attempt: 2, kind: .hang, signal: "SIGKILL", at: status.updated, lostSeconds: 5)
        status.lastFailure?.report = "output/hang-0002.txt"
        #expect(lines(status)[4] == "  hang         what it did: output/hang-0002.txt")
    }

    @Test("a source that fails is shown beside the notice that counts")
    func failsBesideNotice() {
        let start = Timestamp(milliseconds: 0)
        let notice = Status.Notice(
            source: "aws", action: "stop", noticed: start, deadline: start.advanced(bySeconds: 90),
            finalCheckpoint: nil, saved: nil, lostSeconds: nil)
        let failing = Status.Source(name: "aws", state: .failing, error: "refused", failures: 2)
        let view = PreemptionView(
            preemption: .init(sources: [failing], notice: notice), now: start)
        #expect(view.rows.map { $0.label } == ["preemption", "notices"])
        #expect(view.rows.last?.left == "aws fails: refused")
    }

    @Test("does without the record where that cannot be read")
    func noRecord() {
        #expect(lines(digits(), commits: nil)[4] == "  kept         5 checkpoints, 255 kB")
        #expect(lines(digits(), commits: 5)[4] == "  kept         5 checkpoints, 255 kB")
    }
}
