import SuperviseFormats
import SuperviseHost
import Testing
import SuperviseText

private let first = CheckpointID(sequence: 2, step: 2)
private let second = CheckpointID(sequence: 4, step: nil)

private func failed(
    _ kind: Failure.Kind = .crash, exitCode: Int? = nil, signal: String? = nil, lost: Double = 0.7,
    count: Int = 1, backoff: Double? = 1
) -> RunEvent {
    let failure = Failure(
        attempt: 1, kind: kind, exitCode: exitCode, signal: signal,
        at: Timestamp(milliseconds: 0), lostSeconds: lost)
    return .failed(.init(failure: failure, ran: 9.1, count: count, limit: 5, backoff: backoff))
}

private func hung(
    _ cause: RunEvent.Hung.Cause, never: Bool = false, threads: Int = 20
) -> RunEvent {
    .hung(
        .init(
            attempt: 2, cause: cause, silent: 90, never: never, processes: 1, threads: threads,
            report: "output/hang-0002.txt", text: "process 4711"))
}

private let sentences: [(RunEvent, String)] = [
    (
        .noticeWithdrawn(.init(source: "aws", action: "terminate", follows: .goesOn)),
        "aws: the notice is withdrawn: this machine stays, and the job goes on"
    ),
    (
        .noticeWithdrawn(.init(source: "azure", action: "stop", follows: .ends)),
        "azure: the notice is withdrawn, but the job was told to end: the run ends, and the same "
            + "command goes on with it"
    ),
    (
        .noticeWithdrawn(.init(source: "gcp", action: "stop", follows: .anotherCounts)),
        "gcp: the notice is withdrawn, but another one still counts"
    ),
    (
        hung(.heartbeat),
        "the job has given no sign of life for 1m30s; killing it (what its 20 threads did: "
            + "output/hang-0002.txt)"
    ),
    (
        hung(.heartbeat, never: true, threads: 1),
        "the job has given no sign of life in the 1m30s since it was started (one that does not "
            + "speak the protocol gives none); killing it (what its 1 thread did: "
            + "output/hang-0002.txt)"
    ),
    (
        hung(.progress),
        "the job has made no step forward for 1m30s; killing it (what its 20 threads did: "
            + "output/hang-0002.txt)"
    ),
    (
        hung(.progress, never: true),
        "the job has told of no step in the 1m30s since it was started; killing it (what its 20 "
            + "threads did: output/hang-0002.txt)"
    ),
    (
        hung(.checkpoint),
        "the job has begun a checkpoint, and written nothing of it for 1m30s; killing it (what "
            + "its 20 threads did: output/hang-0002.txt)"
    ),
    (
        .attemptStarted(.init(attempt: 1, resumedFrom: nil, bytes: 0)),
        "attempt 1, from the beginning"
    ),
    (
        .attemptStarted(.init(attempt: 2, resumedFrom: first, bytes: 51_234)),
        "attempt 2, resuming from 000002-step-2 (verified, 51 kB)"
    ),
    (
        .attemptStarted(.init(attempt: 2, resumedFrom: first, bytes: 51_234, verified: .size)),
        "attempt 2, resuming from 000002-step-2 (sizes verified, 51 kB)"
    ),
    (
        .attemptStarted(
            .init(attempt: 2, resumedFrom: first, bytes: 5, verified: VerifyDepth.none)),
        "attempt 2, resuming from 000002-step-2 (not verified, 5 B)"
    ),
    (
        .compressed(.init(id: first, bytes: 51_234, compressedBytes: 1_234)),
        "checkpoint 000002-step-2 is compressed: 51 kB are now 1.2 kB"
    ),
    (
        .jobExited(.init(attempt: 1, exitCode: 0, signal: nil, seconds: 200)),
        "the job exited with status 0 after 3m20s"
    ),
    (
        .jobExited(.init(attempt: 1, exitCode: nil, signal: "SIGKILL", seconds: 0.004)),
        "the job was killed by SIGKILL after 4 ms"
    ),
    (
        failed(signal: "SIGKILL"),
        "the job was killed by SIGKILL after 9.1 s; 0.7 s of work lost; starting again in 1.0 s "
            + "(failure 1 of 5 without progress)"
    ),
    (
        failed(exitCode: 3, lost: 0, count: 5, backoff: nil),
        "the job exited with status 3 after 9.1 s; giving up (failure 5 of 5 without progress)"
    ),
    (
        failed(.hang, signal: "SIGKILL", backoff: 0),
        "the job hung, and was ended after 9.1 s; 0.7 s of work lost; starting again "
            + "(failure 1 of 5 without progress)"
    ),
    (
        failed(.spawn, lost: 0, count: 2, backoff: 2),
        "the job could not be started; starting again in 2.0 s (failure 2 of 5 without progress)"
    ),
    (
        failed(.machine, lost: 75, count: 0, backoff: 0),
        "the supervisor itself had been killed, or its machine went down; 1m15s of work lost; "
            + "starting again"
    ),
    (
        .checkpointRequested(.init(request: 7, reason: .interval, final: false, deadline: nil)),
        "asked the job for a checkpoint (interval)"
    ),
    (
        .checkpointRequested(.init(request: 8, reason: .shutdown, final: true, deadline: 60)),
        "asked the job for a final checkpoint (shutdown, up to 60 s)"
    ),
    (
        .checkpointCommitted(
            .init(id: first, bytes: 51_234, seconds: 0.004, reason: .interval, request: 7)),
        "checkpoint 000002 at step 2, 51 kB in 4 ms"
    ),
    (
        .checkpointCommitted(
            .init(id: second, bytes: 7, seconds: 12, reason: .job, request: nil)),
        "checkpoint 000004, 7 B in 12 s"
    ),
    (
        .checkpointFailed(.init(id: second, request: 7, error: "no space left\u{1B}[2J")),
        "checkpoint 000004 was not made: no space left\\u{1b}[2J; the job goes on"
    ),
    (
        .checkpointFailed(.init(id: nil, request: 7, error: "out of memory")),
        "no checkpoint was made: out of memory; the job goes on"
    ),
    (
        .requestEnded(.init(request: 7, result: .unanswered, seconds: 60)),
        "the job has not answered the request for a checkpoint for 60 s; going on without it"
    ),
    (
        .requestEnded(.init(request: 7, result: .moot, seconds: 2)),
        "the request for a checkpoint became pointless after 2.0 s"
    ),
    (
        .requestEnded(.init(request: 7, result: .lost, seconds: 2)),
        "the final checkpoint was lost: the job ended before it was saved, 2.0 s after it was asked"
    ),
    (
        .requestEnded(.init(request: 7, result: .unfinished, seconds: 60, checkpoint: first)),
        "checkpoint 000002-step-2 was received from the job, and the disk has not made it durable "
            + "60 s after the request; a faster disk or a longer --checkpoint-timeout helps"
    ),
    (
        .checkpointDropped(.init(id: first, reason: .superseded)),
        "checkpoint 000002-step-2 is dropped: a newer one came before the disk had begun with it, "
            + "and no rule keeps both"
    ),
    (
        .setAside(.init(id: first, reason: "data/a has rotted (SHA-256 differs)")),
        "checkpoint 000002-step-2: data/a has rotted (SHA-256 differs); it is set aside"
    ),
    (
        .rolledBack(.init(to: first, from: second, passed: 1, failures: 2)),
        "rolling back to 000002-step-2: 2 failures in a row from 000004"
    ),
    (
        .rolledBack(.init(to: first, from: second, passed: 2, failures: nil)),
        "going back to 000002-step-2, as asked; 2 newer checkpoints up to 000004 stay"
    ),
    (
        .rolledBack(.init(to: first, from: second, passed: 1, failures: nil)),
        "going back to 000002-step-2, as asked; 1 newer checkpoint up to 000004 stays"
    ),
    (.removed(.init(ids: [second])), "removed checkpoint 000004"),
    (.removed(.init(ids: [first, second])), "removed checkpoints 000002-step-2, 000004"),
    (
        .stopRequested(.init(by: "SIGINT", deadline: 60, count: 1)),
        "SIGINT: asking for a final checkpoint (up to 60 s; press again to skip it)"
    ),
    (
        .stopRequested(.init(by: "SIGTERM", deadline: 90, count: 1)),
        "SIGTERM: asking for a final checkpoint (up to 90 s; send it again to skip it)"
    ),
    (
        .stopRequested(.init(by: "control stop", deadline: 60, count: 1)),
        "control stop: asking for a final checkpoint (up to 60 s; SIGTERM skips it)"
    ),
    (
        .stopRequested(.init(by: "SIGHUP", deadline: nil, count: 1)),
        "SIGHUP: stopping the job"
    ),
    (
        .stopRequested(.init(by: "SIGINT", deadline: nil, count: 2)),
        "SIGINT again: not waiting for the job any longer (once more: for nothing)"
    ),
    (
        .stopRequested(.init(by: "SIGINT", deadline: nil, count: 3)),
        "SIGINT again: not waiting for anything any longer"
    ),
    (
        .leftovers(.init(processes: ["python3 (pid 4)", "sh (pid 5)"])),
        "ended what an earlier supervisor had left running: python3 (pid 4), sh (pid 5)"
    ),
    (.warning(.init(message: "mind\nthis")), "mind\\nthis"),
    (.finished(Outcome(kind: .completed, exitCode: 0)), "completed"),
    (.finished(Outcome(kind: .stopped)), "stopped"),
    (.finished(Outcome(kind: .preempted)), "preempted"),
    (.finished(Outcome(kind: .failed, exitCode: 3)), "failed for good (status 3)"),
    (.finished(Outcome(kind: .failed, signal: "SIGKILL")), "failed for good (SIGKILL)"),
    (
        .finished(Outcome(kind: .failed, exitCode: 127), error: "command not found: x\u{1B}"),
        "command not found: x\\u{1b}"
    ),
]

@Suite("the sentences for what happens")
struct EventTextTests {
    @Test("say what happened, to what, and what comes next", arguments: sentences)
    func sentence(event: RunEvent, text: String) {
        #expect(EventText.sentence(for: event) == text)
    }

    @Test("begin with the run and where it is kept")
    func start() {
        let event = RunEvent.AttemptStarted(attempt: 1, resumedFrom: nil, bytes: 0)
        #expect(
            EventText.start(event, of: "train-3f9a2c1b", state: "~/state/train-3f9a2c1b")
                == "run train-3f9a2c1b, attempt 1, from the beginning "
                + "(state: ~/state/train-3f9a2c1b)")
    }

    @Test(
        "end with how far it came, and how to go on",
        arguments: [
            (Outcome.Kind.completed, 40, 40, "completed at step 40 of 40"),
            (
                .stopped, 6, 40,
                "stopped at step 6 of 40. To go on: supervise resume a (or the same command again)"
            ),
            (
                .failed, 6, nil,
                "failed for good (status 3) at step 6. To try again: supervise resume a "
                    + "(or the same command again)"
            ),
            (
                .preempted, nil, 40,
                "preempted. To go on: supervise resume a (or the same command again)"
            ),
        ] as [(Outcome.Kind, Int64?, Int64?, String)])
    func ending(kind: Outcome.Kind, step: Int64?, total: Int64?, text: String) {
        var progress = Status.Progress()
        progress.step = step
        progress.total = total
        let outcome = Outcome(kind: kind, exitCode: kind == .failed ? 3 : nil)
        #expect(EventText.ending(outcome, of: "a", progress: progress) == text)
    }

    @Test("a last line says that the final checkpoint was lost")
    func lost() {
        let text = EventText.ending(
            Outcome(kind: .stopped), of: "a", progress: .init(), isLost: true)
        #expect(
            text == "stopped; the final checkpoint was lost: the job ended before it was saved. "
                + "To go on: supervise resume a (or the same command again)")
    }

    @Test(
        "a last line of a run that is given up says what would have counted",
        arguments: [
            (
                .init(
                    reason: .maxFailures, failures: 5, reportedStep: 40, commits: 0,
                    committedStep: nil, healthyAfter: nil),
                "5 failures in a row without progress; what would have counted: "
                    + "a reported step above 40 or a checkpoint"
            ),
            (
                .init(
                    reason: .maxFailures, failures: 1, reportedStep: nil, commits: 2,
                    committedStep: 30, healthyAfter: nil),
                "1 failure in a row without progress; what would have counted: "
                    + "a reported step or a checkpoint above step 30"
            ),
            (
                .init(
                    reason: .maxFailures, failures: 5, reportedStep: nil, commits: 0,
                    committedStep: nil, healthyAfter: 600),
                "5 failures in a row without progress; what would have counted: "
                    + "an attempt of 10 min (--healthy-after), a reported step or a checkpoint"
            ),
            (
                .init(
                    reason: .sameEachTime, failures: 3, reportedStep: nil, commits: 0,
                    committedStep: nil, healthyAfter: nil),
                "3 failures in a row with the same status after the same time; "
                    + "what would have counted: a reported step or a checkpoint"
            ),
        ] as [(Status.GivenUp, String)])
    func givenUp(why: Status.GivenUp, text: String) {
        let line = EventText.ending(
            Outcome(kind: .failed, exitCode: 3), of: "a", progress: .init(), givenUp: why)
        #expect(line.hasPrefix("failed for good (status 3), after \(text). To try again: "))
    }
}
