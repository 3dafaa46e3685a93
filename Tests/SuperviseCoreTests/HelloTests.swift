import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Hello")
struct HelloTests {
    @Test("is answered with the attempt, and what it goes on from")
    func welcome() {
        var desk = Desk(checkpoints: [checkpoint(3, step: 40)])
        desk.tell(.started)
        desk.tell(.verified(checkpoint(3, step: 40), .good(metadata: ["seed": .integer(4)])))
        desk.tell(.recorded)
        desk.tell(.spawned(pid: 100))
        let resume = SupervisorMessage.Resume(
            id: checkpoint(3, step: 40), path: "/c/000003-step-40", metrics: [:],
            metadata: ["seed": .integer(4)])
        #expect(desk.hello().sent == [.welcome(.init(name: "run", attempt: 1, resume: resume))])
    }

    @Test("with another attempt's token is refused, and its connection closed")
    func stale() {
        var desk = Desk()
        desk.run(speaks: false)
        let actions = desk.say(.hello(.init(token: "0123456789abcdef0000000000000000")), on: 3)
        #expect(actions.errors == [.staleToken])
        #expect(actions.contains(.close(ConnectionID(3))))
    }

    @Test("of a later protocol is told which is spoken here, and may be said again")
    func unsupported() {
        var desk = Desk()
        desk.run(speaks: false)
        let actions = desk.say(.hello(.init(protocol: 2, token: "")), on: 1)
        guard case .error(let error)? = actions.sent.first else {
            Issue.record("no error")
            return
        }
        #expect(error.code == .unsupportedProtocol && error.supported == 1)
        #expect(desk.hello().errors.isEmpty)
    }

    @Test("comes first: everything else of the job's is refused before it")
    func first() {
        var desk = Desk()
        desk.run(speaks: false)
        let messages: [JobMessage] = [
            .heartbeat, .progress(.init()), .begin(.init()), .commit(.init(id: checkpoint(1))),
            .add(.init(path: "/f")), .abort(.init(id: checkpoint(1))),
            .failed(.init(request: 1, error: nil)),
        ]
        for message in messages { #expect(desk.say(message).errors == [.helloFirst]) }
    }

    @Test("is not needed by operators, and an unknown command is refused")
    func operators() {
        var desk = Desk()
        desk.run(speaks: false)
        let status = desk.say(.control(.init(command: "status")), on: 9).sent.first
        #expect(status.map { if case .status = $0 { true } else { false } } == true)
        #expect(desk.say(.control(.init(command: "dance")), on: 9).errors == [.badMessage])
    }

    @Test("after a stop went out is told to stop as well")
    func late() {
        var desk = Desk()
        desk.run(accepts: false)
        desk.tell(sigterm)
        #expect(desk.hello(on: 2).tellsToStop)
    }

    @Test("after the job's end its connections are closed, and nothing of them is taken")
    func afterTheEnd() {
        var desk = Desk()
        desk.run()
        #expect(desk.tell(.jobExited(.exited(1))).contains(.close(ConnectionID(1))))
        #expect(desk.say(.begin(.init())).errors == [.helloFirst])
        desk.tell(.descendantsGone)
        desk.restart()
        #expect(desk.say(.begin(.init())).errors == [.helloFirst])
    }
}
