import CLinux
import Glibc

/// A process that an earlier attempt has left.
package struct LeftBehind: Hashable, Sendable {
    package let pid: Int32
    /// Its command line, its words separated by spaces; empty where it was gone already.
    package let command: String
}

/// What came of a search for processes that earlier attempts have left.
package enum LeftoverSearch: Equatable, Sendable {
    /// None is left; those that were ended.
    case noneLeft(ended: [LeftBehind])
    /// /proc cannot be read, so nobody knows whether some are left; those that were ended so far.
    case unknown(SystemError, ended: [LeftBehind])
}

/// Processes by their descent, or by the token of the run that they were born with.
///
/// No process is signalled by its number alone: it is held first, looked at again, and only then
/// signalled. Our own process and its ancestors are never meant. All of this reads /proc; if that cannot be
/// read, nobody knows who is there, which is never the same as that nobody is.
package enum ProcessTree {
    /// Whether processes can be found at all: /proc is mounted, and tells of our own PID namespace.
    package static var isVisible: Bool { cl_sees_processes() != 0 }

    /// Whether we were born with the token of a run, or with its mark, as the shell before us is a process of
    /// its job.
    package static func weBear(runToken: String) -> Bool { cl_bears_token(runToken) != 0 }

    /// Whether we have children apart from some; to be asked when all that have ended are reaped.
    package static func hasChildren(except helpers: [Int32]) -> Bool {
        JobTree(helpers: helpers, sparing: nil).presence != .nobody
    }

    /// Sends a signal to all our descendants apart from some; see ``JobTree/signal(_:)``.
    ///
    /// - Returns: how many got it.
    @discardableResult
    package static func signalDescendants(_ signal: Int32, except helpers: [Int32]) -> Int {
        JobTree(helpers: helpers, sparing: nil).signal(signal).count
    }

    /// Kills every process that a run has left, and their descendants, and waits until they are gone, without
    /// end if one does not go. For a worker thread.
    ///
    /// - Parameters:
    ///   - runToken: the first half of the token, of the run, or all of it, of one attempt.
    ///   - group: of the run's job: whoever is in it was left, too.
    ///   - interval: how often to tell that we are still waiting.
    ///   - stillWaiting: told how many have not ended: stuck in the kernel, or somebody else's.
    /// - Returns: those that were found, without us and our ancestors, or why nobody can tell.
    @discardableResult
    package static func endLeftovers(
        runToken: String, group: ControlGroup? = nil, tellEvery interval: Duration = .seconds(10),
        stillWaiting: (Int) -> Void = { _ in }
    ) -> LeftoverSearch {
        precondition(!runToken.isEmpty, "an empty token would mean everybody")
        let collector = Collector()
        let limit_ms = Int32(clamping: interval.nanoseconds / 1_000_000)
        return withExtendedLifetime(group) {
            runToken.withCString { token in
                var tree = cl_tree()
                tree.token = token
                tree.group = group?.native
                while true {
                    let remaining = end(&tree, limit_ms, collector)
                    if remaining < 0 {
                        return .unknown(.unseen(errno), ended: collector.found)
                    }
                    if remaining == 0 { return .noneLeft(ended: collector.found) }
                    stillWaiting(remaining)
                }
            }
        }
    }

    private static func end(
        _ tree: inout cl_tree, _ limit_ms: Int32, _ collector: Collector
    ) -> Int {
        let context = Unmanaged.passUnretained(collector).toOpaque()
        let note: cl_tree_found = { pid, context in
            guard let context else { return }
            Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue().add(pid)
        }
        let remaining = Int(cl_tree_end(&tree, limit_ms, note, context))
        return withExtendedLifetime(collector) { remaining }
    }

    /// Gathers those that are about to be killed, each once.
    private final class Collector {
        private(set) var found: [LeftBehind] = []
        private var known: Set<Int32> = []

        func add(_ pid: Int32) {
            guard known.insert(pid).inserted else { return }
            let words = (try? readSmallFile("/proc/\(pid)/cmdline")) ?? ""
            let command = words.split(separator: "\0").joined(separator: " ")
            found.append(LeftBehind(pid: pid, command: command))
        }
    }
}
