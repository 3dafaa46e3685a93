import CLinux
import Glibc

/// A small process beside the supervisor that ends the job's whole tree when the supervisor is gone,
/// however it went, and keeps the run's lock until that is done.
///
/// It is forked from us, ignores every signal that can be ignored, and sleeps until it is told
/// something or all copies of our end of its socket are closed.
package final class Guard {
    /// The guard itself. It is our child, but only its descriptor tells of its end, no SIGCHLD: then
    /// somebody has killed it, and a new one is to be started and told what to watch.
    package let process: ProcessHandle
    private var messages: FileDescriptor?

    /// Starts the guard, which shares the open file of `lock`, and with it the lock.
    ///
    /// Best before other threads are started and descriptors opened, but right at any time.
    /// - Parameter group: the job's, where it has one; in the end the guard removes it.
    /// - Throws: EAGAIN or ENOMEM where no process can be made, EMFILE.
    package static func start(
        holding lock: Int32, group: ControlGroup? = nil
    ) throws(SystemError) -> Guard {
        var messages: Int32 = -1
        var pidfd: Int32 = -1
        let pid = try withExtendedLifetime(group) { () throws(SystemError) in
            try systemCall("clone", "guard") {
                cl_guard_start(lock, group?.native, &messages, &pidfd)
            }
        }
        return Guard(
            process: ProcessHandle(pid: pid, adopting: FileDescriptor(adopting: pidfd)),
            messages: FileDescriptor(adopting: messages))
    }

    private init(process: ProcessHandle, messages: consuming FileDescriptor) {
        self.process = process
        self.messages = consume messages
    }

    package var pid: Int32 { process.pid }

    /// From now on, this attempt is the one to end.
    ///
    /// To be told before the spawn with `leader` 0, so that there is no moment without a guard, and again
    /// with the leader once that is executed: it had no time to lose, and until then it ends with us.
    /// - Parameters:
    ///   - leader: the pid of the leader of the attempt's session, or 0.
    ///   - token: the attempt's token, of at most 39 bytes.
    /// - Returns: false where the guard is gone or does not listen.
    @discardableResult
    package func watch(leader: Int32, token: String) -> Bool {
        tell(CL_GUARD_WATCH, leader: leader, token: token)
    }

    /// There is no attempt now: to be told once the last one is gone to its last process, as its number
    /// may then become a stranger's.
    @discardableResult
    package func watchNothing() -> Bool {
        tell(CL_GUARD_WATCH, leader: 0, token: "")
    }

    /// Ends the guard, as there is nobody left to end, and waits for that: then the lock is ours alone.
    package func release() {
        guard messages != nil else { return }
        tell(CL_GUARD_RELEASE, leader: 0, token: "")
        messages = nil
        // It has nothing to do but exit; one that was stopped by somebody is not waited for.
        _ = try? process.waitForEnd(atMost: .seconds(1))
        waitpid(pid, nil, WNOHANG | Int32(bitPattern: UInt32(__WALL)))
    }

    @discardableResult
    private func tell(_ kind: cl_guard_kind, leader: Int32, token: String) -> Bool {
        var message = cl_guard_message()
        message.kind = Int32(kind.rawValue)
        message.leader = leader
        let bytes = Array(token.utf8)
        withUnsafeMutableBytes(of: &message.token) { room in
            precondition(bytes.count < room.count, "a token of \(bytes.count) bytes")
            room.copyBytes(from: bytes)
        }
        let number = messages?.rawValue
        guard let number else { return false }
        return cl_guard_tell(number, &message) == 0
    }
}
