import Glibc

/// A system call that failed: which one, on what, and why.
package struct SystemError: Error, Equatable, Sendable {
    /// The call's name as in its manual page, such as `rename`.
    package let call: String
    /// The value of `errno` that the call left.
    package let code: Int32
    /// What it was done to: a path, a pid, a signal; empty where there is nothing to name.
    package let subject: String

    package init(call: String, code: Int32, subject: String) {
        self.call = call
        self.code = code
        self.subject = subject
    }
}

extension SystemError: CustomStringConvertible {
    /// Such as `rename /data/run.json: No space left on device`.
    package var description: String {
        let reason = errorText(code)
        return subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// The system's text for an `errno` value, such as `Permission denied`.
package func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return "error \(code)" }
        guard strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
        return String(cString: base)
    }
}

/// Does one system call: retries EINTR, and takes errno before any other code can change it.
///
/// - Parameters:
///   - call: the call's name, for the error.
///   - subject: what it is done to, for the error; made only when it fails.
///   - body: the call itself; negative (or nil through ``systemPointer``) means that it failed.
/// - Throws: ``SystemError`` with the errno of the call. EBADF and EFAULT are bugs of ours and trap.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ call: String, _ subject: @autoclosure () -> String = "", _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(call): errno \(code)")
        throw SystemError(call: call, code: code, subject: subject())
    }
}
