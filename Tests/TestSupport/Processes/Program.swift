import Glibc
import SuperviseSystem

/// How a program ended; the testing library has another type of the short name.
package typealias Ending = SuperviseSystem.ExitStatus

/// A child of the tests, with pipes at its three standard streams.
///
/// Whoever waits here waits for an event: a line, the end. Both outputs are read meanwhile, so that
/// the program never waits for us.
package final class Program {
    package enum Stream: Int { case output, errors }

    /// What has come from a stream so far, and how much of it was taken.
    private struct Tap: ~Copyable {
        let descriptor: FileDescriptor
        var bytes: [UInt8] = []
        var taken = 0
        var isOver = false

        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

        mutating func read() throws {
            while !isOver {
                switch try readAvailable(descriptor.rawValue, into: &bytes) {
                case .bytes: break
                case .nothingYet: return
                case .end: isOver = true
                }
            }
        }

        mutating func nextLine() -> String? {
            let rest = bytes[taken...]
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            taken = end + 1
            return String(decoding: rest[..<end], as: UTF8.self)
        }
    }

    package let pid: Int32
    private let child: SpawnedProcess
    private var input: FileDescriptor?
    private var output: Tap
    private var errors: Tap
    private var ending: Ending?

    /// Starts it.
    ///
    /// - Parameter hasInput: whether there is a pipe at its standard input; else it is empty.
    package init(
        _ command: [String], environment: [String: String], directory: String? = nil,
        hasInput: Bool = true
    ) throws {
        // A program that ends early must not end the tests.
        ignoreBrokenPipes()
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe(nonblocking: .read)
        let errors = try FileDescriptor.pipe(nonblocking: .read)
        child = try spawn(
            SpawnRequest(
                command: command, environment: environment.map { "\($0)=\($1)" },
                directory: directory,
                standardInput: hasInput ? .descriptor(input.read.rawValue) : .null,
                standardOutput: .descriptor(output.write.rawValue),
                standardError: .descriptor(errors.write.rawValue)))
        pid = child.pid
        self.input = FileDescriptor(adopting: input.write.release())
        self.output = Tap(output.read)
        self.errors = Tap(errors.read)
    }

    deinit {
        guard ending == nil else { return }
        _ = try? child.process.signal(SIGKILL)
        _ = try? child.process.waitForEnd(atMost: nil)
        waitpid(pid, nil, 0)
    }

    package func signal(_ number: Int32) throws {
        try child.process.signal(number)
    }

    /// Writes a line to its standard input.
    package func say(_ line: String) throws {
        guard let number = input?.rawValue else { throw TestFailure("its input is closed") }
        let bytes = Array((line + "\n").utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try systemCall("write", line) {
                rest.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    package func closeInput() {
        input = nil
    }

    /// The next line of a stream for which `isMeant` holds; those before it are passed over.
    package func line(
        _ stream: Stream = .output, _ what: String, where isMeant: (String) -> Bool
    ) throws -> String {
        try wait(for: what) {
            while let line = nextLine(stream) {
                if isMeant(line) { return line }
            }
            return nil
        }
    }

    /// The next line of a stream that begins so.
    @discardableResult
    package func line(_ stream: Stream = .output, starting start: String) throws -> String {
        try line(stream, "a line that begins with \"\(start)\"") { $0.hasPrefix(start) }
    }

    /// The next line of standard error that has this in it.
    @discardableResult
    package func errorLine(with part: String) throws -> String {
        try line(.errors, "a line on stderr with \"\(part)\"") { $0.contains(part) }
    }

    /// Waits for as long as this, in which it must say nothing on standard output and not end: for
    /// what must not happen, and for time that must pass.
    package func silence(for time: Duration) throws {
        try output.read()
        let before = output.bytes.count
        let deadline = MonotonicTime.now() + time
        while try pollOnce(until: deadline) {
            try output.read()
            try errors.read()
            if try output.bytes.count > before || child.process.waitForEnd(atMost: .zero) {
                throw failure("there was no silence")
            }
        }
    }

    /// Lets time pass, whatever it says meanwhile.
    ///
    /// - Returns: whether it has ended before.
    package func passes(_ time: Duration) throws -> Bool {
        try child.process.waitForEnd(atMost: time)
    }

    /// Waits for its end, and takes the rest of what it has said.
    @discardableResult
    package func waitForEnd() throws -> Ending {
        if let ending { return ending }
        try wait(for: "its end") {
            try child.process.waitForEnd(atMost: .zero) ? true : nil
        }
        var raw: Int32 = 0
        try systemCall("waitpid") { waitpid(pid, &raw, 0) }
        let signal = raw & 0x7f
        let ended = signal == 0 ? Ending.exited((raw >> 8) & 0xff) : .signaled(signal)
        ending = ended
        try output.read()
        try errors.read()
        return ended
    }

    /// Waits until it is stopped, as by SIGSTOP; it goes on at SIGCONT.
    package func waitUntilStopped() throws {
        var info = siginfo_t()
        try systemCall("waitid", "\(pid)") {
            waitid(P_PID, id_t(pid), &info, WSTOPPED | WNOWAIT)
        }
    }

    /// Whether nobody is left who could write to its standard output.
    package func outputIsOver() throws -> Bool {
        try output.read()
        return output.isOver
    }

    /// All that has come so far.
    package func text(_ stream: Stream) -> String {
        String(decoding: bytes(stream), as: UTF8.self)
    }

    package func bytes(_ stream: Stream) -> [UInt8] {
        stream == .output ? output.bytes : errors.bytes
    }

    package func lines(_ stream: Stream) -> [String] {
        text(stream).split(separator: "\n").map(String.init)
    }

    private func nextLine(_ stream: Stream) -> String? {
        stream == .output ? output.nextLine() : errors.nextLine()
    }

    /// Reads until `condition` gives something.
    ///
    /// - Throws: ``TestFailure`` with all that was said, where it ends or patience is over before.
    @discardableResult
    private func wait<Result>(
        for what: String, until condition: () throws -> Result?
    ) throws -> Result {
        let deadline = MonotonicTime.now() + patience
        while true {
            let isOver = try child.process.waitForEnd(atMost: .zero)
            try output.read()
            try errors.read()
            if let result = try condition() { return result }
            if isOver { throw failure("it ended before \(what)") }
            guard try pollOnce(until: deadline) else { throw failure("\(what) did not come") }
        }
    }

    private func pollOnce(until deadline: MonotonicTime) throws -> Bool {
        var entries = [pollfd(fd: child.process.descriptor, events: Int16(POLLIN), revents: 0)]
        if !output.isOver { entries.append(entry(output.descriptor.rawValue)) }
        if !errors.isOver { entries.append(entry(errors.descriptor.rawValue)) }
        let left = max(0, (deadline - .now()).milliseconds)
        return try systemCall("poll") { poll(&entries, nfds_t(entries.count), left) } > 0
    }

    private func entry(_ descriptor: Int32) -> pollfd {
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    }

    package func failure(_ what: String) -> TestFailure {
        TestFailure("\(what)\n--- output\n\(text(.output))--- errors\n\(text(.errors))---")
    }
}

extension Duration {
    /// Rounded up, at most what poll takes.
    package var milliseconds: Int32 {
        Int32(clamping: components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }
}
