import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A payload of a great many files.
@Suite("Many files", .onStage)
struct ManyFilesTests {
    /// What is in memory, in kB.
    private func resident(_ pid: Int) throws -> Int {
        let lines = try readSmallFile("/proc/\(pid)/status").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    /// Makes a checkpoint of 40,000 files.
    private func save(_ step: Int64, _ program: Program) throws -> CheckpointID {
        try program.send(.begin(.init(step: step)))
        let began = try program.began()
        try program.say("run cd \(began.path) && seq 40000 | xargs touch && echo made \(step)")
        try program.line(starting: "made \(step)")
        try program.send(.commit(.init(id: began.id)))
        _ = try program.committed()
        return began.id
    }

    @Test("what a commit of them and its removal take is given back when they are done")
    func memory() throws {
        let place = try Place()
        let program = try place.puppet(["--keep-last", "1"])
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let pid = try place.status().supervisorPID
        let before = try resident(pid)
        let removed = try save(2, program)
        let kept = try save(3, program)
        try waitForChange(in: place.file("checkpoints")) {
            !pathExists(place.file("checkpoints/\(removed)"))
        }
        // 16 bytes of each file stay.
        try waitBriefly { try resident(pid) < before + 5_000 }
        // All the same it is known that nobody has touched them.
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == kept)
        try place.stop(program)
    }
}
