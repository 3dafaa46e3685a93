import Glibc
import SuperviseSystem
import Testing

/// The testing library has another type of that name.
typealias Ending = SuperviseSystem.ExitStatus

/// A directory of its own for one test, removed with it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/supervise-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = try #require(made)
    }

    deinit {
        _ = try? Scene(command: ["rm", "-rf", path]).waitForEnd()
    }

    /// Writes a file, executable where asked.
    func write(_ name: String, _ content: String, mode: mode_t = 0o600) throws -> String {
        let file = path + "/" + name
        let number = try systemCall("open", file) {
            open(file, O_WRONLY | O_CREAT | O_CLOEXEC, mode)
        }
        defer { close(number) }
        let bytes = Array(content.utf8)
        try systemCall("write", file) { Glibc.write(number, bytes, bytes.count) }
        return file
    }
}

/// A child of this test process, with a pipe to its input and one from its output.
final class Scene {
    let child: SpawnedProcess
    private let input: FileDescriptor
    private let output: FileDescriptor
    private var received: [UInt8] = []
    private var status: Ending?

    /// Plays a scene of FixtureJob, which stands beside the binary of the tests.
    convenience init(_ arguments: String...) throws {
        try self.init(command: [try Scene.fixture()] + arguments)
    }

    init(command: [String], environment: [String] = Scene.environment, directory: String? = nil)
        throws
    {
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        child = try spawn(
            SpawnRequest(
                command: command, environment: environment, directory: directory,
                standardInput: .descriptor(input.read.rawValue),
                standardOutput: .descriptor(output.write.rawValue)))
        self.input = input.write
        self.output = output.read
    }

    deinit {
        guard status == nil else { return }
        _ = try? child.process.signal(SIGKILL)
        _ = try? waitForEnd()
    }

    /// The next line; nil at the end.
    func readLine() throws -> String? {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            if try readAvailable(output.rawValue, into: &received) == .end { return nil }
        }
    }

    /// All lines until the end.
    func readLines() throws -> [String] {
        var lines: [String] = []
        while let line = try readLine() { lines.append(line) }
        return lines
    }

    func send(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        try systemCall("write") { write(input.rawValue, bytes, bytes.count) }
    }

    /// Waits for its end and reaps it; only this child, as the process of the tests has others.
    @discardableResult
    func waitForEnd() throws -> Ending {
        if let status { return status }
        _ = try child.process.waitForEnd(atMost: nil)
        var raw: Int32 = 0
        try systemCall("waitpid") { waitpid(child.pid, &raw, 0) }
        let signal = raw & 0x7f
        let ended = signal == 0 ? Ending.exited((raw >> 8) & 0xff) : .signaled(signal)
        status = ended
        return ended
    }

    /// Waits for the answer whether the command runs.
    func execResult() throws -> ExecResult {
        while true {
            var entry = pollfd(fd: child.reportDescriptor, events: Int16(POLLIN), revents: 0)
            try systemCall("poll") { poll(&entry, 1, -1) }
            let result = child.readExecResult()
            if result != .pending { return result }
        }
    }

    static var environment: [String] { environmentVariables().map { "\($0)=\($1)" } }

    static func fixture() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        try systemCall("readlink") { readlink("/proc/self/exe", &buffer, 4095) }
        let binary = buffer.withUnsafeBufferPointer { bytes in
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let slash = try #require(binary.lastIndex(of: "/"))
        return binary[..<slash] + "/FixtureJob"
    }
}
