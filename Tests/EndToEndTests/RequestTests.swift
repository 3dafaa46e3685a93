import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Requested checkpoints", .onStage)
struct RequestTests {
    @Test("a request comes after each interval, counted from the hello and from each commit")
    func interval() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-every", "300ms"])
        let start = MonotonicTime.now()
        try program.hello()
        let first = try program.request()
        #expect(MonotonicTime.now() - start >= .milliseconds(300))
        #expect(first.reason == .interval && !first.final && first.deadline == nil)
        // One that is open is not followed by another.
        try program.silence(for: .milliseconds(400))
        let began = try program.begin(step: 1, request: first.request)
        let committing = MonotonicTime.now()
        try program.send(.commit(.init(id: began.id, request: first.request)))
        _ = try program.committed()
        let second = try program.request()
        #expect(MonotonicTime.now() - committing >= .milliseconds(300))
        #expect(second.request == first.request + 1)
        try program.send(.failed(.init(request: second.request, error: "not now")))
        #expect(try program.request().request == second.request + 1)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let requests = try place.status().requests
        #expect(requests.made == 3 && requests.committed == 1)
        #expect(requests.failed == 1 && requests.moot == 1 && requests.unanswered == 0)
        #expect(try place.manifest(began.id.description).reason == .interval)
    }

    @Test("a commit of the job's own starts the interval anew")
    func ownCommit() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-every", "800ms"])
        try program.hello()
        try program.silence(for: .milliseconds(400))
        let committing = MonotonicTime.now()
        try program.checkpoint(step: 1)
        _ = try program.request()
        #expect(MonotonicTime.now() - committing >= .milliseconds(800))
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("with the interval off nobody asks, and one who cannot save is not asked either")
    func off() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-every", "off"])
        try program.hello()
        try program.silence(for: .milliseconds(300))
        try place.stopByControl(program)
        let other = try place.puppet(["--checkpoint-every", "100ms"])
        try other.hello(accepts: false)
        try other.silence(for: .milliseconds(300))
        try place.stop(other)
    }

    @Test("operators who ask for a checkpoint join one request, and each is told of the commit")
    func operators() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let peers = try (0..<3).map { _ in try place.connect() }
        for (number, peer) in peers.enumerated() {
            try peer.send(line: #"{"type":"control","command":"checkpoint","seq":\#(number)}"#)
        }
        let request = try program.request()
        #expect(request.reason == .manual)
        // All three are in by the time that a later question of theirs is answered.
        for peer in peers { try peer.send(line: #"{"type":"control","command":"status"}"#) }
        for peer in peers { #expect(try peer.readLine()?.contains(#""type":"status""#) == true) }
        // Whoever leaves is not missed.
        try peers[2].finish()
        let committed = try program.checkpoint(step: 4, request: request.request)
        for (number, peer) in peers.prefix(2).enumerated() {
            let line = try #require(try peer.readLine())
            let answer = try JSONText.decode(Envelope<SupervisorMessage>.self, from: line.utf8)
            #expect(answer.seq == Int64(number))
            guard case .committed(let told) = answer.message else {
                Issue.record("not committed: \(line)")
                continue
            }
            #expect(told.id == committed.id && told.path == committed.path)
        }
        try place.stopByControl(program)
        #expect(try place.status().requests.made == 1)
    }

    @Test("an operator is told why there is no checkpoint")
    func noCheckpoint() throws {
        let place = try Place()
        let program = try place.puppet()
        let peer = try place.connect()
        let ask = #"{"type":"control","command":"checkpoint","seq":5}"#
        // It has a second to say hello.
        try peer.send(line: ask)
        #expect(try code(peer) == .conflict)
        try program.hello()
        try peer.send(line: ask)
        let request = try program.request()
        try program.send(.failed(.init(request: request.request, error: "the disk is full")))
        let line = try #require(try peer.readLine())
        #expect(line.contains("the disk is full"))
        try peer.send(line: ask)
        _ = try program.request()
        try program.say("exit 1")
        #expect(try code(peer) == .stopping)
        try program.nextAttempt(2)
        try peer.send(line: #"{"type":"control","command":"dance"}"#)
        #expect(try code(peer) == .badMessage)
        try place.stop(program)
    }

    @Test("a checkpoint that is asked for as soon as the run is there waits for the job's hello")
    func beforeHello() throws {
        let place = try Place()
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        // Before the status, and so the socket, is there.
        try waitBriefly { pathExists(place.file("run.json")) }
        let call = try place.call(["checkpoint", "it", "--state-dir", place.state])
        try program.nextAttempt(1)
        try program.hello()
        let request = try program.request()
        #expect(request.reason == .manual)
        try program.checkpoint(step: 3, request: request.request)
        #expect(try call.waitForEnd() == .exited(0))
        #expect(call.text(.output).hasPrefix("checkpoint 000001-step-3, "))
        try place.stopByControl(program)
    }

    private func code(_ peer: Peer) throws -> ProtocolError.Code? {
        let line = try #require(try peer.readLine())
        let answer = try JSONText.decode(Envelope<SupervisorMessage>.self, from: line.utf8)
        guard case .error(let error) = answer.message else { return nil }
        return error.code
    }

    @Test("a request that is not answered in time is given up, and a late answer is still taken")
    func unanswered() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "300ms"])
        try program.hello()
        let peer = try place.connect()
        let start = MonotonicTime.now()
        try peer.send(line: #"{"type":"control","command":"checkpoint"}"#)
        let request = try program.request()
        #expect(try code(peer) == .conflict)
        #expect(MonotonicTime.now() - start >= .milliseconds(300))
        let committed = try program.checkpoint(step: 1, request: request.request)
        #expect(place.checkpoints == [committed.id.description])
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
        let requests = try place.status().requests
        #expect(requests.made == 1 && requests.late == 1 && requests.unanswered == 0)
    }

    @Test("the time of a request starts again as long as what is written grows")
    func growing() throws {
        let place = try Place()
        let program = try place.puppet(["--checkpoint-timeout", "300ms"])
        try program.hello()
        let peer = try place.connect()
        let start = MonotonicTime.now()
        try peer.send(line: #"{"type":"control","command":"checkpoint"}"#)
        let request = try program.request()
        let began = try program.begin(step: 1, request: request.request)
        #expect(try code(peer) == .conflict)
        #expect(MonotonicTime.now() - start >= .milliseconds(600))
        try program.send(.commit(.init(id: began.id, request: request.request)))
        #expect(try program.committed().id == began.id)
        try place.stopByControl(program)
    }

    @Test("a connection that comes while a request is open is asked too")
    func lateHello() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.signal(10)
        let request = try program.request()
        try program.hello(on: "2")
        #expect(try program.request(on: "2").request == request.request)
        try program.checkpoint(step: 1, request: request.request)
        try place.stopByControl(program)
    }

    @Test("control stop is answered, asks for a final checkpoint and ends as SIGTERM does")
    func controlStop() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        let peer = try place.connect()
        try peer.send(line: #"{"type":"control","command":"stop","seq":9}"#)
        #expect(try peer.readLine() == #"{"seq":9,"type":"ok"}"#)
        let request = try program.request()
        #expect(request.final)
        try program.checkpoint(step: 1, request: request.request)
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(try peer.readLine() == nil)
    }

    @Test("the status over the socket is that of the file, and its path is in it")
    func status() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello()
        try program.send(
            .progress(.init(step: 4, total: 10, unit: "epochs", metrics: Metrics(["loss": 0.5]))))
        try program.checkpoint(step: 4)
        let status = try place.statusOverSocket()
        #expect(status.phase == .running)
        #expect(status.name == "it")
        #expect(status.supervisorPID == Int(program.pid))
        #expect(status.command == [place.fixture, "puppet"])
        #expect(status.progress.step == 4 && status.progress.total == 10)
        #expect(status.progress.fraction == 0.4 && status.progress.unit == "epochs")
        #expect(status.progress.metrics == ["loss": 0.5])
        #expect(status.checkpoint?.step == 4)
        #expect(try place.status().socket == status.socket)
        #expect(status.socket?.utf8.count ?? 1000 <= 100)
        try place.stopByControl(program)
        #expect(try place.status().socket == nil)
    }

    @Test("the socket is made again where somebody removes it")
    func removedSocket() throws {
        let place = try Place()
        let program = try place.puppet()
        try program.hello(accepts: false)
        let socket = try #require(try place.status().socket)
        try Disk().removeFile(socket)
        try program.errorLine(with: "made it again")
        try program.hello(accepts: false, on: "2")
        #expect(try place.statusOverSocket().phase == .running)
        try place.stop(program)
        #expect(!pathExists(socket))
    }
}
