import SuperviseFormats
import SuperviseSystem

/// What one test of the built binary has for itself: a state directory, a directory for sockets,
/// one to work in, and an environment that owes nothing to ours.
package final class Place {
    package let directory: TemporaryDirectory
    /// Of the supervisor, and so of the job.
    package var environment: [String: String]
    private let build: String

    package init() throws {
        directory = try TemporaryDirectory()
        build = try buildDirectory()
        environment = [
            "PATH": environmentVariable("PATH") ?? "/usr/bin:/bin", "HOME": directory.path,
            "XDG_RUNTIME_DIR": try directory.makeDirectory("r"), "LANG": "C.UTF-8",
        ]
    }

    package var path: String { directory.path }
    package var state: String { "\(path)/state" }
    package var binary: String { "\(build)/supervise" }
    package var fixture: String { "\(build)/FixtureJob" }

    /// The run that the tests speak of where they do not say which.
    package static let name = "it"

    /// Calls `supervise` with exactly these arguments.
    package func call(
        _ arguments: [String], environment extra: [String: String] = [:], hasInput: Bool = false
    ) throws -> Program {
        try start([binary] + arguments, environment: extra, hasInput: hasInput)
    }

    /// Starts any command here.
    package func start(
        _ command: [String], environment extra: [String: String] = [:], hasInput: Bool = false
    ) throws -> Program {
        try Program(
            command, environment: environment.merging(extra) { $1 }, directory: path,
            hasInput: hasInput)
    }

    /// What `supervise` is given for a run in here, before the command.
    package func arguments(_ options: [String], name: String = Place.name) -> [String] {
        ["--state-dir", state, "--name", name] + options + ["--"]
    }

    /// Supervises a command in here. Failures are followed by no wait, unless the options say so.
    package func supervise(
        _ options: [String] = [], _ command: [String], environment extra: [String: String] = [:],
        hasInput: Bool = false
    ) throws -> Program {
        let all = options.contains("--backoff") ? options : ["--backoff", "0ms..0ms"] + options
        return try call(arguments(all) + command, environment: extra, hasInput: hasInput)
    }

    /// Supervises a puppet, and waits until its first attempt is there and in the status.
    package func puppet(
        _ options: [String] = [], environment extra: [String: String] = [:]
    ) throws -> Program {
        let program = try supervise(
            options, [fixture, "puppet"], environment: extra, hasInput: true)
        let pid = try program.nextAttempt(nil)
        try waitForChange(in: "\(state)/\(Place.name)") { try status().jobPID == Int(pid) }
        return program
    }
}

extension Place {
    /// A file of a run.
    package func file(_ name: String, of run: String = Place.name) -> String {
        "\(state)/\(run)/\(name)"
    }

    private func document<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        try JSONText.decode(type, from: Disk().readFile(file(name), limit: 64 << 20))
    }

    package func status() throws -> Status { try document(Status.self, "status.json") }

    /// A connection to the run's socket.
    package func connect() throws -> Peer {
        // Written beside the job, which may be quicker.
        try waitBriefly { try status().socket != nil }
        guard let socket = try status().socket else { throw TestFailure("there is no socket") }
        return try Peer(path: socket)
    }

    package func record() throws -> RunRecord { try document(RunRecord.self, "run.json") }

    /// All that happened, in order; a line that is no event is a failure.
    package func events() throws -> [RunEvent] {
        let text = try Disk().readFile(file("events.jsonl"), limit: 64 << 20)
        return try text.split(separator: UInt8(ascii: "\n")).map {
            try JSONText.decode(LoggedEvent.self, from: $0).event
        }
    }

    /// The names in a directory of the run, in order; none where it is missing.
    package func names(in name: String) -> [String] {
        let entries = (try? Disk().list(file(name))) ?? []
        return entries.map(\.name).sorted()
    }

    package var checkpoints: [String] { names(in: "checkpoints") }

    package func manifest(_ id: String) throws -> Manifest {
        try document(Manifest.self, "checkpoints/\(id)/manifest.json")
    }

    /// Whether the tool that everybody has finds a checkpoint whole.
    package func isWhole(_ id: String) throws -> Bool {
        let line = "cd '\(file("checkpoints/\(id)"))' && sha256sum --strict --quiet -c SHA256SUMS"
        return try start(["sh", "-c", line]).waitForEnd() == .exited(0)
    }

    /// Everything below a directory, with types, permissions, times and contents, as one text: two
    /// of them are equal where nothing has changed. Locks and sockets are no saved state.
    package func fingerprint(of directory: String) throws -> String {
        let line = """
            cd '\(directory)' && some() { find . \\( -name .locks -o -name .sockets -o -path ./r \\) -prune -o "$@"; }
            some -printf '%P %y %m %i %T@\\n' | sort
            some -type f -print0 | sort -z | xargs -0r sha256sum 2>&1 || true
            """
        let program = try start(["sh", "-c", line])
        guard try program.waitForEnd() == .exited(0) else { throw program.failure("no digests") }
        return program.text(.output)
    }
}
