import CLinux
import Glibc
import Synchronization

/// Programs that work for us, such as zstd: children of ours that are no part of the job.
///
/// They end with us. Where a loop reaps all children of the process it hands those of ours to
/// ``ended(_:)``; where there is none, whoever started a tool reaps it.
package final class Tools: Sendable {
    private struct State {
        var areReapedByLoop = false
        /// Where each one's end is told.
        var running: [Int32: StatusPipe] = [:]
        /// Of those nobody waits for.
        var helpers: [Int32] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// From now on ``ended(_:)`` is called for each tool.
    package func leaveReapingToLoop() {
        state.withLock { $0.areReapedByLoop = true }
    }

    /// From now on a child of ours that was started otherwise is no part of the job either.
    package func add(helper pid: Int32) {
        state.withLock { $0.helpers.append(pid) }
    }

    /// - Returns: false where the process was none of ours.
    package func ended(_ reaped: Reaped) -> Bool {
        state.withLock { state in
            if let place = state.helpers.firstIndex(of: reaped.pid) {
                state.helpers.remove(at: place)
                return true
            }
            guard let pipe = state.running.removeValue(forKey: reaped.pid) else { return false }
            pipe.write(reaped.status)
            return true
        }
    }

    /// Does something while no tool starts and none is reaped.
    ///
    /// - Parameter body: gets those that run.
    package func withProcesses<Result>(_ body: ([Int32]) -> Result) -> Result {
        state.withLock { body($0.helpers + $0.running.keys) }
    }

    /// SIGKILL to one that runs, and to all in its process group.
    func kill(_ tool: Tool) {
        state.withLock { state in
            tool.kill()
            // As long as it was not reaped the number is its group's.
            if state.running[tool.process.pid] != nil { _ = Glibc.kill(-tool.process.pid, SIGKILL) }
        }
    }

    /// Starts one, on a thread that lives at least as long as it: it is killed with that thread.
    func start(_ request: SpawnRequest) throws(SystemError) -> Tool {
        let pipe = try FileDescriptor.pipe()
        let status = StatusPipe(adopting: pipe.write)
        // Locked, so that it cannot have ended before it is known.
        let (child, isReapedByLoop) = try state.withLock { (state) throws(SystemError) in
            let child = try spawn(request)
            if state.areReapedByLoop { state.running[child.pid] = status }
            return (child, state.areReapedByLoop)
        }
        return Tool(child, status: pipe.read, isReapedByLoop: isReapedByLoop)
    }
}

/// One tool at work.
final class Tool {
    private let child: SpawnedProcess
    private let status: FileDescriptor
    private let isReapedByLoop: Bool

    fileprivate init(
        _ child: SpawnedProcess, status: consuming FileDescriptor, isReapedByLoop: Bool
    ) {
        self.child = child
        self.status = status
        self.isReapedByLoop = isReapedByLoop
    }

    var process: ProcessHandle { child.process }

    /// Readable once it has ended and was reaped by the loop; then ``waitForEnd()`` does not wait.
    var statusDescriptor: Int32 { status.rawValue }

    func kill() {
        _ = try? child.process.signal(SIGKILL)
    }

    /// Waits until it has ended.
    ///
    /// - Throws: what kept the program from being executed.
    func waitForEnd() throws(SystemError) -> ExitStatus {
        let ended = isReapedByLoop ? try StatusPipe.read(status.rawValue) : try reap()
        if case .failed(let error) = child.readExecResult(hasEnded: true) { throw error }
        return ended
    }

    private func reap() throws(SystemError) -> ExitStatus {
        var ended = cl_ended()
        try systemCall("waitid", "\(child.pid)") { cl_reap_one(&ended, child.pid) }
        return ended.signaled != 0 ? .signaled(ended.status) : .exited(ended.status)
    }
}

/// How a tool has ended, on its way from the thread that reaps to the one that waits.
private final class StatusPipe: Sendable {
    private let descriptor: FileDescriptor

    init(adopting descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// So little always fits.
    func write(_ status: ExitStatus) {
        var number: Int32 =
            switch status {
            case .exited(let code): code
            case .signaled(let signal): 256 + signal
            }
        let file = descriptor.rawValue
        _ = try? systemCall("write") { Glibc.write(file, &number, MemoryLayout<Int32>.size) }
    }

    static func read(_ file: Int32) throws(SystemError) -> ExitStatus {
        var number: Int32 = 0
        let size = MemoryLayout<Int32>.size
        let count = try systemCall("read") { Glibc.read(file, &number, size) }
        guard count == size else { throw SystemError(call: "waitid", code: ECHILD, subject: "") }
        return number < 256 ? .exited(number) : .signaled(number - 256)
    }
}

/// Where a program is that would be found in PATH. Relative directories in it are passed over: what they
/// mean depends on where it is asked.
///
/// - Parameters:
///   - path: PATH; where it is nil, the C library's own.
///   - isProgram: says whether there is a program at a path; tests give their own.
/// - Returns: nil where it is not there, or not executable by us.
package func pathOfProgram(
    _ name: String, in path: String? = environmentVariable("PATH"),
    isProgram: (String) -> Bool = isProgram
) -> String? {
    let directories = (path ?? "/bin:/usr/bin").utf8
        .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    let candidates = directories.filter { $0.first == UInt8(ascii: "/") }
        .map { "\(Substring($0))/\(name)" }
    return candidates.first(where: isProgram)
}

/// Whether there is a file at a path that we may execute.
package func isProgram(_ path: String) -> Bool {
    var found = stat()
    return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
}
