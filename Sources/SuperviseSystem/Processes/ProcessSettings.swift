/// What is different about a child, and stays as it is with us where nothing is said.
package struct ProcessSettings: Equatable, Sendable {
    /// Permissions that its new files do not get (umask), such as 0o022.
    package var mask: UInt32?
    /// From -20, which gets the most of a processor, to 19.
    package var niceness: Int32?
    /// Where one is given twice, the later one counts.
    package var limits: [ResourceLimit] = []
    /// Who it is.
    package var identity: UserIdentity?

    package init() {}
}

/// How much of something a process may have (setrlimit(2)).
package struct ResourceLimit: Equatable, Sendable {
    package var resource: Resource
    /// What holds, in the resource's own unit; ``unlimited`` for no limit.
    package var soft: UInt64
    /// How far the process itself may raise it.
    package var hard: UInt64

    package static let unlimited = UInt64.max

    /// By the names that limits.conf(5) and prlimit(1) have, with the kernel's numbers.
    package enum Resource: Int32, CaseIterable, Sendable {
        case cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, `as`, locks, sigpending
        case msgqueue, nice, rtprio, rttime

        /// Such as `nofile`.
        package var name: String {
            // To describe a case would look through all conformances of the program, at every start.
            switch self {
            case .cpu: "cpu"
            case .fsize: "fsize"
            case .data: "data"
            case .stack: "stack"
            case .core: "core"
            case .rss: "rss"
            case .nproc: "nproc"
            case .nofile: "nofile"
            case .memlock: "memlock"
            case .as: "as"
            case .locks: "locks"
            case .sigpending: "sigpending"
            case .msgqueue: "msgqueue"
            case .nice: "nice"
            case .rtprio: "rtprio"
            case .rttime: "rttime"
            }
        }

        /// Whether it is counted in bytes.
        package var isSize: Bool {
            switch self {
            case .fsize, .data, .stack, .core, .rss, .memlock, .as, .msgqueue: true
            case .cpu, .nproc, .nofile, .locks, .sigpending, .nice, .rtprio, .rttime: false
            }
        }
    }

    package init(_ resource: Resource, soft: UInt64, hard: UInt64) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}
