import CLinux
import Glibc

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
