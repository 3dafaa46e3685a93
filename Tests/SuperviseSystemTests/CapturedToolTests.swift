import Glibc
import SuperviseSystem
import Testing

@Suite("A program whose output is kept")
struct CapturedToolTests {
    private func tool(_ command: [String], limit: Int = 1000) -> CapturedTool {
        CapturedTool(
            command, environment: Scene.environment, directory: nil, tools: Tools(), limit: limit)
    }

    /// Runs it on a thread that stays, and waits for a condition at its end.
    private func end(_ tool: CapturedTool, meanwhile: () throws -> Void) throws {
        let ends = try FileDescriptor.pipe()
        let end = ends.write.rawValue
        WorkerLane(name: "tool", threads: 1).submit {
            tool.run()
            _ = write(end, "x", 1)
        }
        try meanwhile()
        var byte: UInt8 = 0
        _ = read(ends.read.rawValue, &byte, 1)
    }

    @Test("output and errors come in their order, and the status")
    func output() {
        let tool = tool(["sh", "-c", "echo one; echo two >&2; echo three; exit 3"])
        tool.run()
        #expect(String(decoding: tool.outcome.output, as: UTF8.self) == "one\ntwo\nthree\n")
        #expect(tool.outcome.end == .ended(.exited(3)))
    }

    @Test(
        "one that writes without end is ended, and the beginning is kept", .timeLimit(.minutes(1)))
    func flood() {
        let tool = tool(["yes"])
        tool.run()
        #expect(tool.outcome.output == Array(String(repeating: "y\n", count: 500).utf8))
        #expect(tool.outcome.end == .wroteTooMuch)
    }

    @Test("what one has started may hold its output: its own end is waited for, no more")
    func grandchild() throws {
        let tool = tool(["sh", "-c", "sleep 1000 & echo $!"])
        tool.run()
        #expect(tool.outcome.end == .ended(.exited(0)))
        let pid = try #require(
            Int32(String(decoding: tool.outcome.output, as: UTF8.self).dropLast()))
        kill(pid, SIGKILL)
    }

    @Test("one that closes its output is waited for, without turning in circles")
    func closed() throws {
        let tool = tool(["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"])
        let before = try switches()
        tool.run()
        #expect(tool.outcome.end == .ended(.exited(4)))
        #expect(try switches() - before < 50)
    }

    /// How often this thread has waited or was interrupted.
    private func switches() throws -> Int {
        try readSmallFile("/proc/thread-self/status").split(separator: "\n")
            .filter { $0.contains("ctxt_switches") }
            .compactMap { Int($0.split(separator: "\t").last ?? "") }.reduce(0, +)
    }

    @Test("whoever has waited long enough ends it, and has what came so far")
    func killed() throws {
        let tool = tool(["sh", "-c", "echo here; exec sleep 1000"])
        try end(tool) {
            while tool.outcome.output.isEmpty { sched_yield() }
            #expect(tool.outcome.end == nil)
            tool.kill()
        }
        #expect(tool.outcome.end == .ended(.signaled(SIGKILL)))
        #expect(tool.outcome.output == Array("here\n".utf8))
    }

    @Test("one that was ended before its start does not live")
    func killedFirst() throws {
        let tool = tool(["sleep", "1000"])
        tool.kill()
        tool.run()
        #expect(tool.outcome.end == .ended(.signaled(SIGKILL)))
    }

    @Test("one that is not there says so")
    func missing() {
        let tool = tool(["no-such-command-anywhere"])
        tool.run()
        guard case .failed(let error)? = tool.outcome.end else {
            Issue.record("\(tool.outcome)")
            return
        }
        #expect(error.commandStatus == 127)
    }
}
