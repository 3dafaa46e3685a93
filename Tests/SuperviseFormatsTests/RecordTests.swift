import SuperviseFormats
import Testing

@Suite("What is on the disk")
struct RecordTests {
    private let at = Timestamp(milliseconds: 0)
    private let id = CheckpointID(sequence: 13, step: 4500)

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONText.encode(value), as: UTF8.self)
    }

    private var record: RunRecord {
        RunRecord(
            name: "run", command: ["a", "b"], directory: "/d", options: ["keep-last": "3"],
            checkpointDirectory: "/c", created: at, host: "h", bootID: "boot", supervisorPID: 5,
            runToken: "0123456789abcdef")
    }

    @Test("the run record has its keys, with nulls where there is nothing")
    func runRecord() throws {
        #expect(
            try text(record)
                == #"{"attempt":0,"attempts_reserved":null,"best_step":null,"boot_id":"boot","branches":[],"#
                + #""checkpoint_directory":"/c","#
                + #""command":["a","b"],"commits":0,"created":"1970-01-01T00:00:00.000Z","#
                + #""current":null,"directory":"/d","environment":null,"#
                + #""experience":{"cost_s":null,"failures":0,"measured":0,"ran_s":0,"recent_costs_s":[],"wait_s":null},"#
                + #""failures":{"last":null,"suspects":{},"#
                + #""total":0,"without_progress":0},"format":2,"home":null,"host":"h","name":"run","named_steps":null,"#
                + #""options":{"keep-last":"3"},"outcome":null,"program":null,"#
                + #""progress":{"reported_step":null,"same_ends":null},"run_token":"0123456789abcdef","#
                + #""sequence":0,"shared_through":null,"supervisor_pid":5,"totals":{"checkpoint_s":0,"down_s":0,"#
                + #""goodput":null,"lost_s":0,"useful_s":0,"wall_s":0}}"#)
    }

    @Test("the run record comes back as it was")
    func runRecordAgain() throws {
        var full = record
        full.attempt = 2
        full.attemptsReserved = 10
        full.current = .init(token: "t", resumedFrom: id, started: at, progressed: true)
        full.failures.suspects = [id.description: 2]
        full.failures.last = Failure(
            attempt: 1, kind: .crash, signal: "SIGKILL", at: at, lostSeconds: 12.5)
        full.bestStep = 4500
        full.namedSteps = .ended
        full.totals.wall = 3600
        full.progress.reportedStep = 17
        full.progress.sameEnds = .init(exitCode: nil, signal: "SIGKILL", lived: [1, 1.5])
        full.experience.cost = 1.5
        full.experience.recent = [1, 1.5]
        full.branches = [.init(first: 5, parent: nil, asked: true)]
        full.experience.wait = 2.5
        full.experience.failures = 2
        full.home = Home(path: "/s/run", id: DirectoryID(device: .max, inode: 7))
        full.sharedThrough = 12
        full.checkpointDirectory = nil
        full.outcome = Outcome(kind: .failed, exitCode: 3)
        let bytes = try JSONText.encode(full)
        #expect(try JSONText.decode(RunRecord.self, from: bytes) == full)
    }

    @Test("the run record is written byte for byte as an encoder would, whatever is in it")
    func runRecordByHand() throws {
        let odd = String(String.UnicodeScalarView((0...0x1ff).compactMap(UnicodeScalar.init)))
        let numbers = [
            0, 0.1, 1, -2.5, 1e15, 1e16, 1e20, 1.5e-7, 12_345.678, .pi, .leastNonzeroMagnitude,
        ]
        for (index, number) in numbers.enumerated() {
            var full = record
            full.name = odd
            full.command = [odd, "", "a/b", "\u{2028}\u{fffd}ß🙂"]
            full.options = ["keep-last": "3", "env": "A=1\nB=2", "a": odd, "Z": "", "ä": "\\"]
            full.program = index == 0 ? nil : "/bin/\(odd)"
            full.environment =
                index == 0 ? nil : KeptEnvironment(alsoKeeping: ["Z"], of: [("PATH", odd)])
            full.bestStep = index == 0 ? nil : -4500
            full.namedSteps = index == 0 ? nil : .rising
            full.sequence = .max
            full.checkpointDirectory = index == 1 ? odd : nil
            full.sharedThrough = index == 2 ? 12 : nil
            full.home =
                index == 3 ? nil : Home(path: odd, id: DirectoryID(device: .max, inode: 0))
            full.progress.reportedStep = index == 4 ? nil : .min
            full.progress.sameEnds =
                index == 5 ? nil : .init(exitCode: 1, signal: odd, lived: [number])
            full.totals.wall = number
            full.totals.useful = number / 3
            full.experience.cost = number
            full.experience.recent = index == 0 ? [] : [number, 2]
            full.branches = [
                .init(first: 5, parent: nil, asked: true),
                .init(first: .max, parent: 2, asked: false),
            ]
            #expect(String(decoding: full.json, as: UTF8.self) == (try text(full)))
            full.current = .init(token: "t", resumedFrom: nil, started: at, progressed: true)
            full.failures.suspects = [id.description: 2, "000002": 1]
            full.failures.last = Failure(
                attempt: 1, kind: .machine, exitCode: index == 1 ? nil : 3, signal: odd, at: at,
                lostSeconds: number)
            full.failures.last?.outputTail = ["one", odd]
            full.failures.last?.report = odd
            full.failures.last?.error = odd
            full.failures.last?.atStart = true
            full.outcome = Outcome(kind: .failed, exitCode: 3, signal: nil)
            #expect(String(decoding: full.json, as: UTF8.self) == (try text(full)))
            full.current?.resumedFrom = id
            full.outcome = Outcome(kind: .stopped, signal: "SIGTERM", reason: .inputUsedUp)
            #expect(String(decoding: full.json, as: UTF8.self) == (try text(full)))
        }
    }

    @Test("a record of a version that had no branches is taken")
    func withoutBranches() throws {
        let older = try text(record).replacing(#""branches":[],"#, with: "")
        #expect(try JSONText.decode(RunRecord.self, from: Array(older.utf8)) == record)
    }

    @Test("a record that tells nothing of costs and failures is taken")
    func withoutExperience() throws {
        let text = try text(record)
        let part =
            #""experience":{"cost_s":null,"failures":0,"measured":0,"ran_s":0,"recent_costs_s":[],"wait_s":null},"#
        #expect(text.contains(part))
        for older in [
            text.replacing(part, with: ""),
            text.replacing(#","recent_costs_s":[],"wait_s":null"#, with: ""),
            text.replacing(#""attempts_reserved":null,"#, with: ""),
        ] {
            #expect(try JSONText.decode(RunRecord.self, from: Array(older.utf8)) == record)
        }
    }

    @Test("a record of format 1 is read, and is written in format 2; a newer one is refused")
    func recordFormats() throws {
        let text = try text(record)
        let older = text.replacing(#""format":2,"home":null,"#, with: #""format":1,"#)
            .replacing(#""shared_through":null,"#, with: "")
        let read = try JSONText.decode(RunRecord.self, from: Array(older.utf8))
        #expect(read.format.isFirst && !record.format.isFirst)
        #expect(read.home == nil && read.sharedThrough == nil && read.checkpointDirectory == "/c")
        #expect(String(decoding: read.json, as: UTF8.self) == text)
        let newer = text.replacing(#""format":2"#, with: #""format":3"#)
        #expect(throws: FormatError.newerFormat(3)) {
            try JSONText.decode(RunRecord.self, from: Array(newer.utf8))
        }
        // An older version decodes the format first, and says the same of 2.
        #expect(throws: FormatError.newerFormat(2)) {
            try JSONText.decode(FormatVersion.self, from: Array("2".utf8))
        }
    }

    @Test("the owner of a checkpoint directory comes back as it was")
    func payloadOwner() throws {
        let owner = PayloadOwner(
            host: "h", stateDirectory: "/s", name: "run", run: .init(device: 1, inode: .max),
            payload: .init(device: 3, inode: 4), sharedThrough: 5)
        #expect(
            try text(owner)
                == #"{"device":1,"format":1,"host":"h","inode":18446744073709551615,"name":"run","#
                + #""payload":{"device":3,"inode":4},"shared_through":5,"state_directory":"/s"}"#)
        #expect(try JSONText.decode(PayloadOwner.self, from: JSONText.encode(owner)) == owner)
        #expect(owner.fault == nil && owner.run == "/s/run")
        for change: (inout PayloadOwner) -> Void in [
            { $0.stateDirectory = "s" }, { $0.name = ".." }, { $0.sharedThrough = -1 },
        ] {
            var bad = owner
            change(&bad)
            #expect(bad.fault != nil)
        }
    }

    @Test("the status has the keys of the design, with nulls where there is nothing")
    func status() throws {
        var status = Status(
            name: "train", phase: .running, command: ["python3"], supervisorPID: 100, attempt: 2,
            started: at, updated: at)
        let empty = try text(status)
        for key in [
            "job_pid", "socket", "checkpoint", "next_checkpoint", "resumed_from", "last_failure",
            "outcome", "schedule", "given_up", "output",
        ] {
            #expect(empty.contains("\"\(key)\":null"), "\(key)")
        }
        status.checkpoint = .init(id: id, path: "/c", committed: at, bytes: 1234)
        status.lastFailure = Failure(
            attempt: 1, kind: .crash, signal: "SIGKILL", at: at, lostSeconds: 12.5)
        status.outcome = Outcome(kind: .failed, exitCode: 0, reason: .inputUsedUp)
        status.output = .init(discardedBytes: 35)
        status.suspect = [id]
        status.schedule = .init(
            mode: .auto, interval: 30, experience: Experience(), meanTimeBetweenFailures: 60,
            expected: 90)
        status.setAside = [.init(id: id, reason: "rot")]
        let full = try text(status)
        for part in [
            #""format":1"#, #""phase":"running""#, #""supervisor_pid":100"#, #""attempt":2"#,
            #""failures":0"#, #""checkpoints":0"#, #""checkpoint_bytes":0"#,
            #""checkpoint":{"bytes":1234,"committed":"1970-01-01T00:00:00.000Z","#
                + #""id":"000013-step-4500","path":"/c","step":4500}"#,
            #""progress":{"eta_s":null,"first":null,"fraction":null,"message":null,"metrics":{},"#
                + #""metrics_left_out":0,"rate_per_s":null,"step":null,"total":null,"unit":null}"#,
            #""requests":{"committed":0,"failed":0,"late":0,"lost":0,"made":0,"moot":0,"unanswered":0,"unfinished":0}"#,
            #""last_failure":{"at":"1970-01-01T00:00:00.000Z","at_start":false,"attempt":1,"#
                + #""error":null,"exit_code":null,"kind":"crash","lost_s":12.5,"#
                + #""output_tail":[],"report":null,"#
                + #""signal":"SIGKILL"}"#,
            #""outcome":{"exit_code":0,"kind":"failed","reason":"input_used_up","signal":null}"#,
            #""output":{"discarded_bytes":35}"#,
            #""suspect":["000013-step-4500"]"#,
            #""schedule":{"expected_mtbf_s":90,"experience":{"cost_s":null,"failures":0,"#
                + #""measured":0,"ran_s":0,"recent_costs_s":[],"wait_s":null},"interval_s":30,"mode":"auto","mtbf_s":60}"#,
            #""set_aside":[{"id":"000013-step-4500","reason":"rot"}]"#,
        ] {
            #expect(full.contains(part), "\(part) in \(full)")
        }
        #expect(try JSONText.decode(Status.self, from: Array(full.utf8)) == status)
        let older = full.replacing(/"set_aside":\[[^\]]*\],/, with: "")
            .replacing(/"output":\{[^}]*\},/, with: "")
            .replacing(#""reason":"input_used_up","#, with: "")
        let decoded = try JSONText.decode(Status.self, from: Array(older.utf8))
        #expect(decoded.setAside.isEmpty && decoded.output == nil)
        #expect(decoded.outcome == Outcome(kind: .failed, exitCode: 0))
        let newer = full.replacing("input_used_up", with: "of_a_later_version")
        let known = try JSONText.decode(Status.self, from: Array(newer.utf8)).outcome
        #expect(known == Outcome(kind: .failed, exitCode: 0))
    }

    @Test("a status of an older supervisor has lost no requests, and was not given up")
    func olderStatus() throws {
        var status = Status(
            name: "train", phase: .finished, command: ["python3"], supervisorPID: 100, attempt: 2,
            started: at, updated: at)
        status.requests.lost = 1
        status.finalCheckpointLost = true
        status.givenUp = .init(
            reason: .sameEachTime, failures: 3, reportedStep: nil, commits: 0, committedStep: nil,
            healthyAfter: 600)
        let full = try text(status)
        #expect(try JSONText.decode(Status.self, from: Array(full.utf8)) == status)
        let older = full.replacing(#""lost":1,"#, with: "")
            .replacing(#""final_checkpoint_lost":true,"#, with: "")
            .replacing(/"given_up":\{[^}]*\},/, with: "")
        let read = try JSONText.decode(Status.self, from: Array(older.utf8))
        #expect(read.requests.lost == 0 && !read.finalCheckpointLost && read.givenUp == nil)
    }

    @Test("a record of an older supervisor has shown no steps")
    func olderProgress() throws {
        var full = record
        full.progress.reportedStep = 4
        let older = try text(full).replacing(/"progress":\{[^}]*\},/, with: "")
        #expect(!older.contains("reported_step"))
        let read = try JSONText.decode(RunRecord.self, from: Array(older.utf8))
        #expect(read == record)
    }

    @Test("the manifest has the keys of the design")
    func manifest() throws {
        let manifest = Manifest(
            id: id, reason: .interval, attempt: 2, parent: nil, created: at, seconds: 1.5,
            files: [.init(path: "data/a", bytes: 3), .init(path: "data/b", bytes: 4)],
            metrics: ["loss": 0.5], metadata: ["k": .string("v")])
        #expect(
            try text(manifest)
                == #"{"attempt":2,"created":"1970-01-01T00:00:00.000Z","#
                + #""files":[{"bytes":3,"path":"data/a"},{"bytes":4,"path":"data/b"}],"format":1,"#
                + #""id":"000013-step-4500","links":[],"metadata":{"k":"v"},"metrics":{"loss":0.5},"#
                + #""outside":null,"parent":null,"ranks":1,"reason":"interval","seconds":1.5,"#
                + #""sequence":13,"single":null,"step":4500}"#)
        #expect(manifest.bytes == 7)
        #expect(manifest.payloadPath(in: "/c") == "/c/data")
        #expect(try JSONText.decode(Manifest.self, from: JSONText.encode(manifest)) == manifest)
    }

    @Test("a payload that stays outside is told by absolute paths")
    func outside() throws {
        let manifest = Manifest(
            id: id, reason: .job, attempt: 1, parent: nil, created: at, seconds: 0,
            files: [.init(path: "/out/a", bytes: 3, modified: 1_700_000_000_123_456_789)],
            metrics: [:], metadata: [:], single: "/out/a",
            outside: .init(path: "/out/a", isOwned: true))
        let full = try text(manifest)
        #expect(full.contains(#""outside":{"owned":true,"path":"/out/a"}"#))
        #expect(full.contains(#""modified":1700000000123456789"#))
        #expect(manifest.payloadPath(in: "/c") == "/out/a")
        #expect(try JSONText.decode(Manifest.self, from: Array(full.utf8)) == manifest)
    }

    @Test("a newer format is told from a broken file")
    func newerFormat() throws {
        let newer = try text(record).replacing(#""format":2"#, with: #""format":3"#)
        #expect(throws: FormatError.newerFormat(3)) {
            try JSONText.decode(RunRecord.self, from: Array(newer.utf8))
        }
        #expect(throws: FormatError.newerFormat(7)) {
            try JSONText.decode(RunRecord.self, from: Array(#"{"format":7,"else":true}"#.utf8))
        }
        for broken in ["", "{", "[]", "{}", #"{"format":0}"#, #"{"format":"1"}"#, "\0\0\0"] {
            do throws(FormatError) {
                _ = try JSONText.decode(RunRecord.self, from: Array(broken.utf8))
                Issue.record("\(broken) is read")
            } catch {
                guard case .unreadable = error else {
                    Issue.record("\(broken) is \(error)")
                    return
                }
            }
        }
    }

    @Test("a key that is missing or wrong is named")
    func namesTheKey() throws {
        let wrong = try text(record).replacing(#""commits":0"#, with: #""commits":"x""#)
        #expect(throws: FormatError.unreadable("\"commits\" has the wrong type")) {
            try JSONText.decode(RunRecord.self, from: Array(wrong.utf8))
        }
        let missing = try text(record).replacing(#""commits":0,"#, with: "")
        #expect(throws: FormatError.unreadable("the key \"commits\" is missing")) {
            try JSONText.decode(RunRecord.self, from: Array(missing.utf8))
        }
    }

    @Test("a number that is not finite cannot be written")
    func notFinite() {
        #expect(throws: FormatError.self) { try JSONText.encode(["x": Double.nan]) }
    }

    @Test("every event is one flat object, and comes back")
    func events() throws {
        var failure = Failure(attempt: 1, kind: .hang, at: at, lostSeconds: 2)
        failure.report = "output/hang-0001.txt"
        let events: [RunEvent] = [
            .attemptStarted(.init(attempt: 1, resumedFrom: nil, bytes: 0)),
            .jobExited(.init(attempt: 1, exitCode: nil, signal: "SIGKILL", seconds: 2)),
            .failed(.init(failure: failure, ran: 2, count: 1, limit: 5, backoff: nil)),
            .hung(
                .init(
                    attempt: 2, cause: .progress, silent: 9, never: true, processes: 1,
                    threads: 20, report: RunEvent.Hung.report(attempt: 2), text: "it\nsleeps")),
            .checkpointRequested(
                .init(request: 1, reason: .manual, final: false, deadline: nil)),
            .checkpointCommitted(
                .init(id: id, bytes: 1, seconds: 2, reason: .job, request: nil)),
            .checkpointFailed(.init(id: nil, request: 1, error: "no memory")),
            .requestEnded(.init(request: 1, result: .moot, seconds: 2)),
            .requestEnded(.init(request: 1, result: .lost, seconds: 2)),
            .setAside(.init(id: id, reason: "rot")), .removed(.init(ids: [id])),
            .compressed(.init(id: id, bytes: 10, compressedBytes: 3)),
            .attemptStarted(.init(attempt: 2, resumedFrom: id, bytes: 5, verified: .size)),
            .stopRequested(.init(by: "SIGTERM", deadline: 60, count: 1)),
            .leftovers(.init(processes: ["job (5)"])), .warning(.init(message: "w")),
            .noticeWithdrawn(.init(source: "aws", action: "stop", follows: .goesOn)),
            .finished(Outcome(kind: .stopped)),
            .finished(Outcome(kind: .failed, exitCode: 127), error: "command not found: x"),
        ]
        for event in events {
            let logged = LoggedEvent(at: at, event: event)
            let line = try text(logged)
            #expect(line.hasPrefix("{\"at\":\"1970") || line.contains("\"at\":\"1970"))
            #expect(try JSONText.decode(LoggedEvent.self, from: Array(line.utf8)) == logged)
        }
        #expect(
            try text(LoggedEvent(at: at, event: events[0]))
                == #"{"at":"1970-01-01T00:00:00.000Z","attempt":1,"bytes":0,"#
                + #""event":"attempt_started","resumed_from":null,"verified":null}"#)
    }

    @Test("slashes are plain, and any text comes back")
    func anyText() throws {
        #expect(try text(["/a/b"]) == #"["/a/b"]"#)
        for odd in ["", "\u{0}\n\t\"\\", "é\u{301}😀", "\u{2028}"] {
            #expect(try JSONText.decode([String].self, from: JSONText.encode([odd])) == [odd])
        }
    }
}
