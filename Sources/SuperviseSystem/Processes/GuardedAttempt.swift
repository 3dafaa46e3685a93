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
