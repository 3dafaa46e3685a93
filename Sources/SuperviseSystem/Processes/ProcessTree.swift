import CLinux
import Glibc

/// Processes by their descent, or by the token of the run that they were born with.
///
/// No process is signalled by its number alone: it is held first, looked at again, and only then
/// signalled. Our own process and its ancestors are never meant.
package enum ProcessTree {
    /// A process that an earlier attempt has left.
    package struct LeftBehind: Hashable, Sendable {
        package let pid: Int32
        /// Its command line, its words separated by spaces; empty where it was gone already.
        package let command: String
    }

    /// What came of ending leftovers.
    package struct Leftovers: Sendable {
        /// Those that were found, in that order.
        package let found: [LeftBehind]
        /// How many have not ended in the time given, being stuck in the kernel or somebody else's.
        package let remaining: Int
    }

    /// Whether we have children apart from some; to be asked when all that have ended are reaped.
    ///
    /// - Throws: ENOENT where /proc is not mounted.
    package static func hasChildren(except helpers: Set<Int32>) throws(SystemError) -> Bool {
        let spared = Array(helpers)
        return try systemCall("open", "/proc") {
            cl_has_children(spared, Int32(spared.count))
        } != 0
    }

    /// Sends a signal to all our descendants apart from some and from their descendants.
    ///
    /// Those who fork at the same time may be missed. As a subreaper we get them as children, so with
    /// SIGKILL: again after each child that ends, until ``hasChildren(except:)`` is false.
    /// - Returns: how many got it.
    /// - Throws: ENOENT where /proc is not mounted.
    @discardableResult
    package static func signalDescendants(
        _ signal: Int32, except helpers: Set<Int32>
    ) throws(SystemError) -> Int {
        // Mostly there are none, and one look at a list is much quicker than one at all processes.
        guard try hasChildren(except: helpers) else { return 0 }
        var tree = cl_tree()
        tree.root = getpid()
        let spared = Array(helpers)
        let count = try systemCall("open", "/proc") {
            spared.withUnsafeBufferPointer { buffer in
                tree.except = buffer.baseAddress
                tree.except_count = Int32(buffer.count)
                return cl_tree_signal(&tree, signal)
            }
        }
        return Int(count)
    }

    /// Kills every process that a run has left, and their descendants, and waits until they are gone.
    ///
    /// - Parameters:
    ///   - runToken: the first half of the token, of the run, or all of it, of one attempt.
    ///   - limit: how long to wait for those that do not end.
    /// - Throws: ENOENT where /proc is not mounted.
    package static func endLeftovers(
        runToken: String, limit: Duration = .seconds(10)
    ) throws(SystemError) -> Leftovers {
        precondition(!runToken.isEmpty, "an empty token would mean everybody")
        let collector = Collector()
        let context = Unmanaged.passUnretained(collector).toOpaque()
        let limit_ms = Int32(clamping: limit.nanoseconds / 1_000_000)
        var tree = cl_tree()
        let remaining = try systemCall("open", "/proc") {
            runToken.withCString { token in
                tree.token = token
                return cl_tree_end(
                    &tree, limit_ms,
                    { pid, context in
                        guard let context else { return }
                        Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue().add(pid)
                    }, context)
            }
        }
        return withExtendedLifetime(collector) {
            Leftovers(found: collector.found, remaining: Int(remaining))
        }
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
