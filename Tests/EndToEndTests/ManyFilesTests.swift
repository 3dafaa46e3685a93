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

    @Test("what a commit of them takes is given back when it is done")
    func memory() throws {
        let place = try Place()
        let program = try place.puppet(["--keep-last", "9"])
        try program.hello(accepts: false)
        try program.checkpoint(step: 1)
        let pid = try place.status().supervisorPID
        let before = try resident(pid)
        try program.send(.begin(.init(step: 2)))
        let began = try program.began()
        let line = "cd \(began.path) && seq 40000 | xargs touch && echo made"
        try program.say("run \(line)")
        try program.line(starting: "made")
        try program.send(.commit(.init(id: began.id)))
        _ = try program.committed()
        // 16 bytes of each file stay.
        try waitBriefly { try resident(pid) < before + 12_000 }
        // All the same it is known that nobody has touched them.
        try program.say("die KILL")
        try program.nextAttempt(2)
        #expect(try program.hello(accepts: false).resume?.id == began.id)
        try place.stop(program)
    }
}
