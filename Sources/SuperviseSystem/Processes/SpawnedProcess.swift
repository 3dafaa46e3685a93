import CLinux
import Glibc
import Synchronization

/// What has become of the command of a child.
package enum ExecResult: Equatable, Sendable {
    /// The child is still on its way, perhaps waiting for a disk.
    case pending
    /// The command runs, or the child was killed before it could.
    case running
    /// The command could not be executed; the child has ended or is about to.
    case failed(SystemError)
}

/// A child that was started.
package final class SpawnedProcess: Sendable {
    /// The child itself.
    package let process: ProcessHandle
    private let report: FileDescriptor
    private let program: String
    private let candidates: [String]
    private let directory: String
    private let settings: ProcessSettings
    private let reach: [String]
    private let state: Mutex<State>

    private struct State {
        /// What the child ran into; told once the child has left.
        var failure: cl_spawn_report?
        /// What the child reads, where that is not a copy of its own.
        var shared: NativeRequest?
    }

    fileprivate init(
        process: ProcessHandle, report: consuming FileDescriptor, request: SpawnRequest,
        candidates: [String], reach: [String], shared: NativeRequest?
    ) {
        state = Mutex(State(shared: shared))
        self.process = process
        self.report = report
        self.program = request.program ?? request.command.first ?? ""
        self.candidates = candidates
        self.directory = request.directory ?? ""
        self.settings = request.settings
        self.reach = reach
    }

    package var pid: Int32 { process.pid }

    /// Readable once ``readExecResult()`` has an answer; for an ``EventLoop``.
    package var reportDescriptor: Int32 { report.rawValue }

    /// Looks whether the command runs, without waiting. To be asked until the answer is not `pending`,
    /// and not after that.
    ///
    /// - Parameter hasEnded: the child was reaped. Then there is an answer, also where a process that was
    ///   forked meanwhile still holds the other end of the report.
    package func readExecResult(hasEnded: Bool = false) -> ExecResult {
        do throws(SystemError) {
            while let message = try readMessage() {
                state.withLock { $0.failure = message }
            }
        } catch {
            guard error.code == EAGAIN else { return .failed(error) }
            if !hasEnded { return .pending }
        }
        // Closed by a successful exec, or by the child's death: it does not use our memory any more.
        let failure = state.withLock { state in
            state.shared = nil
            return state.failure
        }
        return failure.map { .failed(explain($0)) } ?? .running
    }

    /// - Returns: nil at the end.
    private func readMessage() throws(SystemError) -> cl_spawn_report? {
        let number = report.rawValue
        var message = cl_spawn_report()
        let size = MemoryLayout<cl_spawn_report>.size
        let count = try systemCall("read") { read(number, &message, size) }
        return count == size ? message : nil
    }

    deinit {
        // Nobody asks any more. Where the child is still on its way, it goes on reading.
        guard state.withLock({ $0.shared != nil }), readExecResult() == .pending else { return }
        state.withLock { state in
            if let shared = state.shared { _ = Unmanaged.passRetained(shared) }
        }
    }

    private func explain(_ message: cl_spawn_report) -> SystemError {
        let index = Int(message.candidate)
        let path = candidates.indices.contains(index) ? candidates[index] : program
        switch cl_spawn_stage(UInt32(message.stage)) {
        case CL_SPAWN_STREAM:
            return SystemError(call: "dup2", code: message.code, subject: "standard streams")
        case CL_SPAWN_DIRECTORY:
            return SystemError(call: "chdir", code: message.code, subject: directory)
        case CL_SPAWN_INTERPRETER:
            return SystemError(call: "interpreter of", code: message.code, subject: path)
        case CL_SPAWN_LIMIT:
            let resource = settings.limits.indices.contains(index) ? settings.limits[index] : nil
            let name = resource?.resource.name ?? ""
            return SystemError(call: "setrlimit", code: message.code, subject: name)
        case CL_SPAWN_NICENESS:
            let niceness = settings.niceness.map(String.init) ?? ""
            return SystemError(call: "setpriority", code: message.code, subject: niceness)
        case CL_SPAWN_IDENTITY:
            let name = settings.identity?.name ?? ""
            return SystemError(call: "setuid", code: message.code, subject: name)
        case CL_SPAWN_REACH:
            let place = reach.indices.contains(index) ? reach[index] : ""
            return SystemError(call: "access", code: message.code, subject: place)
        default:
            // What was nowhere is named as it was asked for.
            let subject = message.code == ENOENT ? program : path
            return SystemError(call: "execve", code: message.code, subject: subject)
        }
    }
}

extension SystemError {
    /// The exit status with which a shell reports that a command cannot be executed: 127 where it was
    /// not found, 126 otherwise.
    package var commandStatus: Int32 {
        call == "execve" && code == ENOENT ? 127 : 126
    }
}

/// Starts a command in a session of its own. It is killed when the thread that calls this ends, so
/// that must be one that lives as long as we do: the main thread, for a job.
///
/// - Throws: EAGAIN or ENOMEM where no process can be made, EMFILE, EINVAL for an empty command or
///   one with a zero byte. That the command cannot be executed is told by the result of the start.
package func spawn(_ request: SpawnRequest) throws(SystemError) -> SpawnedProcess {
    try start(request, reach: nil)
}

/// Does all that ``spawn(_:)`` would but the exec, in a child that ends at once: whether the directory,
/// the limits and the identity are possible. Waits for it.
///
/// - Parameter paths: each must be one that the child can pass through, a directory.
/// - Throws: what the child ran into: `setrlimit` with the name of the limit, `setpriority`,
///   `setuid` with the name of the user, `chdir`, `access` with one of `paths`.
package func rehearse(_ request: SpawnRequest, reach paths: [String]) throws(SystemError) {
    let child = try start(request, reach: paths)
    _ = try child.process.waitForEnd(atMost: nil)
    waitpid(child.pid, nil, 0)
    if case .failed(let error) = child.readExecResult(hasEnded: true) { throw error }
}

private func start(
    _ request: SpawnRequest, reach: [String]?
) throws(SystemError) -> SpawnedProcess {
    let candidates = request.candidates
    let words =
        request.command + request.environment + [request.directory ?? ""]
        + (reach ?? [])
    guard !candidates.isEmpty, !words.contains(where: { $0.holds(0) }) else {
        throw SystemError(call: "execve", code: EINVAL, subject: request.command.first ?? "")
    }
    let pipe = try FileDescriptor.pipe(nonblocking: .read)
    // 3 or more, so that it does not get in the way of the streams.
    let report = pipe.write.rawValue > 2 ? pipe.write : try pipe.write.duplicate()

    let native = NativeRequest(request, candidates: candidates, reach: reach)
    var pidfd: Int32 = -1
    var isShared = false
    let pid = try systemCall("clone", request.command[0]) {
        native.start(report: report.rawValue, pidfd: &pidfd, isShared: &isShared)
    }
    let process = ProcessHandle(pid: pid, adopting: FileDescriptor(adopting: pidfd))
    return SpawnedProcess(
        process: process, report: pipe.read, request: request, candidates: candidates,
        reach: reach ?? [], shared: isShared ? native : nil)
}
