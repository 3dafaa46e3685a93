import CLinux
import Glibc

/// A process that was born with the token of a run, or descends from one, or is in its control group.
package struct TokenBearer: Hashable, Sendable {
    package let pid: Int32
    /// The `SUPERVISE_SOCKET` that it was born with; nil where there is none, or we may not read it.
    package let socket: String?
}

extension ProcessTree {
    /// Finds the processes of a run, whatever directory they were started from, and signals nobody.
    ///
    /// - Parameter runToken: the run's half of the token.
    /// - Returns: in order of their numbers, without us and our ancestors; nil where /proc does not show
    ///   processes.
    package static func bearers(ofRunToken runToken: String) -> [TokenBearer]? {
        precondition(!runToken.isEmpty, "an empty token would mean everybody")
        let collector = FoundNumbers()
        let count = withExtendedLifetime(collector) {
            runToken.withCString { token in
                var tree = cl_tree()
                tree.token = token
                let context = Unmanaged.passUnretained(collector).toOpaque()
                return cl_tree_find(&tree, "supervise-\(runToken)", FoundNumbers.note, context)
            }
        }
        guard count >= 0 else { return nil }
        return collector.all.map { TokenBearer(pid: $0, socket: socket(of: $0)) }
    }

    private static func socket(of pid: Int32) -> String? {
        let variable = "SUPERVISE_SOCKET="
        let text = (try? readSmallFile("/proc/\(pid)/environ")) ?? ""
        let entry = text.split(separator: "\0").first { $0.hasPrefix(variable) }
        return entry.map { String($0.dropFirst(variable.count)) }
    }
}

/// A process of a number, as far as everybody may know it.
package struct RunningProcess: Equatable, Sendable {
    /// The kernel's short name for it.
    package let name: String
    /// When it was started, in milliseconds since 1970 by the clock as it goes now.
    package let started: Int64
    /// We may read what it was born with.
    package let isOpenToUs: Bool

    /// nil where there is none, or it has ended.
    package init?(pid: Int32) {
        let directory = "/proc/\(pid)"
        guard ProcessTree.isVisible, let status = ProcessStatus(path: "\(directory)/stat"),
            status.state != "Z", status.state != "X"
        else { return nil }
        name = status.name
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let age = Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
        started = wallClockNow() / 1_000_000 - age + Int64(clamping: status.started) * 10
        isOpenToUs = (try? readSmallFile("\(directory)/environ")) != nil
    }
}
