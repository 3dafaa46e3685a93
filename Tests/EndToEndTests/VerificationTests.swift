import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("Verification before a resume", .onStage)
struct VerificationTests {
    @Test("one that takes long tells how far it has come, and a stop cuts it short")
    func progress() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try place.makeEndless(ids[0])
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        let line = try program.errorLine(with: "verifying \(ids[0]): ")
        #expect(line.contains(" of 1.1 TB, ") && line.hasSuffix("/s"))
        let message = try place.statusOverSocket().progress.message
        #expect(message?.hasPrefix("verifying \(ids[0]): ") == true)
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
        #expect(place.checkpoints == ids)
    }

    @Test("--verify size and none trust the bytes, and say so", arguments: ["size", "none"])
    func depth(name: String) throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        let state = place.file("checkpoints/\(ids[1])/data/state")
        try place.directory.write("state/it/checkpoints/\(ids[1])/data/state", "STATE of step 2")
        let program = try place.puppet(["--verify", name])
        #expect(try program.hello(accepts: false).resume?.id.description == ids[1])
        let words = name == "size" ? "sizes verified" : "not verified"
        try program.errorLine(with: "resuming from \(ids[1]) (\(words), ")
        #expect(try Disk().readFile(state, limit: 100).first == UInt8(ascii: "S"))
        try place.stop(program)
        let again = try place.puppet(["--verify", "digest"])
        #expect(try again.hello(accepts: false).resume?.id.description == ids[0])
        try place.stop(again)
    }
}
