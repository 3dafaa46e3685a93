import CLinux
import Glibc

/// A small process beside the supervisor that ends the job's whole tree when the supervisor is gone,
/// however it went, and keeps the run's lock until that is done.
///
/// It is forked from us, ignores every signal that can be ignored, and sleeps until all copies of our end
/// of its pipe are closed. What it is to end then stands in a ``GuardedAttempt``.
package final class Guard {
    /// The guard itself. It is our child, but only its descriptor tells of its end, no SIGCHLD: then
    /// somebody has killed it, and a new one is to be started.
    package let process: ProcessHandle
    package let attempt: GuardedAttempt
    /// What it executes of our own program once it has ended the tree of a supervisor that died, with
    /// the run's lock as ``FileLock/settling(_:)`` finds it; nil is nothing.
    package let settling: [String]?
    private var line: FileDescriptor?

    /// Descriptors of the locks that a guard shares; -1 is none.
    package struct Locks: Sendable {
        package var run: Int32
        /// Of the directory with the run's checkpoints, where that is elsewhere.
        package var payload: Int32

        package init(run: Int32, payload: Int32 = -1) {
            self.run = run
            self.payload = payload
        }
    }

    /// Starts the guard, which shares the open files of `locks`, and with them the locks.
    ///
    /// Best before other threads are started and descriptors opened, but right at any time.
    /// - Parameter group: the job's, where it has one; in the end the guard removes it.
    /// - Throws: EAGAIN or ENOMEM where no process can be made, EMFILE.
    package static func start(
        of attempt: GuardedAttempt, holding locks: Locks, group: ControlGroup? = nil,
        settling: [String]? = nil
    ) throws(SystemError) -> Guard {
        var line: Int32 = -1
        var pidfd: Int32 = -1
        let words = CStrings(settling ?? [])
        let arguments = settling == nil ? nil : words.pointers
        let pid = try withExtendedLifetime(group) { () throws(SystemError) in
            try systemCall("clone", "guard") {
                cl_guard_start(
                    cl_locks(run: locks.run, payload: locks.payload), group?.native, attempt.native,
                    arguments, &line, &pidfd)
            }
        }
        // The guard has a copy of its own from the fork on; until then ours had to live.
        withExtendedLifetime(words) {}
        return Guard(
            process: ProcessHandle(pid: pid, adopting: FileDescriptor(adopting: pidfd)),
            attempt: attempt, settling: settling, line: FileDescriptor(adopting: line))
    }

    private init(
        process: ProcessHandle, attempt: GuardedAttempt, settling: [String]?,
        line: consuming FileDescriptor
    ) {
        self.process = process
        self.attempt = attempt
        self.settling = settling
        self.line = consume line
    }

    package var pid: Int32 { process.pid }

    /// Ends the guard, as there is nobody left to end, and waits for that: then the lock is ours alone.
    package func release() {
        guard line != nil else { return }
        attempt.isOver()
        line = nil
        // It has nothing to do but exit; one that was stopped by somebody is not waited for.
        _ = try? process.waitForEnd(atMost: .seconds(1))
        waitpid(pid, nil, WNOHANG | Int32(bitPattern: UInt32(__WALL)))
    }
}
