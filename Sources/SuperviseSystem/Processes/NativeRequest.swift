import CLinux
import Glibc

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
