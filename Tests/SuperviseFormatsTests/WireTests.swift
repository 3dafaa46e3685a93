import SuperviseFormats
import Testing

/// The messages of the protocol, as they go over the socket.
@Suite("Messages")
struct WireTests {
    private func read(_ line: String) throws -> JobMessage {
        try Envelope.read(Array(line.utf8)).message
    }

    @Test("everything that a job says is read")
    func fromJobs() throws {
        let id = CheckpointID(sequence: 13, step: 4520)
        var hello = JobMessage.Hello(token: "T", client: "name/version", accepts: ["checkpoint"])
        hello.rank = 0
        hello.ranks = 1
        let lines: [(String, JobMessage)] = [
            (
                #"{"type":"hello","protocol":1,"token":"T","client":"name/version","#
                    + #""accepts":["checkpoint"],"rank":0,"ranks":1}"#, .hello(hello)
            ),
            (#"{"type":"hello","protocol":1,"token":"T"}"#, .hello(.init(token: "T"))),
            (#"{"type":"heartbeat"}"#, .heartbeat),
            (
                #"{"type":"progress","step":5,"total":10,"unit":"step","metrics":{"loss":0.5},"#
                    + #""message":"warm"}"#,
                .progress(
                    .init(
                        step: 5, total: 10, unit: "step", metrics: .init(["loss": 0.5]),
                        message: "warm"))
            ),
            (#"{"type":"progress"}"#, .progress(.init())),
            (#"{"type":"begin","step":5,"request":7}"#, .begin(.init(step: 5, request: 7))),
            (#"{"type":"begin","step":null}"#, .begin(.init())),
            (
                #"{"type":"commit","id":"000013-step-4520","request":7,"metrics":{"a":1},"#
                    + #""metadata":{"x":[1,null,true,"y",{"z":0.5}]}}"#,
                .commit(
                    .init(
                        id: id, request: 7, metrics: .init(["a": 1]),
                        metadata: [
                            "x": .array([
                                .integer(1), .null, .bool(true), .string("y"),
                                .object(["z": .number(0.5)]),
                            ])
                        ]))
            ),
            (
                #"{"type":"add","path":"/a b","mode":"copy","step":1,"request":2}"#,
                .add(.init(path: "/a b", mode: "copy", step: 1, request: 2))
            ),
            (
                #"{"type":"commit","id":"000013-step-4520","blocked_s":0.25}"#,
                .commit(.init(id: id, blocked: 0.25))
            ),
            (
                #"{"type":"add","path":"/a","blocked_s":1.5}"#,
                .add(.init(path: "/a", blocked: 1.5))
            ),
            (#"{"type":"abort","id":"000013-step-4520"}"#, .abort(.init(id: id))),
            (
                #"{"type":"abort","id":"000013-step-4520","error":"full","code":"no_space"}"#,
                .abort(.init(id: id, error: "full", code: "no_space"))
            ),
            (
                #"{"type":"failed","request":7,"error":"full","code":"of_another_kind"}"#,
                .failed(.init(request: 7, error: "full", code: "of_another_kind"))
            ),
            (
                #"{"type":"failed","request":7,"error":"no memory"}"#,
                .failed(.init(request: 7, error: "no memory"))
            ),
            (
                #"{"type":"control","command":"stop","checkpoint":false}"#,
                .control(.init(command: "stop", checkpoint: false))
            ),
        ]
        for (line, message) in lines {
            #expect(try read(line) == message)
            let written = try Envelope(message, seq: 3).line()
            #expect(written.last == UInt8(ascii: "\n"))
            let again = try Envelope<JobMessage>.read(written.dropLast())
            #expect(again.message == message && again.seq == 3)
        }
    }

    @Test("everything that the supervisor says is written as the protocol shows it")
    func fromTheSupervisor() throws {
        let id = CheckpointID(sequence: 12, step: 4000)
        let resume = SupervisorMessage.Resume(
            id: id, path: "/c/12", metrics: ["loss": 0.5], metadata: ["k": .null])
        let lines: [(SupervisorMessage, String)] = [
            (
                .welcome(.init(name: "run", attempt: 2, resume: nil)),
                #"{"attempt":2,"last_failure":null,"name":"run","protocol":1,"resume":null,"#
                    + #""type":"welcome"}"#
            ),
            (
                .welcome(
                    .init(
                        name: "run", attempt: 2, resume: resume,
                        lastFailure: LastFailure(
                            Failure(
                                attempt: 1, kind: .oom, signal: "SIGKILL",
                                at: Timestamp(milliseconds: 0), lostSeconds: 1.5)))),
                #"{"attempt":2,"last_failure":{"attempt":1,"exit_code":null,"kind":"oom","#
                    + #""lost_s":1.5,"signal":"SIGKILL"},"name":"run","protocol":1,"resume":{"id":"000012-step-4000","#
                    + #""metadata":{"k":null},"metrics":{"loss":0.5},"path":"/c/12","step":4000},"#
                    + #""type":"welcome"}"#
            ),
            (
                .began(.init(id: .init(sequence: 13, step: nil), path: "/s/000013")),
                #"{"id":"000013","path":"/s/000013","type":"began"}"#
            ),
            (
                .committed(.init(id: id, path: "/c/12", bytes: 1234, seconds: 0.5)),
                #"{"bytes":1234,"id":"000012-step-4000","path":"/c/12","seconds":0.5,"#
                    + #""type":"committed"}"#
            ),
            (.aborted, #"{"type":"aborted"}"#),
            (
                .checkpointRequest(
                    .init(request: 7, reason: .interval, final: false, deadline: nil)),
                #"{"deadline_s":null,"final":false,"reason":"interval","request":7,"#
                    + #""type":"checkpoint_request"}"#
            ),
            (
                .checkpointRequest(
                    .init(request: 8, reason: .shutdown, final: true, deadline: 60)),
                #"{"deadline_s":60,"final":true,"reason":"shutdown","request":8,"#
                    + #""type":"checkpoint_request"}"#
            ),
            (.stop(deadline: 10), #"{"deadline_s":10,"type":"stop"}"#),
            (
                .error(.init(.noSpace, "the disk is full")),
                #"{"code":"no_space","message":"the disk is full","type":"error"}"#
            ),
            (
                .error(.init(.unsupportedProtocol, "use 1", supported: 1)),
                #"{"code":"unsupported_protocol","message":"use 1","supported":1,"type":"error"}"#
            ),
            (.ok, #"{"type":"ok"}"#),
        ]
        for (message, line) in lines {
            let written = try Envelope(message).line()
            #expect(String(decoding: written, as: UTF8.self) == line + "\n")
            #expect(
                try JSONText.decode(Envelope<SupervisorMessage>.self, from: written).message
                    == message)
        }
    }

    @Test("an answer carries the number of its request")
    func seq() throws {
        let line = try Envelope(SupervisorMessage.ok, seq: -4).line()
        #expect(String(decoding: line, as: UTF8.self) == "{\"seq\":-4,\"type\":\"ok\"}\n")
        #expect(try Envelope.read(Array(#"{"seq":5,"type":"heartbeat"}"#.utf8)).seq == 5)
    }

    @Test("every code of an error is spelled as the protocol has it")
    func codes() {
        let codes: [ProtocolError.Code] = [
            .badMessage, .tooLong, .unknownType, .helloFirst, .staleToken, .unsupportedProtocol,
            .unknownCheckpoint, .emptyCheckpoint, .badPath, .noSpace, .io, .conflict, .stopping,
        ]
        #expect(
            codes.map(\.rawValue) == [
                "bad_message", "too_long", "unknown_type", "hello_first", "stale_token",
                "unsupported_protocol", "unknown_checkpoint", "empty_checkpoint", "bad_path",
                "no_space", "io", "conflict", "stopping",
            ])
    }

    @Test("unknown keys are ignored")
    func unknownKeys() throws {
        #expect(try read(#"{"type":"begin","step":1,"colour":"red"}"#) == .begin(.init(step: 1)))
    }

    @Test(
        "a line that is no message is refused with its number and a reason",
        arguments: [
            (#"{"type":"dance","seq":4}"#, 4, .unknownType),
            (#"{"type":"item","seq":4}"#, 4, .unknownType),
            (#"{"type":"begin","step":"five","seq":4}"#, 4, .badMessage),
            (#"{"type":"abort","id":"13","seq":4}"#, 4, .badMessage),
            (#"{"type":"commit","seq":4}"#, 4, .badMessage),
            (#"{"seq":4}"#, 4, .badMessage), (#"{"type":5}"#, nil, .badMessage),
            (#"[1]"#, nil, .badMessage), ("", nil, .badMessage), ("hello", nil, .badMessage),
            (#"{"type":"heartbeat""#, nil, .badMessage), ("null", nil, .badMessage),
        ] as [(String, Int64?, ProtocolError.Code)])
    func refused(line: String, seq: Int64?, code: ProtocolError.Code) {
        do throws(RefusedLine) {
            _ = try Envelope.read(Array(line.utf8))
            Issue.record("\(line) is read")
        } catch {
            #expect(error.seq == seq && error.error.code == code)
        }
    }

    @Test("what is no UTF-8 is refused")
    func noUTF8() {
        let line = Array(#"{"type":"heartbeat","x":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8)
        #expect(throws: RefusedLine.self) { try Envelope.read(line) }
    }

    @Test("bare NaN and Infinity read as null, in strings they stand")
    func nonFinite() throws {
        let line =
            #"{"type":"progress","step":NaN,"message":"NaN \" Infinity","#
            + #""metrics":{"a":NaN,"b":Infinity,"c":-Infinity,"d":1.5}}"#
        guard case .progress(let report) = try read(line) else { return }
        #expect(report.step == nil && report.message == "NaN \" Infinity")
        #expect(report.metrics?.values == ["d": 1.5])
        #expect(report.metrics?.dropped == ["a", "b", "c"])
        #expect(NonFinite.replaced(in: Array(#"{"NaN":"Infinity"}"#.utf8)) == nil)
    }

    @Test("metrics that are null or no number are dropped, and the message stands")
    func metrics() throws {
        let line = #"{"type":"progress","metrics":{"a":null,"b":"x","c":true,"d":2,"e":[1]}}"#
        guard case .progress(let report) = try read(line) else { return }
        #expect(report.metrics?.values == ["d": 2])
        #expect(report.metrics?.dropped == ["a", "b", "c", "e"])
    }

    @Test("numbers too large to be one do not take the message with them")
    func hugeNumbers() throws {
        guard
            case .progress(let report) = try read(
                #"{"type":"progress","metrics":{"big":1e999,"loss":0.5}}"#)
        else { return }
        #expect(report.metrics?.values["loss"] == 0.5)
        #expect(report.metrics?.values["big"] == nil)
    }

    @Test("a step written with a fraction of nothing is a step")
    func wholeFloat() throws {
        #expect(try read(#"{"type":"begin","step":10.0}"#) == .begin(.init(step: 10)))
    }
}
