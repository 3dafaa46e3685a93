import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("The protocol", .onStage)
struct ProtocolTests {
    @Test(
        "the welcome tells the run, the attempt, and what to resume from with what was said of it")
    func welcome() throws {
        let place = try Place()
        let program = try place.puppet()
        let first = try program.hello(accepts: false)
        #expect(first == .init(name: "it", attempt: 1, resume: nil))
        let began = try program.begin(step: 7, files: ["a": "alpha"])
        let metadata: [String: JSONValue] = [
            "order": .array([.integer(3), .null, .string("ü\n")]),
            "deep": .object(["x": .number(0.5)]),
        ]
        try program.send(
            .commit(.init(id: began.id, metrics: Metrics(["loss": 0.25]), metadata: metadata)))
        let committed = try program.committed()
        try program.say("exit 1")
        try program.nextAttempt(2)
        let second = try program.hello(accepts: false)
        #expect(second.attempt == 2)
        let resume = try #require(second.resume)
        #expect(resume.id == committed.id)
        #expect(resume.step == 7)
        #expect(resume.path == committed.path)
        #expect(resume.metrics == ["loss": 0.25])
        #expect(resume.metadata == metadata)
        #expect(try readSmallFile("\(resume.path)/a") == "alpha")
        try place.stop(program)
    }

    @Test("the messages on the wire have the names that the protocol gives")
    func wireForm() throws {
        let place = try Place()
        let program = try place.puppet()
        let token = try #require(try place.record().current?.token)
        let accepts = #""accepts":["checkpoint"]"#
        try program.say("connect 1")
        try program.say(
            #"send 1 {"type":"hello","protocol":1,"token":"\#(token)",\#(accepts),"seq":-4}"#
        )
        #expect(
            try object(program.received()) == [
                "type": .string("welcome"), "protocol": .integer(1), "name": .string("it"),
                "attempt": .integer(1), "resume": .null, "last_failure": .null,
                "seq": .integer(-4),
            ])
        try program.say(#"send 1 {"type":"begin","seq":9007199254740993}"#)
        let began = try object(program.received())
        #expect(began["type"] == .string("began"))
        #expect(began["id"] == .string("000001"))
        #expect(began["seq"] == .integer(9_007_199_254_740_993))
        #expect(Set(began.keys) == ["type", "id", "path", "seq"])
        try program.say(#"send 1 {"type":"abort","id":"000001","seq":0}"#)
        #expect(
            try object(program.received()) == ["type": .string("aborted"), "seq": .integer(0)])
        try place.connect().send(line: #"{"type":"control","command":"checkpoint"}"#)
        let request = try object(program.received())
        #expect(
            request == [
                "type": .string("checkpoint_request"), "request": .integer(1),
                "reason": .string("manual"), "final": .bool(false), "deadline_s": .null,
            ])
        try program.say(#"send 1 {"type":"failed","request":1,"error":"no"}"#)
        try program.signal(2)
        let final = try object(program.received())
        #expect(final["final"] == .bool(true))
        #expect(final["reason"] == .string("shutdown"))
        guard case .number(let left) = try #require(final["deadline_s"]) else {
            #expect(final["deadline_s"] == .integer(60))
            return
        }
        #expect(left > 50 && left <= 60)
    }

    private func object(_ line: String) throws -> [String: JSONValue] {
        try JSONText.decode([String: JSONValue].self, from: line.utf8)
    }

    @Test("committed means: visible, whole by sha256sum, and told in the manifest and the status")
    func committed() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 3, files: ["a": "alpha", "b\\dä'": "beta"])
        #expect(place.checkpoints.isEmpty)
        #expect(try Disk().status(began.path).mode == 0o700)
        try program.send(.commit(.init(id: began.id, metrics: Metrics(["loss": 1.5]))), seq: 4)
        let envelope = try program.message()
        guard case .committed(let committed) = envelope.message else {
            throw program.failure("not committed")
        }
        #expect(envelope.seq == 4)
        #expect(committed.id.description == "000001-step-3")
        #expect(committed.bytes == 9)
        #expect(committed.path == place.file("checkpoints/000001-step-3/data"))
        #expect(place.checkpoints == ["000001-step-3"])
        #expect(try place.isWhole("000001-step-3"))
        let manifest = try place.manifest("000001-step-3")
        #expect(manifest.files.map(\.path).sorted() == ["data/a", "data/b\\dä'"])
        #expect(manifest.step == 3)
        #expect(manifest.sequence == 1)
        #expect(manifest.reason == .job)
        #expect(manifest.parent == nil)
        #expect(manifest.metrics == ["loss": 1.5])
        #expect(place.names(in: "staging").isEmpty)
        try place.stop(program)
        let status = try place.status()
        #expect(status.checkpoint?.id == committed.id)
        #expect(status.checkpoints == 1)
        #expect(status.checkpointBytes == 9)
        // The probe works: a byte that differs is found.
        try place.rot("\(committed.path)/a")
        #expect(try !place.isWhole("000001-step-3"))
    }

    @Test("a file of the job's is taken up by a copy, and so is a whole directory")
    func add() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let file = try place.directory.write("model.bin", "weights")
        try program.send(.add(.init(path: file, step: 1, metrics: Metrics(["loss": 2]))), seq: 8)
        let envelope = try program.message()
        guard case .committed(let first) = envelope.message else {
            throw program.failure("not committed")
        }
        #expect(envelope.seq == 8)
        #expect(try readSmallFile(first.path) == "weights")
        #expect(try readSmallFile(file) == "weights")
        #expect(try place.isWhole(first.id.description))

        let directory = try place.directory.makeDirectory("out")
        _ = try place.directory.makeDirectory("out/deep")
        try place.directory.write("out/deep/x", "1")
        try place.directory.write("out/y", "2")
        try program.send(.add(.init(path: directory, step: 2)))
        let second = try program.committed()
        #expect(try readSmallFile("\(second.path)/deep/x") == "1")
        #expect(try readSmallFile("\(second.path)/y") == "2")
        #expect(try place.isWhole(second.id.description))
        #expect(try place.manifest(second.id.description).parent == first.id)

        // What the job does with its own files later changes nothing of the checkpoint.
        try place.directory.write("out/y", "changed")
        #expect(try readSmallFile("\(second.path)/y") == "2")
        try program.say("exit 1")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.path == second.path)
        try place.stop(program)
    }

    @Test(
        "what cannot be added is refused and leaves nothing behind",
        arguments: [
            ("no/absolute", "bad_path"), ("/no/such/file", "bad_path"), ("/dev/null", "bad_path"),
        ])
    func badAdd(path: String, code: String) throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.send(.add(.init(path: path)))
        #expect(try program.refusal().code.rawValue == code)
        try program.checkpoint(step: 1)
        #expect(place.checkpoints.count == 1)
        #expect(place.names(in: "staging").isEmpty)
        try place.stop(program)
    }

    @Test("a checkpoint without a file is empty_checkpoint, and not made")
    func empty() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 1, files: [:])
        try program.send(.commit(.init(id: began.id)), seq: 2)
        #expect(try program.refusal().code == .emptyCheckpoint)
        #expect(place.checkpoints.isEmpty)
        try program.send(.commit(.init(id: began.id)))
        #expect(try program.refusal().code == .unknownCheckpoint)
        #expect(try program.checkpoint(step: 1).id.sequence == 2)
        try place.stop(program)
    }

    @Test("an aborted checkpoint is gone, and its number is not used again")
    func abort() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 1)
        try program.send(.abort(.init(id: began.id)), seq: 3)
        #expect(try program.message() == Envelope(.aborted, seq: 3))
        try program.send(.commit(.init(id: began.id)))
        #expect(try program.refusal().code == .unknownCheckpoint)
        let next = try program.checkpoint(step: 1)
        #expect(next.id.description == "000002-step-1")
        #expect(place.checkpoints == ["000002-step-1"])
        #expect(place.names(in: "staging").isEmpty)
        try place.stop(program)
    }

    @Test("one checkpoint is open at a time; a new begin on the same connection aborts the first")
    func oneOpen() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.hello(accepts: false, on: "2")
        let first = try program.begin(step: 1)
        try program.say(#"send 2 {"type":"begin","step":2}"#)
        #expect(try program.refusal(on: "2").code == .conflict)
        try program.say(#"send 2 {"type":"add","path":"/etc/hostname"}"#)
        #expect(try program.refusal(on: "2").code == .conflict)
        try program.say(#"send 2 {"type":"commit","id":"\#(first.id)"}"#)
        #expect(try program.refusal(on: "2").code == .unknownCheckpoint)
        try program.say(#"send 2 {"type":"abort","id":"\#(first.id)"}"#)
        #expect(try program.refusal(on: "2").code == .unknownCheckpoint)
        let second = try program.begin(step: 3)
        #expect(second.id.sequence == first.id.sequence + 1)
        try program.send(.commit(.init(id: first.id)))
        #expect(try program.refusal().code == .unknownCheckpoint)
        try program.send(.commit(.init(id: second.id)))
        #expect(try program.committed().id == second.id)
        #expect(place.checkpoints == [second.id.description])
        try place.stop(program)
    }

    @Test("a connection that closes takes its open checkpoint with it")
    func disconnected() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 1)
        try program.say("close 1")
        try program.hello(accepts: false)
        try program.checkpoint(step: 2)
        #expect(!pathExists(began.path))
        #expect(place.checkpoints == ["000002-step-2"])
        try place.stop(program)
    }

    @Test("only the newest are kept, by the order of commits and not by step")
    func keepLast() throws {
        let place = try Place()
        let program = try place.puppet(["--keep-last", "2"])
        try program.hello(accepts: false)
        for step in [90, 10, 20, 30] as [Int64] { try program.checkpoint(step: step) }
        try place.stop(program)
        #expect(place.checkpoints == ["000003-step-20", "000004-step-30"])
        #expect(place.names(in: "trash").isEmpty)
        // What an attempt has resumed from stays as long as it runs.
        let second = try place.puppet(["--keep-last", "1"])
        #expect(try second.hello(accepts: false).resume?.id.sequence == 4)
        for step in [40, 50] as [Int64] { try second.checkpoint(step: step) }
        try place.stop(second)
        #expect(place.checkpoints == ["000004-step-30", "000006-step-50"])
    }

    @Test("what an attempt left unfinished is gone when the next one begins")
    func unfinished() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let began = try program.begin(step: 1)
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume == nil)
        let next = try program.checkpoint(step: 1)
        #expect(next.id.sequence == began.id.sequence + 1)
        #expect(!pathExists(began.path))
        try place.stop(program)
    }

    @Test("a commit that was sent before the job died is finished before the next attempt chooses")
    func lastWords() throws {
        let place = try Place()
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        var job = try program.nextAttempt(1)
        for attempt in 1...5 {
            let process = try ProcessHandle(opening: job)
            try program.hello(accepts: false)
            let began = try program.begin(step: Int64(attempt))
            // A signal waits for the supervisor when it wakes, and so the end of the job is what it
            // hears of first; only then does it find the commit.
            try program.signal(19)
            try program.waitUntilStopped()
            try program.signal(28)
            try program.send(.commit(.init(id: began.id)))
            try program.say("die KILL")
            #expect(try process.waitForEnd(atMost: patience))
            try program.signal(18)
            job = try program.nextAttempt(attempt + 1)
            #expect(try program.hello(accepts: false).resume?.id == began.id)
        }
        try place.stop(program)
    }
}
