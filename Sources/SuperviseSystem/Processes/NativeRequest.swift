import CLinux

/// A ``SpawnRequest`` in the form that the child reads, which may not allocate anything.
struct NativeRequest: ~Copyable {
    private let names: CStrings
    private let arguments: CStrings
    private let shell: CStrings
    private let environment: CStrings
    private let directory: CStrings
    private var native = cl_spawn_request()

    init(_ request: SpawnRequest, candidates: [String]) {
        names = CStrings(candidates)
        arguments = CStrings(request.command)
        shell = CStrings(["/bin/sh", ""] + request.command.dropFirst())
        environment = CStrings(request.environment)
        directory = CStrings(request.directory.map { [$0] } ?? [])
        native.candidates = names.constants
        native.searched = request.isSearched ? 1 : 0
        native.arguments = UnsafePointer(arguments.pointers)
        native.shell_arguments = shell.pointers
        native.environment = UnsafePointer(environment.pointers)
        native.directory = directory.constants[0]
        native.streams = (
            request.standardInput.native, request.standardOutput.native,
            request.standardError.native
        )
        native.group = request.group?.directory.rawValue ?? -1
        native.close_others = request.closesOtherDescriptors ? 1 : 0
    }

    /// Starts the child; negative with errno where that fails.
    func start(report: Int32, pidfd: inout Int32) -> Int32 {
        withUnsafePointer(to: native) { cl_spawn($0, report, &pidfd) }
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
