import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A stopped run with three checkpoints of one kind; the second is the one that is looked at.
struct MatrixScene {
    let place: Place
    let kind: CheckpointKind
    private(set) var ids: [String] = []

    /// Not the newest, so that it may be compressed, pruned and gone back to.
    var id: String { ids[1] }
    static let step: Int64 = 20
    private static let steps: [Int64] = [10, step, 30]

    init(_ kind: CheckpointKind) throws {
        self.kind = kind
        place = try Place()
        for name in ["out", "w"] { _ = try place.directory.makeDirectory(name) }
        if kind.isOfAnotherUser {
            // Everybody can pass through, and execute the job.
            let line = "chmod 711 . r && chmod 777 out w && install -m 755 \"$1\" job"
            try shell(line, place.fixture)
        }
        let program = try start()
        try program.hello(accepts: false)
        if let refusal = kind.refusal {
            #expect(try refused(program).contains(refusal))
        } else {
            ids = try Self.steps.map { try save($0, program) }
            if kind.compression != nil, !kind.isOutside { try waitUntilCompressed() }
        }
        try place.stop(program)
        if kind.isPinned { try supervise(["checkpoints", "it", "pin", id]) }
    }

    var expected: Tree { kind.content.tree(step: Self.step) }

    /// Where the payload is that stays where the job wrote it.
    func outside(_ step: Int64 = step) -> FilePath {
        let directory = FilePath("\(place.path)/out/\(step)")
        return kind.content.isSingle ? directory.appending(kind.content.name) : directory
    }

    var whatIsOutside: Tree? { try? Tree.read(outside()) }

    func checkpoint(in state: String? = nil) -> String {
        "\(state ?? place.state)/it/checkpoints/\(id)"
    }
}

/// Operations on the run.
extension MatrixScene {
    /// Starts a puppet of the run.
    func start(_ more: [String] = [], state: String? = nil) throws -> Program {
        var options = ["--backoff", "0ms..0ms", "--chdir", "\(place.path)/w"] + more
        if let program = kind.compression { options += ["--compress", program.rawValue] }
        if kind.isOfAnotherUser { options += ["--user", "65534:65533"] }
        let job = kind.isOfAnotherUser ? "\(place.path)/job" : place.fixture
        let call = ["--state-dir", state ?? place.state, "--name", "it"] + options
        let program = try place.call(call + ["--", job, "puppet"], hasInput: true)
        try program.nextAttempt(nil)
        return program
    }

    /// - Returns: its id.
    @discardableResult
    func save(_ step: Int64, _ program: Program) throws -> String {
        let tree = kind.content.tree(step: step)
        if let mode = kind.added {
            try makeOriginal(step)
            try program.send(
                .add(.init(path: outside(step).text, mode: mode.rawValue, step: step)))
        } else {
            try program.send(.begin(.init(step: step)))
            let began = try program.began()
            try tree.write(to: FilePath(began.path))
            try give(began.path)
            try program.send(.commit(.init(id: began.id)))
        }
        return try program.committed().id.description
    }

    private func refused(_ program: Program) throws -> String {
        try makeOriginal(Self.step)
        let mode = kind.added?.rawValue
        try program.send(.add(.init(path: outside().text, mode: mode, step: Self.step)))
        return try program.refusal().message
    }

    private func makeOriginal(_ step: Int64) throws {
        let directory = try place.directory.makeDirectory("out/\(step)")
        try kind.content.tree(step: step).write(to: outside(step))
        try give(directory)
    }

    private func give(_ directory: String) throws {
        if kind.isOfAnotherUser { try shell("chown -R -h 65534:65533 \"$1\"", directory) }
    }

    private func waitUntilCompressed() throws {
        let wanted = Set(ids.dropLast())
        try waitForChange(in: place.file("")) {
            let done = try place.events().compactMap { event in
                if case .compressed(let compressed) = event {
                    compressed.id.description
                } else {
                    nil
                }
            }
            return wanted.isSubset(of: done)
        }
        let left = try Tree.read(FilePath("\(checkpoint())/data"))
        #expect(left != expected, "nothing of it is compressed")
    }

    func shell(_ line: String, _ words: String...) throws {
        let program = try place.start(["sh", "-c", line, "sh"] + words)
        guard try program.waitForEnd() == .exited(0) else { throw program.failure(line) }
    }

    /// Calls `supervise` with the run's state directory.
    @discardableResult
    func supervise(
        _ words: [String], state: String? = nil, status: Int32 = 0
    ) throws -> String {
        let program = try place.call(words + ["--state-dir", state ?? place.state])
        guard try program.waitForEnd() == .exited(status) else {
            throw program.failure("supervise \(words)")
        }
        return program.text(.output) + program.text(.errors)
    }
}
