import Glibc
import SuperviseSystem
import Testing

@Suite("A program that is heard as it writes")
struct StreamedToolTests {
    /// What was heard, on a loop that reaps as a supervisor's does.
    private final class Listener {
        let loop: EventLoop
        let tools = Tools()
        var text = ""
        var end: StreamedTool.News?
        var tool: StreamedTool?
        private var reaping: EventLoop.Registration?

        init() throws {
            loop = try EventLoop()
            tools.leaveReapingToLoop()
        }

        /// Runs until it has ended, or `isEnough` holds.
        func hear(
            _ command: [String], input: [UInt8] = [], takesErrors: Bool = true,
            until isEnough: @escaping (Listener) -> Bool = { _ in false }
        ) throws {
            let tool = try StreamedTool(
                command, environment: Scene.environment, input: input, takesErrors: takesErrors,
                tools: tools, on: loop
            ) { [unowned self] news in
                if case .wrote(let bytes) = news {
                    text += String(decoding: bytes, as: UTF8.self)
                    if isEnough(self) { loop.stop() }
                } else {
                    end = news
                    loop.stop()
                }
            }
            self.tool = tool
            try reap()
            try loop.run()
        }

        /// Only this child: the process of the tests has others.
        private func reap() throws {
            let pid = try #require(tools.withProcesses { $0.first })
            let process = try ProcessHandle(opening: pid)
            reaping = try loop.watch(process.descriptor, for: .read) { [unowned self] _ in
                var raw: Int32 = 0
                guard waitpid(pid, &raw, WNOHANG) == pid else { return }
                reaping.map(loop.cancel)
                _ = process
                let signal = raw & 0x7f
                let status = signal == 0 ? Ending.exited((raw >> 8) & 0xff) : .signaled(signal)
                _ = tools.ended(Reaped(pid: pid, status: status))
            }
        }

        var status: Ending? {
            if case .ended(let status)? = end { status } else { nil }
        }
    }

    @Test("its output comes before its end, and its status with that")
    func output() throws {
        let listener = try Listener()
        try listener.hear(["sh", "-c", "echo one; echo two >&2; exit 3"])
        #expect(listener.text == "one\ntwo\n" && listener.status == .exited(3))
    }

    @Test("it reads what it is given, and then nothing more")
    func input() throws {
        let listener = try Listener()
        try listener.hear(["sh", "-c", "cat; echo end"], input: Array("a\nb\n".utf8))
        #expect(listener.text == "a\nb\nend\n")
        let empty = try Listener()
        try empty.hear(["cat"])
        #expect(empty.text.isEmpty && empty.status == .exited(0))
    }

    @Test("what does not fit into a pipe is refused, and nothing is started")
    func tooMuch() throws {
        let listener = try Listener()
        let much = [UInt8](repeating: 0x61, count: 1 << 20)
        #expect(throws: SystemError.self) {
            try listener.hear(["cat"], input: much)
        }
        #expect(listener.tools.withProcesses { $0.isEmpty })
    }

    @Test(
        "what is written is heard while it goes on, and it ends with who listens, its children too")
    func stops() throws {
        let listener = try Listener()
        try listener.hear(["sh", "-c", "sleep 1000 & echo $!; wait"]) { $0.text.hasSuffix("\n") }
        let child = try #require(Int32(listener.text.dropLast()))
        let process = try ProcessHandle(opening: child)
        listener.tool?.stop()
        #expect(try process.waitForEnd(atMost: .seconds(60)))
        #expect(listener.end == nil)
    }

    @Test("one that closes its output is waited for")
    func closed() throws {
        let listener = try Listener()
        try listener.hear(["sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"])
        #expect(listener.status == .exited(4))
    }

    @Test("one that is not there says so")
    func missing() throws {
        let listener = try Listener()
        try listener.hear(["no-such-command-anywhere"])
        guard case .failed(let error)? = listener.end else {
            Issue.record("\(String(describing: listener.end))")
            return
        }
        #expect(error.commandStatus == 127)
    }
}
