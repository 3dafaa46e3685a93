import CLinux
import Glibc

/// The attempt that a ``Guard`` is to end, in memory that we share with it and with the leader: so that it
/// knows at any time, though nobody wakes it to tell.
///
/// Not to be given up while a child that it was handed to may be on its way to its exec.
package final class GuardedAttempt: @unchecked Sendable {
    let native: UnsafeMutablePointer<cl_guarded>

    /// - Throws: ENOMEM.
    package init() throws(SystemError) {
        guard let memory = cl_guarded_create() else {
            throw SystemError(call: "mmap", code: errno, subject: "guard")
        }
        native = memory
    }

    /// From now on this attempt is the one to end, and no other. To be told before the spawn, so that
    /// there is no moment without a guard; its leader says itself who it is.
    ///
    /// - Parameters:
    ///   - token: the attempt's, of at most 39 bytes.
    ///   - number: the attempt's; the guard notes it for the next supervisor.
    package func begin(token: String, number: Int = 0) {
        precondition(token.utf8.count < MemoryLayout.size(ofValue: native.pointee.token))
        self.number = number
        cl_guarded_begin(native, token)
    }

    /// Of the newest attempt; 0: there was none.
    package var number: Int {
        get { Int(native.pointee.number) }
        set { native.pointee.number = Int32(clamping: newValue) }
    }

    /// From now on all that earlier attempts of the run have left is the guard's to end, as we are ending it
    /// and may be killed meanwhile.
    ///
    /// - Parameter runToken: the run's half of the token.
    package func begin(leftoversOf runToken: String) { begin(token: runToken) }

    /// Lists the inherited processes, once, before the first process of the job is started.
    ///
    /// - Throws: why /proc cannot be read: then nobody can tell, and it is to be called again.
    package func takeInherited() throws(SystemError) {
        guard native.pointee.inherited.since == 0 else { return }
        try systemCall("open", "/proc") {
            withUnsafeMutablePointer(to: &native.pointee.inherited) { cl_inherited_take($0) }
        }
    }

    /// For C, as long as this value lives.
    var inherited: UnsafePointer<cl_inherited> {
        let offset = MemoryLayout<cl_guarded>.offset(of: \.inherited) ?? 0
        return UnsafePointer(
            UnsafeRawPointer(native).advanced(by: offset).assumingMemoryBound(
                to: cl_inherited.self))
    }

    /// For C, as long as this value lives: to be set at the moment that the leader is reaped.
    var isReaped: UnsafeMutablePointer<Int32> {
        let offset = MemoryLayout<cl_guarded>.offset(of: \.is_reaped) ?? 0
        return UnsafeMutableRawPointer(native).advanced(by: offset).assumingMemoryBound(
            to: Int32.self)
    }

    /// Its number may be another process's from now on.
    package func leaderIsReaped() { native.pointee.is_reaped = 1 }

    /// There is none now: to be told once the last one is gone to its last process, as the numbers of its
    /// processes may then become strangers'.
    package func end() { cl_guarded_begin(native, "") }

    /// Whether there is none.
    package var isEmpty: Bool { native.pointee.token.0 == 0 }

    /// Nothing is left to do for the guard.
    func isOver() { native.pointee.is_over = 1 }

    deinit { munmap(native, MemoryLayout<cl_guarded>.size) }
}

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

/// The guard that holds a lock whose supervisor is gone, as found from outside.
package struct LockKeeper: Equatable, Sendable {
    package let pid: Int32
    /// Somebody has sent it SIGSTOP.
    package let isStopped: Bool

    /// C's CL_GUARD_NAME.
    private static let name = "supervise-guard"

    /// - Parameter path: the lock's file.
    /// - Returns: nil where none is seen: there is none, or it is another user's, or in another PID
    ///   namespace.
    package static func find(_ path: String) -> LockKeeper? {
        var lock = stat()
        guard stat(path, &lock) == 0, let entries = try? Disk().list("/proc") else { return nil }
        for pid in entries.compactMap({ Int32($0.name) }) {
            guard let status = ProcessStatus(path: "/proc/\(pid)/stat"),
                status.name == Self.name, holds(pid, lock)
            else { continue }
            return LockKeeper(pid: pid, isStopped: status.state == "T" || status.state == "t")
        }
        return nil
    }

    private static func holds(_ pid: Int32, _ lock: stat) -> Bool {
        let directory = "/proc/\(pid)/fd"
        return ((try? Disk().list(directory)) ?? []).contains { entry in
            var found = stat()
            return stat("\(directory)/\(entry.name)", &found) == 0
                && found.st_dev == lock.st_dev && found.st_ino == lock.st_ino
        }
    }
}

/// Where programs run that work for the supervisor, and what PATH they get.
///
/// Never in the job's directory, nor in the caller's: another user may write there, and a program loads
/// files from where it runs (Python imports from there first).
package enum HelperPlace {
    package static let directory = "/"
    package static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
