import SuperviseSystem
import TestSupport

/// An event loop of one test, and what has happened on it.
final class Diary {
    let loop: EventLoop
    private(set) var lines: [String] = []
    private var isEnough: ([String]) -> Bool = { _ in false }

    init() throws {
        loop = try EventLoop()
    }

    func note(_ line: String) {
        lines.append(line)
        if isEnough(lines) { loop.stop() }
    }

    /// Serves the loop until what was noted is enough.
    func wait(until isEnough: @escaping ([String]) -> Bool) throws {
        if isEnough(lines) { return }
        self.isEnough = isEnough
        var isLate = false
        let limit = try TimerSource(on: loop) { [loop] in
            isLate = true
            loop.stop()
        }
        limit.set(MonotonicTime.now() + patience)
        try loop.run()
        self.isEnough = { _ in false }
        if isLate { throw TestFailure("there was only \(lines.map { $0.prefix(100) })") }
    }

    /// Serves the loop for so long, whatever is noted.
    func pass(_ time: Duration) throws {
        let end = try TimerSource(on: loop) { [loop] in loop.stop() }
        end.set(MonotonicTime.now() + time)
        try loop.run()
    }

    func wait(for line: String) throws {
        try wait { $0.contains(line) }
    }
}
