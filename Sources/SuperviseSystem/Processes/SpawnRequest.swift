import CLinux
import Glibc

/// A command to start, and the surroundings that it gets.
package struct SpawnRequest: Sendable {
    /// One of the three standard streams of the child.
    package enum Stream: Hashable, Sendable {
        /// The same as ours.
        case inherit
        /// /dev/null.
        case null
        /// A descriptor of ours, which stays ours.
        case descriptor(Int32)
    }

    /// The program, as a path or to be looked for in PATH, and its arguments.
    package var command: [String]
    /// The file to execute, an absolute path, whatever the command's first word says; nil looks for that.
    package var program: String?
    /// All of the child's environment, each entry `NAME=value`; its PATH is the one that is searched.
    package var environment: [String]
    /// Where the child works; ours where nil.
    package var directory: String?
    package var standardInput: Stream
    package var standardOutput: Stream
    package var standardError: Stream
    /// Where the child is born, where that is not our own group.
    package var group: ControlGroup?
    /// A terminal that becomes the one that controls the child's session; nil for none.
    package var terminal: Int32?
    /// Whether the child loses the descriptors from 3 on that our own starter gave us; all that we have
    /// opened ourselves it never gets.
    package var closesOtherDescriptors: Bool
    package var settings = ProcessSettings()
    /// A variable that has the child's own pid, beside ``environment``; nil for none.
    package var pidVariable: String?
    /// What the child is the leader of, before it is anything else.
    package var guarded: GuardedAttempt?

    package init(
        command: [String], environment: [String], directory: String? = nil,
        standardInput: Stream = .inherit, standardOutput: Stream = .inherit,
        standardError: Stream = .inherit, group: ControlGroup? = nil,
        closesOtherDescriptors: Bool = true
    ) {
        self.command = command
        self.environment = environment
        self.directory = directory
        self.standardInput = standardInput
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.group = group
        self.closesOtherDescriptors = closesOtherDescriptors
    }

    /// - Parameter number: 0, 1 or 2.
    package mutating func set(_ stream: Stream, for number: Int32) {
        switch number {
        case 0: standardInput = stream
        case 1: standardOutput = stream
        default: standardError = stream
        }
    }

    /// The paths that may be the program, in the order in which they are tried.
    ///
    /// Only names are put together here. The child tries them, as a look at a network file system may
    /// take for ever.
    var candidates: [String] {
        if let program { return [program] }
        guard let program = command.first else { return [] }
        guard !program.isEmpty, !program.utf8.contains(UInt8(ascii: "/")) else { return [program] }
        let places = searchPath.utf8.split(
            separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return places.map(Substring.init).map {
            // An empty element means the working directory.
            $0.isEmpty ? "./" + program : String($0) + "/" + program
        }
    }

    /// Whether ``candidates`` come from PATH.
    var isSearched: Bool {
        guard let program = self.program ?? command.first else { return false }
        return !program.isEmpty && !program.utf8.contains(UInt8(ascii: "/"))
    }

    private var searchPath: Substring {
        let entry = environment.first { $0.hasPrefix("PATH=") }
        // Where there is no PATH, the C library's own.
        return entry?.dropFirst(5) ?? "/bin:/usr/bin"
    }
}

/// A ``SpawnRequest`` in the form that the child reads, which may not allocate anything.
///
/// A child may read it from our own memory, beside us: it stays as it is until that one has left.
final class NativeRequest: @unchecked Sendable {
    private let names: CStrings
    private let arguments: CStrings
    /// Pointers to the arguments, which are theirs, behind two that the child writes.
    private let shell: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let environment: CStrings
    private let directory: CStrings
    private let reach: CStrings
    private let settings: NativeSettings
    private let stack = UnsafeMutableRawPointer.allocate(
        byteCount: Int(CL_SPAWN_STACK), alignment: 16)
    private let place: UnsafeMutablePointer<cl_spawn_request>

    init(_ request: SpawnRequest, candidates: [String], reach paths: [String]? = nil) {
        names = CStrings(candidates)
        arguments = CStrings(request.command)
        let count = request.command.count
        shell = .allocate(capacity: count + 2)
        shell.initialize(repeating: nil, count: count + 2)
        for index in 1..<max(1, count) { shell[index + 1] = arguments.constants[index] }
        let room = String(repeating: "0", count: Int(CL_SPAWN_PID))
        let pidEntry = request.pidVariable.map { "\($0)=\(room)" }
        environment = CStrings(request.environment + (pidEntry.map { [$0] } ?? []))
        directory = CStrings(request.directory.map { [$0] } ?? [])
        reach = CStrings(paths ?? [])
        settings = NativeSettings(request.settings)
        var native = cl_spawn_request()
        native.reach = paths == nil ? nil : reach.constants
        native.mask = request.settings.mask.map { Int32($0) } ?? -1
        native.sets_niceness = request.settings.niceness == nil ? 0 : 1
        native.niceness = request.settings.niceness ?? 0
        native.limits = UnsafePointer(settings.limits.baseAddress)
        native.limit_count = Int32(settings.limits.count)
        native.identity = UnsafePointer(settings.identity)
        native.candidates = names.constants
        native.searched = request.isSearched ? 1 : 0
        native.arguments = UnsafePointer(arguments.pointers)
        native.shell_arguments = shell
        native.environment = UnsafePointer(environment.pointers)
        if let name = request.pidVariable {
            native.own_pid = environment.pointers[request.environment.count]?
                .advanced(by: name.utf8.count + 1)
        }
        native.directory = directory.constants[0]
        native.streams = (
            request.standardInput.native, request.standardOutput.native,
            request.standardError.native
        )
        native.group = request.group?.directory.rawValue ?? -1
        native.terminal = request.terminal ?? -1
        native.close_others = request.closesOtherDescriptors ? 1 : 0
        native.guarded = request.guarded?.native
        native.stack = stack.assumingMemoryBound(to: CChar.self)
        place = .allocate(capacity: 1)
        place.initialize(to: native)
    }

    /// Starts the child; negative with errno where that fails.
    ///
    /// - Parameter isShared: whether the child reads this, until its exec or its end.
    func start(report: Int32, pidfd: inout Int32, isShared: inout Bool) -> Int32 {
        var shares: Int32 = 0
        let pid = cl_spawn(place, report, &pidfd, &shares)
        isShared = shares != 0
        return pid
    }

    deinit {
        shell.deallocate()
        place.deallocate()
        stack.deallocate()
    }
}

/// A ``ProcessSettings`` for C, freed with this value.
private struct NativeSettings: ~Copyable {
    let limits: UnsafeMutableBufferPointer<cl_spawn_limit>
    private let groups: UnsafeMutableBufferPointer<gid_t>
    /// nil for ours.
    let identity: UnsafeMutablePointer<cl_spawn_identity>?

    init(_ settings: ProcessSettings) {
        limits = Self.copy(
            settings.limits.map {
                cl_spawn_limit(resource: $0.resource.rawValue, soft: $0.soft, hard: $0.hard)
            })
        groups = Self.copy(settings.identity?.groups ?? [])
        guard let wanted = settings.identity else {
            identity = nil
            return
        }
        identity = .allocate(capacity: 1)
        identity?.initialize(
            to: cl_spawn_identity(
                user: wanted.user, group: wanted.group,
                groups: UnsafePointer(groups.baseAddress), group_count: Int32(groups.count)))
    }

    private static func copy<Element>(_ all: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let room = UnsafeMutableBufferPointer<Element>.allocate(capacity: all.count)
        _ = room.initialize(from: all)
        return room
    }

    deinit {
        limits.deallocate()
        groups.deallocate()
        identity?.deallocate()
    }
}

extension SpawnRequest.Stream {
    fileprivate var native: Int32 {
        switch self {
        case .inherit: Int32(CL_STREAM_INHERIT)
        case .null: Int32(CL_STREAM_NULL)
        case .descriptor(let number): number
        }
    }
}

/// Strings for C: an array of pointers with a null at its end, freed with this value.
struct CStrings: ~Copyable {
    /// The array; its last element is null.
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() {
            pointers.advanced(by: index).initialize(to: Self.copy(string))
        }
        pointers.advanced(by: count).initialize(to: nil)
    }

    private static func copy(_ string: String) -> UnsafeMutablePointer<CChar>? {
        if ForeignText.isAsItStands(string) { return strdup(string) }
        let bytes = ForeignText.bytes(string) + [0]
        return bytes.withUnsafeBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.flatMap { strdup($0) }
        }
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }

    /// The same array for those who only read.
    var constants: UnsafePointer<UnsafePointer<CChar>?> {
        UnsafeRawPointer(pointers).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    }
}

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
