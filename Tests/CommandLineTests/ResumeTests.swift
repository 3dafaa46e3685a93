import Glibc
import SuperviseCore
import SuperviseFormats
import SuperviseHost
import SuperviseStore
import SuperviseSystem
import Testing

@testable import supervise

@Suite("resuming a run")
struct ResumeTests {
    private let runs: RunsOnDisk

    init() throws { runs = try RunsOnDisk() }

    private func resume(
        _ arguments: [String] = [], _ environment: [String: String] = [:]
    ) throws -> RunRequest {
        let call = ["resume", "a", "--state-dir", runs.root] + arguments
        return try request(call, place(environment))
    }

    @Test("asks for the same command, directory and options, wherever it is called")
    func same() throws {
        let options = [
            "keep-last": "3", "checkpoint-dir": "ck", "backoff": "0s..1s", "quiet": "true",
            "state-dir": "/where/it/was",
        ]
        try runs.add("a", outcome: .stopped, options: options)
        let request = try resume([], ["SUPERVISE_KEEP_LAST": "9", "SUPERVISE_MAX_FAILURES": "9"])
        #expect(request.command == ["python3", "train.py"])
        #expect(request.directory == "/data/work")
        #expect(request.name == RunName("a"))
        #expect(request.stateDirectory == runs.root)
        #expect(request.checkpointDirectory == "/data/work/ck")
        #expect(request.options == options)
        #expect(request.settings.retention.keepLast == 3)
        #expect(request.settings.maxFailures == 5)
        #expect(request.settings.backoff == .zero ... .seconds(1))
        #expect(request.settings.resumeFrom == .newest)
        #expect(request.verbosity == .quiet)
        #expect(!request.fresh)
    }

    @Test("can go on from a checkpoint that was named")
    func from() throws {
        try runs.add("a", outcome: .failed, checkpoints: [3, 12])
        #expect(try resume(["--from", "none"]).settings.resumeFrom == .beginning)
        let id = CheckpointID(sequence: 3, step: 3)
        for text in ["000003-step-3", "000003", "3"] {
            #expect(try resume(["--from=\(text)"]).settings.resumeFrom == .checkpoint(id))
        }
        #expect(
            runs.refusal("resume", ["a", "--from", "4"])
                == Complaint(
                    "run a has no checkpoint 4 (supervise checkpoints a list)", status: 1))
        #expect(runs.refusal("resume", ["a", "--from", "x"])?.status == 125)
    }

    @Test("goes on from a checkpoint that was named even where the run has completed")
    func fromCompleted() throws {
        try runs.add("a", outcome: .completed, checkpoints: [3])
        let id = CheckpointID(sequence: 3, step: 3)
        #expect(try resume(["--from", "3"]).settings.resumeFrom == .checkpoint(id))
        #expect(runs.refusal("resume", ["a", "--from", "none"])?.status == 125)
    }

    @Test(
        "takes a run that was stopped, preempted, failed or orphaned",
        arguments: [
            .stopped, .preempted, .failed, nil,
        ] as [Outcome.Kind?])
    func resumable(outcome: Outcome.Kind?) throws {
        try runs.add("a", outcome == nil ? .running : .finished, outcome: outcome)
        #expect(try resume().name == RunName("a"))
    }

    @Test("is refused while the run is running")
    func running() throws {
        try runs.add("a", .running)
        let lock = try runs.lock("a")
        #expect(
            runs.refusal("resume", ["a"])
                == Complaint(
                    "run a is in use by pid \(getpid()); nothing to resume", status: 125))
        withExtendedLifetime(lock) {}
    }

    @Test("is refused when the run has completed")
    func completed() throws {
        try runs.add("a", outcome: .completed)
        #expect(
            runs.refusal("resume", ["a"])
                == Complaint(
                    "run a has completed; to do it again from the beginning, with this one kept in "
                        + "the archive: cd /data/work && supervise --name a --state-dir "
                        + "\(runs.root) -- python3 train.py", status: 125))
    }

    @Test("a completed run is done again with the options that it had, or they would be others")
    func completedWithOptions() throws {
        try runs.add(
            "a", outcome: .completed,
            options: [
                "keep-last": "50", "capture": "true", "chdir": "/data/work", "env": "A=1\nB=x y",
                "resume-args": "--from {checkpoint}", "state-dir": "/elsewhere",
            ])
        let message = runs.refusal("resume", ["a"])?.message ?? ""
        let call = message.split(separator: "archive: ").last.map(String.init) ?? ""
        #expect(
            call == "supervise --name a --state-dir \(runs.root) --chdir /data/work --env A=1 "
                + "--env 'B=x y' --keep-last 50 '--resume-args=--from {checkpoint}' --capture=true "
                + "-- python3 train.py")
    }

    @Test("a run that is paused is let go on by unpause, and not resumed")
    func paused() throws {
        try runs.add("a", .paused)
        let lock = try runs.lock("a")
        #expect(
            runs.refusal("resume", ["a"])
                == Complaint(
                    "run a is paused; to let it go on: supervise unpause a --state-dir "
                        + runs.root, status: 125))
        withExtendedLifetime(lock) {}
    }

    @Test("sizes that an earlier version recorded without a unit are bytes")
    func olderSizes() throws {
        try runs.add(
            "a", outcome: .stopped,
            options: ["max-bytes": "5000000000", "rlimit": "as=1000:unlimited\nnofile=64"])
        let request = try resume()
        #expect(request.settings.retention.maxBytes == 5_000_000_000)
        #expect(request.job.process.limits.map(\.soft) == [1000, 64])
    }

    @Test("is refused where the run has an option that is not known here")
    func unknownOption() throws {
        try runs.add("a", outcome: .stopped, options: ["warp": "9"])
        #expect(
            runs.refusal("resume", ["a"])
                == Complaint(
                    "run a was started with --warp, which this version of supervise does not "
                        + "know; use the newer one", status: 125))
    }

    @Test("names the record where a recorded option has a bad value")
    func badOption() throws {
        let store = try runs.add("a", outcome: .stopped, options: ["keep-last": "0"])
        #expect(
            runs.refusal("resume", ["a"])
                == Complaint(
                    "\(store.paths.record): \"keep-last\" takes a whole number from 1 to "
                        + "999999999, not \"0\"", status: 125))
    }
}
