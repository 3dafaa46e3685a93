import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Exit statuses", .onStage)
struct ExitStatusTests {
    @Test("a job that completes ends in 0")
    func completed() throws {
        let place = try Place()
        let program = try place.supervise([], ["true"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try place.status().outcome == Outcome(kind: .completed, exitCode: 0))
        #expect(program.lines(.errors).last == "supervise: completed")
    }
}
