import Glibc
import Synchronization

/// A program that works for us and whose output and errors are kept, up to a limit.
///
/// It is waited for on a thread of its own; whoever has waited long enough ends it from another one
/// and takes what has come so far.
package final class CapturedTool: Sendable {
    /// What has come of it.
    package struct Outcome: Equatable, Sendable {
        package var output: [UInt8] = []
        package var end: End?

        package enum End: Equatable, Sendable {
            case ended(ExitStatus)
            /// It wrote more than the limit, and was ended.
            case wroteTooMuch
            /// It could not be started, or not be waited for.
            case failed(SystemError)
        }
    }

    private struct State {
        var outcome = Outcome()
        var process: ProcessHandle?
        var isCancelled = false
    }

    private let command: [String]
    private let environment: [String]
    private let directory: String?
    private let program: String?
    private let settings: ProcessSettings
    private let tools: Tools
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - program: the file to execute; nil looks for the command's first word.
    ///   - settings: what is different about it.
    ///   - limit: so many bytes are kept.
    package init(
        _ command: [String], program: String? = nil, environment: [String], directory: String?,
        settings: ProcessSettings = .init(), tools: Tools, limit: Int
    ) {
        self.command = command
        self.program = program
        self.settings = settings
        self.environment = environment
        self.directory = directory
        self.tools = tools
        self.limit = limit
    }

    /// What there is so far; `end` is nil as long as it runs.
    package var outcome: Outcome { state.withLock { $0.outcome } }

    /// Ends it, or keeps it from being started.
    package func kill() {
        let process = state.withLock { state in
            state.isCancelled = true
            return state.process
        }
        _ = try? process?.signal(SIGKILL)
    }

    /// For a worker thread that lives as long as we do: starts it, and returns when it has ended.
    package func run() {
        let end: Outcome.End
        do throws(SystemError) {
            end = try runToEnd()
        } catch {
            end = .failed(error)
        }
        state.withLock {
            $0.outcome.end = end
            $0.process = nil
        }
    }

    private func runToEnd() throws(SystemError) -> Outcome.End {
        let pipe = try FileDescriptor.pipe(nonblocking: .read)
        let output = pipe.read
        let tool = try start(pipe.write)
        state.withLock { $0.process = tool.process }
        if state.withLock({ $0.isCancelled }) { tool.kill() }
        do throws(SystemError) {
            let isWithinLimit = try follow(tool.process, output.rawValue)
            if !isWithinLimit { tool.kill() }
            let status = try tool.waitForEnd()
            return isWithinLimit ? .ended(status) : .wroteTooMuch
        } catch {
            tool.kill()
            _ = try? tool.waitForEnd()
            throw error
        }
    }

    private func start(_ output: consuming FileDescriptor) throws(SystemError) -> Tool {
        var request = SpawnRequest(
            command: command, environment: environment, directory: directory,
            standardInput: .null, standardOutput: .descriptor(output.rawValue),
            standardError: .descriptor(output.rawValue))
        request.program = program
        request.settings = settings
        try request.giveStreams()
        return try tools.start(request)
    }

    /// Takes what comes until the process has ended: what that has started may hold the pipe for
    /// longer.
    ///
    /// - Returns: false where there is more than the limit.
    private func follow(_ process: ProcessHandle, _ output: Int32) throws(SystemError) -> Bool {
        var entries = [
            pollfd(fd: process.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            // Where a sandbox refuses pidfds nothing tells of the end.
            let timeout_ms: Int32 = process.descriptor < 0 ? 50 : -1
            try systemCall("poll") { poll(&entries, nfds_t(entries.count), timeout_ms) }
            let hasEnded =
                process.descriptor < 0
                ? try process.waitForEnd(atMost: .zero) : entries[0].revents != 0
            switch try take(output) {
            case .bytes: break
            case .nothingYet: if hasEnded { return true }
            case .end:
                if hasEnded { return true }
                // Closed, and it goes on: only its end is waited for.
                entries[1].fd = -1
            }
            if state.withLock({ $0.outcome.output.count > limit }) {
                state.withLock { $0.outcome.output.removeLast($0.outcome.output.count - limit) }
                return false
            }
        }
    }

    private func take(_ output: Int32) throws(SystemError) -> ReadResult {
        var bytes: [UInt8] = []
        let result = try readAvailable(output, into: &bytes)
        if !bytes.isEmpty { state.withLock { $0.outcome.output += bytes } }
        return result
    }
}
