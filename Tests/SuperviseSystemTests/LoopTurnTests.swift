import Glibc
import SuperviseSystem
import TestSupport
import Testing

/// The order in which a turn of the loop serves its sources.
@Suite("The turns of the loop")
struct LoopTurnTests {
    /// A pipe that always has something to read.
    private func filled() throws -> (read: Int32, pipe: Kept) {
        let pipe = try Kept()
        var byte: UInt8 = 1
        _ = write(pipe.write.rawValue, &byte, 1)
        return (pipe.read.rawValue, pipe)
    }

    private final class Kept {
        let read: FileDescriptor
        let write: FileDescriptor

        init() throws {
            let pipe = try FileDescriptor.pipe()
            read = pipe.read
            write = pipe.write
        }
    }

    @Test("what comes first is served first, in whatever order it was watched")
    func ranks() throws {
        let loop = try EventLoop()
        let pipes = try (0..<3).map { _ in try filled() }
        var served: [String] = []
        let ranks: [(EventLoop.Rank, String)] = [
            (.inTurns, "peer"), (.normal, "normal"), (.first, "first"),
        ]
        for (pipe, (rank, name)) in zip(pipes, ranks) {
            _ = try loop.watch(pipe.read, for: .read, rank: rank) { _ in
                served.append(name)
                if served.count == 9 { loop.stop() }
            }
        }
        try withExtendedLifetime(pipes) { try loop.run() }
        let turn = ["first", "normal", "peer"]
        #expect(served.filter { $0 != "peer" }.prefix(4) == ["first", "normal", "first", "normal"])
        #expect(Array(served.prefix(3)) == turn)
    }

    @Test("a signal and an alarm come between peers who are always ready")
    func floodOfPeers() throws {
        let loop = try EventLoop()
        loop.slice = .milliseconds(1)
        let pipes = try (0..<100).map { _ in try filled() }
        var turns = 0
        for pipe in pipes {
            _ = try loop.watch(pipe.read, for: .read, rank: .inTurns) { _ in
                turns += 1
                let end = MonotonicTime.now() + .microseconds(200)
                while MonotonicTime.now() < end {}
            }
        }
        var seen = 0
        let timer = try TimerSource(on: loop) {
            seen = turns
            loop.stop()
        }
        timer.set(.now())
        try withExtendedLifetime((pipes, timer)) { try loop.run() }
        // All hundred of them would be 20 ms.
        #expect(seen <= 20)
    }

    @Test("peers have their turns one after the other, also where one asks for another turn")
    func inTurns() throws {
        let loop = try EventLoop()
        let pipes = try (0..<80).map { _ in try filled() }
        var served: [Int: Int] = [:]
        var registrations: [EventLoop.Registration] = []
        for (index, pipe) in pipes.enumerated() {
            registrations.append(
                try loop.watch(pipe.read, for: .read, rank: .inTurns) { _ in
                    served[index, default: 0] += 1
                    if index < 3 { loop.again(registrations[index]) }
                    if served[79] == 10 { loop.stop() }
                })
        }
        try withExtendedLifetime(pipes) { try loop.run() }
        #expect(served.count == 80)
        // A source that is in the queue is not added again.
        #expect((served.values.max() ?? 0) <= 40)
    }

    @Test("another turn comes without anything to read, once, and not after the end of the watch")
    func again() throws {
        let loop = try EventLoop()
        let pipes = [try Kept(), try Kept()]
        var served: [String] = []
        let first = try loop.watch(pipes[0].read.rawValue, for: .read, rank: .inTurns) {
            served.append("first \($0 == .read)")
            loop.whenQuiet { loop.stop() }
        }
        let second = try loop.watch(pipes[1].read.rawValue, for: .read, rank: .inTurns) { _ in
            served.append("second")
        }
        loop.again(first)
        loop.again(second)
        loop.again(first)
        loop.cancel(second)
        try loop.run()
        #expect(served == ["first true"])
    }
}
