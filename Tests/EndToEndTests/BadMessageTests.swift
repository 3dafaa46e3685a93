import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Nonsense on the socket: it is answered, the supervisor and the job go on, and what was saved
/// stays.
@Suite("Bad messages", .onStage)
struct BadMessageTests {
    private func answer(_ peer: Peer) throws -> Envelope<SupervisorMessage>? {
        try peer.readLine().map {
            try JSONText.decode(Envelope<SupervisorMessage>.self, from: $0.utf8)
        }
    }

    private func refusal(_ peer: Peer) throws -> ProtocolError? {
        guard case .error(let error) = try answer(peer)?.message else { return nil }
        return error
    }

    /// Whether the supervisor still answers, and over this connection.
    private func isServed(_ peer: Peer) throws -> Bool {
        try peer.send(line: #"{"type":"control","command":"status","seq":77}"#)
        let envelope = try answer(peer)
        guard envelope?.seq == 77, case .status = envelope?.message else { return false }
        return true
    }

    /// With a job that has saved something, and a connection without a hello.
    private func withPeer(_ body: (Place, Program, Peer) throws -> Void) throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let saved = try place.fingerprint(of: place.file("checkpoints"))
        let peer = try place.connect()
        try body(place, program, peer)
        let after = try place.connect()
        #expect(try isServed(after))
        #expect(try place.fingerprint(of: place.file("checkpoints")) == saved)
        try program.checkpoint(step: 2)
        try place.stop(program)
        #expect(try place.status().attempt == 1)
    }

    @Test("what is no JSON object, or no message, gets bad_message and the connection stays")
    func noMessage() throws {
        try withPeer { _, _, peer in
            let lines = [
                "", "{", "hello", "[]", "3", "null", "\"text\"", "{}", "{\"type\":7}", "\u{0}",
                "{\"type\":\"hello\"}", "{\"type\":\"begin\",\"step\":\"many\"}",
                "{\"type\":\"commit\",\"id\":\"../../x\"}", "{\"type\":\"control\"}",
                String(repeating: "[", count: 100_000), "{\"type\":\"begin\",\"step\":1e400}",
            ]
            for line in lines {
                try peer.send(line: line)
                #expect(try refusal(peer)?.code == .badMessage, "for \(line.prefix(40))")
            }
            try peer.send(Array("{\"type\":\"hel".utf8) + [0xff, 0xfe, UInt8(ascii: "\n")])
            #expect(try refusal(peer)?.code == .badMessage)
            #expect(try isServed(peer))
        }
    }

    @Test("an unknown type gets unknown_type with its seq, unknown keys are ignored")
    func unknownType() throws {
        try withPeer { _, _, peer in
            try peer.send(line: #"{"type":"sing","seq":5}"#)
            let envelope = try answer(peer)
            #expect(envelope?.seq == 5)
            guard case .error(let error) = envelope?.message else {
                Issue.record("no error")
                return
            }
            #expect(error.code == .unknownType)
            #expect(error.message.contains("sing"))
            try peer.send(line: #"{"type":"control","x":[{}],"command":"status","y":null}"#)
            guard case .status = try answer(peer)?.message else {
                Issue.record("no status")
                return
            }
        }
    }

    @Test("a line of 1 MiB is taken, a longer one gets too_long and the connection is closed")
    func tooLong() throws {
        try withPeer { _, _, peer in
            let limit = 1 << 20
            let head = #"{"type":"control","command":"status","#
            let filling = String(repeating: " ", count: limit - head.utf8.count - 9)
            let line = head + filling + #""seq":77}"#
            #expect(line.utf8.count == limit)
            try peer.send(line: line)
            #expect(try answer(peer)?.seq == 77)
            try peer.send(line: " " + line)
            #expect(try refusal(peer)?.code == .tooLong)
            #expect(try peer.readLine() == nil)
        }
    }

    @Test("a line without an end is refused as soon as it is too long, and not kept")
    func endless() throws {
        try withPeer { _, _, peer in
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
            // The supervisor closes; how much was on its way by then is the kernel's affair.
            var sent = 0
            while sent < 64 << 20 {
                do { try peer.send(piece) } catch { break }
                sent += piece.count
            }
            #expect(sent < 64 << 20)
        }
    }

    @Test("whoever has not said hello gets hello_first, however well the message is formed")
    func helloFirst() throws {
        try withPeer { _, _, peer in
            let lines = [
                #"{"type":"begin","step":9}"#, #"{"type":"commit","id":"000001-step-1"}"#,
                #"{"type":"add","path":"/etc/passwd"}"#, #"{"type":"abort","id":"000001-step-1"}"#,
                #"{"type":"progress","step":99}"#, #"{"type":"heartbeat"}"#,
                #"{"type":"failed","request":1}"#,
            ]
            for line in lines {
                try peer.send(line: line)
                #expect(try refusal(peer)?.code == .helloFirst, "for \(line)")
            }
            #expect(try isServed(peer))
        }
    }

    @Test("a token of another attempt gets stale_token and the connection is closed")
    func staleToken() throws {
        try withPeer { place, _, peer in
            let token = String(repeating: "0", count: 32)
            try peer.send(line: #"{"type":"hello","protocol":1,"token":"\#(token)","seq":1}"#)
            #expect(try refusal(peer)?.code == .staleToken)
            #expect(try peer.readLine() == nil)
            // Nor does the run's half of the true one let anybody in.
            let half = try place.record().runToken
            #expect(half.utf8.count == 16)
            let other = try place.connect()
            try other.send(line: #"{"type":"hello","protocol":1,"token":"\#(half + half)"}"#)
            #expect(try refusal(other)?.code == .staleToken)
            #expect(try other.readLine() == nil)
        }
    }

    @Test("the token of an attempt that has ended is stale")
    func earlierAttempt() throws {
        let place = try Place()
        let program = try place.puppet()
        let first = try #require(try place.record().current?.token)
        try program.say("exit 1")
        try program.nextAttempt(2)
        let peer = try place.connect()
        try peer.send(line: #"{"type":"hello","protocol":1,"token":"\#(first)"}"#)
        #expect(try refusal(peer)?.code == .staleToken)
        #expect(try peer.readLine() == nil)
        try place.stop(program)
    }

    @Test("a newer protocol is answered with the one that is spoken, and may be tried again")
    func newerProtocol() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.say("connect 1")
        let token = try #require(try place.record().current?.token)
        try program.say(#"send 1 {"type":"hello","protocol":2,"token":"\#(token)"}"#)
        let error = try program.refusal()
        #expect(error.code == .unsupportedProtocol)
        #expect(error.supported == 1)
        try program.hello(accepts: false)
        try place.stop(program)
    }

    @Test("a peer that does not read its answers is not read from, and nobody else waits for it")
    func slowReader() throws {
        try withPeer { place, _, peer in
            let question = #"{"type":"control","command":"status"}"#
            var asked = 0
            while asked < 20_000, try peer.sendAtOnce(line: question) { asked += 1 }
            #expect((1..<20_000).contains(asked))
            let other = try place.connect()
            #expect(try isServed(other))
            // As soon as it reads, it gets every answer.
            for _ in 0..<asked { #expect(try peer.readLine() != nil) }
            #expect(try isServed(peer))
        }
    }

    @Test("hundreds of connections, open, half-open and closed at once, are all served")
    func manyConnections() throws {
        try withPeer { place, _, _ in
            let peers = try (0..<300).map { _ in try place.connect() }
            for (number, peer) in peers.enumerated() where number % 3 == 0 {
                try peer.send(line: "nonsense")
            }
            for (number, peer) in peers.enumerated() where number % 3 == 1 { try peer.finish() }
            for (number, peer) in peers.enumerated() {
                switch number % 3 {
                case 0: #expect(try refusal(peer)?.code == .badMessage)
                case 1: #expect(try peer.readLine() == nil)
                default: #expect(try isServed(peer))
                }
            }
        }
    }

    @Test("metrics that are no finite numbers are dropped with one warning, the message stands")
    func notFinite() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let metrics = #"{"loss":NaN,"rate":Infinity,"low":-Infinity,"text":"x","good":2.5}"#
        try program.say(#"send 1 {"type":"progress","step":3,"metrics":\#(metrics)}"#)
        let began = try program.begin(step: 3)
        try program.say(#"send 1 {"type":"commit","id":"\#(began.id)","metrics":\#(metrics)}"#)
        _ = try program.committed()
        #expect(try place.manifest(began.id.description).metrics == ["good": 2.5])
        try place.stop(program)
        let status = try place.status()
        #expect(status.progress.step == 3)
        #expect(status.progress.metrics == ["good": 2.5])
        let warnings = program.lines(.errors).filter { $0.contains("metric") }
        #expect(warnings.count == 1)
    }
}
