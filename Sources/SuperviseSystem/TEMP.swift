import Glibc
package final class Guard {
    package let pid: Int32 = -5
    package static func start(holding: Int32) throws(SystemError) -> Guard { Guard() }
    package func watch(leader: Int32, token: String) {}
    package func release() {}
}
package struct LeftBehind { package let pid: Int32; package let command: String }
package enum ProcessTree {
    package static func hasChildren(except: Set<Int32>) -> Bool { anyChildRemains() }
    package static func signalDescendants(_ s: Int32, except: Set<Int32>) {}
    package static func endLeftovers(runToken: String) -> [LeftBehind] { [] }
}
