import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Checkpoints that somebody reads, or that are compressed, when their turn to go comes.
@Suite("Checkpoints that are read when their turn to go comes", .onStage)
struct HeldRemovalTests {
    private let place: Place

    init() throws { place = try Place() }

    /// Reads a checkpoint until its input ends.
    private func reader(of id: String) throws -> Program {
        let program = try place.start(
            ["flock", "-s", place.file("checkpoints/\(id)"), "sh", "-c", "echo reads; read x"],
            hasInput: true)
        try program.line(starting: "reads")
        return program
    }

    private func puppet(_ options: [String] = []) throws -> Program {
        let program = try place.puppet(["--keep-last", "1"] + options)
        try program.hello(accepts: false)
        return program
    }

    /// The first of them is due, and somebody reads it.
    private func saveTwo(_ program: Program) throws -> Program {
        let first = try program.checkpoint(step: 1).id.description
        let reader = try reader(of: first)
        try program.checkpoint(step: 2)
        try waitForChange(in: place.file("")) { try place.status().toBeRemoved == 1 }
        return reader
    }

    @Test("go when their readers have ended, without another commit")
    func release() throws {
        let program = try puppet()
        let reader = try saveTwo(program)
        #expect(place.checkpoints == ["000001-step-1", "000002-step-2"])
        reader.closeInput()
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == ["000002-step-2"] }
        try waitForChange(in: place.file("")) { try place.status().toBeRemoved == 0 }
        try place.stop(program)
    }

    @Test("go at the end of the run, which waits for their readers a while")
    func end() throws {
        let program = try puppet()
        let reader = try saveTwo(program)
        try program.say("exit 0")
        try waitForChange(in: place.file("")) { try place.status().phase == .finished }
        reader.closeInput()
        #expect(try program.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000002-step-2"])
        #expect(try place.status().checkpoints == 1 && place.status().toBeRemoved == 0)
        #expect(try place.events().contains(.removed(.init(ids: [.init(sequence: 1, step: 1)]))))
        #expect(!program.text(.errors).contains("no rule keeps it"))
    }

    @Test("are named where they outlast a stop, and prune removes them then")
    func told() throws {
        let program = try puppet()
        let reader = try saveTwo(program)
        try place.stop(program)
        let errors = program.text(.errors)
        #expect(
            errors.contains("no rule keeps it: checkpoint 000001-step-1")
                && errors.contains("supervise prune it"), "\(errors)")
        #expect(try place.status().toBeRemoved == 1)
        reader.closeInput()
        #expect(try reader.waitForEnd() != .signaled(9))
        let prune = try place.call(["prune", "it", "--state-dir", place.state])
        #expect(try prune.waitForEnd() == .exited(0))
        #expect(place.checkpoints == ["000002-step-2"])
    }

    @Test("are not compressed to the end, and go at once")
    func compression() throws {
        // It begins, and never ends by itself.
        let path = try place.put(
            "gzip", "echo begun >> \(place.path)/begun; while printf x; do sleep 0.02; done")
        let program = try place.puppet(
            ["--keep-last", "2", "--compress", "gzip"], environment: path)
        try program.hello(accepts: false)
        let ids = try place.save(1...2, program)
        try waitForChange(in: place.path) { pathExists("\(place.path)/begun") }
        let last = try place.save(3...3, program)
        try waitForChange(in: place.file("checkpoints")) { place.checkpoints == [ids[1]] + last }
        try place.stop(program)
    }
}
