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
