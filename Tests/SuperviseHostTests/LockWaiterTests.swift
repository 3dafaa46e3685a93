import SuperviseCore
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@testable import SuperviseHost

/// The lock of a run that somebody else has.
@Suite("Lock waiter")
final class LockWaiterTests {
    private let place: Place
    private let paths: RunPaths
    private var said: [String] = []

    init() throws {
        place = try Place()
        let name = try #require(RunName("it"))
        paths = RunPaths(stateDirectory: place.state, name: name)
        try StateDirectory(place.state).prepare()
        try RunStore(paths).prepare()
    }

    private func waiter() -> LockWaiter {
        let request = RunRequest(
            command: ["job"], directory: "/", options: [:], stateDirectory: place.state,
            settings: .init())
        return LockWaiter(
            paths: paths, console: Console(request) { [unowned self] in said.append($0) })
    }

    /// Another process that has the lock until its input ends.
    private func holder() throws -> Program {
        let program = try place.start([place.fixture, "hold-lock", paths.lock], hasInput: true)
        try program.line(starting: "held")
        return program
    }

    private func publish(_ phase: Status.Phase, by pid: Int32) throws {
        try RunStore(paths).derived.publish(
            Status(
                name: "it", phase: phase, command: ["job"], supervisorPID: Int(pid), attempt: 1,
                started: .init(milliseconds: 1_700_000_000_000), updated: .init(milliseconds: 0)))
    }

    @Test("a lock that is free is taken, with nothing said")
    func free() throws {
        let lock = try waiter().take()
        #expect(try FileLock.holder(paths.lock) == .process(processId()))
        withExtendedLifetime(lock) {}
        #expect(said.isEmpty)
    }

    @Test("one in use is refused at once, by pid and since when", arguments: [false, true])
    func inUse(hasStatus: Bool) throws {
        let holder = try holder()
        if hasStatus { try publish(.running, by: holder.pid) }
        let error = try #require(throws: StartError.self) { _ = try waiter().take() }
        #expect(error.description.hasPrefix("run it is in use by pid \(holder.pid)"))
        #expect(error.description.contains("(since 2023-11-1") == hasStatus)
        #expect(error.description.hasSuffix("To run a second one beside it: --name"))
        #expect(said.isEmpty)
    }

    @Test(
        "one that stops is waited for, which is said",
        arguments: [Status.Phase.stopping, .finished])
    func stopping(phase: Status.Phase) throws {
        let holder = try holder()
        try publish(phase, by: holder.pid)
        // It goes when somebody waits: its lock is asked for by a thread then.
        let waiter = LockWaiter(paths: paths, console: console { holder.closeInput() })
        let lock = try waiter.take()
        #expect(try FileLock.holder(paths.lock) == .process(processId()))
        withExtendedLifetime(lock) {}
        #expect(
            said == ["supervise: run it is being ended by pid \(holder.pid); waiting up to 20 s\n"])
        #expect(try holder.waitForEnd() == .exited(0))
    }

    @Test("the status of an earlier supervisor says nothing of this one")
    func staleStatus() throws {
        let holder = try holder()
        try publish(.finished, by: holder.pid + 1)
        #expect(throws: StartError.self) { _ = try waiter().take() }
    }

    @Test("one that was killed and is not reaped yet has gone, and left its guard")
    func killed() throws {
        // The lock is that of a process which shares it with one that lives on, as with a guard.
        let line = "exec 3<>\"$1\"; \"$0\" hold-lock \"$1\""
        let holder = try place.start(["sh", "-c", line, place.fixture, paths.lock], hasInput: true)
        try holder.line(starting: "held")
        let dead = try place.start(["true"])
        try Disk().writeFile(paths.lock, Array("\(dead.pid)\n".utf8))
        let waiter = LockWaiter(paths: paths, console: console { holder.closeInput() })
        let lock = try waiter.take()
        withExtendedLifetime(lock) {}
        #expect(said.first?.contains("is being ended by pid \(dead.pid)") == true)
    }

    private func console(_ then: @escaping () -> Void) -> Console {
        let request = RunRequest(
            command: ["job"], directory: "/", options: [:], stateDirectory: place.state,
            settings: .init())
        return Console(request) { [unowned self] in
            said.append($0)
            then()
        }
    }
}
