import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("Signals for a job that is being started")
struct HeldSignalsTests {
    private static let refused = Event.spawnFailed(.shortage("clone: no process"))
    private static let hup = Event.signal(.other(number: 10))

    private func sent(_ actions: [Action]) -> [Int32] {
        actions.compactMap { if case .signalLeader(let number) = $0 { number } else { nil } }
    }

    /// The second attempt is being started.
    private func starting() -> Desk {
        var desk = Desk()
        desk.run()
        desk.end(.exited(1))
        desk.tell(.timer(.backoff), after: .seconds(100))
        return desk
    }

    @Test("reach it once it runs, also where the machine has refused the first start")
    func refused() {
        var desk = starting()
        desk.tell(Self.hup)
        desk.tell(Self.refused)
        // While it is waited for, too, and of each one.
        desk.tell(.signal(.other(number: 28)))
        desk.tell(Self.hup)
        desk.tell(.timer(.backoff), after: .seconds(1))
        #expect(sent(desk.tell(.spawned(pid: 7))) == [10, 28])
        desk.end(.exited(1))
        desk.restart()
        #expect(sent(desk.tell(Self.hup)) == [10])
    }

    @Test("are no longer meant where the command cannot be started at all")
    func failed() {
        var desk = starting()
        desk.tell(Self.hup)
        desk.tell(.spawnFailed(.notFound("not found")))
        desk.tell(.timer(.backoff), after: .seconds(100))
        #expect(sent(desk.tell(.spawned(pid: 7))).isEmpty)
    }

    @Test("the SIGTERM of a restart is not kept for the next start")
    func restart() {
        var desk = starting()
        desk.control("restart")
        desk.tell(Self.refused)
        desk.tell(.timer(.backoff), after: .seconds(1))
        #expect(sent(desk.tell(.spawned(pid: 7))).isEmpty)
    }
}
