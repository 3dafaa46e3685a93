import CLinux
import Glibc

/// One thread waits for a moment until another one has done something; each ring, or several that nobody
/// waited for, ends one wait.
package final class Bell: Sendable {
    private let descriptor: FileDescriptor

    /// - Throws: EMFILE.
    package init() throws(SystemError) {
        descriptor = FileDescriptor(
            adopting: try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }

    package func ring() {
        var one: UInt64 = 1
        _ = write(descriptor.rawValue, &one, 8)
    }

    /// - Returns: whether it has been rung.
    @discardableResult
    package func wait(atMost limit: Duration) -> Bool {
        let number = descriptor.rawValue
        let isReady = try? waitUntilReady(number, for: POLLIN, until: .now() + limit)
        var count: UInt64 = 0
        return isReady == true && read(number, &count, 8) == 8
    }
}
