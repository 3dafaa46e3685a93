/// Where a supervisor lives: the machine, and the container on it.
package struct SupervisorPlace: Codable, Equatable, Sendable {
    /// As in `uname -n`; a container usually has one of its own.
    package var host: String
    /// Of the kernel; empty where /proc did not tell.
    package var bootID: String
    /// The inode of its PID namespace, in which its pid counts; null where /proc did not tell.
    @Null package var pidNamespace: UInt64?

    package init(host: String, bootID: String, pidNamespace: UInt64?) {
        self.host = host
        self.bootID = bootID
        self.pidNamespace = pidNamespace
    }

    package enum CodingKeys: String, CodingKey {
        case host
        case bootID = "boot_id"
        case pidNamespace = "pid_namespace"
    }
}
