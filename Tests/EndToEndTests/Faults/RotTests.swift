import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// A bit that has flipped, in any kind of file: it is found where it matters, nothing that was saved
/// is lost for it, and nobody goes on from garbage.
@Suite("Rot", .onStage)
struct RotTests {
    /// A run of three checkpoints that was stopped, and what becomes of copies of it.
    private final class Original {
        let place: Place
        let ids: [String]
        private var copies = 0

        init() throws {
            place = try Place()
            ids = try place.stoppedRun(saving: [1, 2, 3])
            let pin = try place.call([
                "checkpoints", "it", "pin", ids[0], "--state-dir", place.state,
            ])
            #expect(try pin.waitForEnd() == .exited(0))
            _ = try place.start(["mv", place.state, "\(place.path)/original"]).waitForEnd()
        }

        /// Puts a copy in place of what there is.
        func restore() throws {
            let line = "rm -rf state && cp -a original state"
            #expect(try place.start(["sh", "-c", line]).waitForEnd() == .exited(0))
        }

        /// How many bytes a file of the run has.
        func size(_ file: String) throws -> Int {
            Int(try Disk().status("\(place.path)/original/it/\(file)").size)
        }
    }

    /// Flips one bit of a file and leaves all else as it is.
    private func flip(_ path: String, byte: Int, bit: Int) throws {
        let file = try systemCall("open", path) { open(path, O_RDWR | O_CLOEXEC) }
        defer { close(file) }
        var value: UInt8 = 0
        try systemCall("pread", path) { pread(file, &value, 1, off_t(byte)) }
        value ^= 1 << UInt8(bit)
        try systemCall("pwrite", path) { pwrite(file, &value, 1, off_t(byte)) }
    }

    /// Flips bits of a file, one in each copy of a run.
    private func eachFlip(
        of file: (Original) -> String, _ body: (Original, Comment) throws -> Void
    ) throws {
        let original = try Original()
        let name = file(original)
        let bits = (0..<(try original.size(name) * 8)).map { $0 }
        // All of them would be some ten thousand starts.
        let chosen = FaultSample.choose(4, of: bits, atMost: 150)
        for bit in chosen {
            try original.restore()
            try flip(original.place.file(name), byte: bit / 8, bit: bit % 8)
            let said: Comment =
                "bit \(bit % 8) of byte \(bit / 8) of \(name) (\(FaultSample.replay))"
            do {
                try body(original, said)
            } catch {
                Issue.record("\(said): \(error)")
            }
        }
    }

    /// What a puppet resumes from; nil where the start is refused as it should be.
    private func start(
        _ original: Original, _ said: Comment
    ) throws -> SupervisorMessage.Resume? {
        let place = original.place
        let kept = try place.fingerprint(of: place.file("checkpoints"))
        let record = try Disk().readFile(place.file("run.json"), limit: 1 << 20)
        let program = try place.supervise([], [place.fixture, "puppet"], hasInput: true)
        do {
            try program.nextAttempt(nil)
        } catch {
            #expect(try program.waitForEnd() == .exited(125), said)
            #expect(program.lines(.errors).count == 1, "\(said): \(program.text(.errors))")
            #expect(try place.fingerprint(of: place.file("checkpoints")) == kept, said)
            #expect(try Disk().readFile(place.file("run.json"), limit: 1 << 20) == record, said)
            return nil
        }
        let resume = try program.hello(accepts: false).resume
        let state = try readSmallFile("\(resume?.path ?? "")/state")
        #expect(state == "state of step \(resume?.step ?? 0)", said)
        try place.stop(program)
        return resume
    }

    @Test(
        "in the newest checkpoint is found, and the one before it is used",
        arguments: ["data/state", "data/more", "manifest.json", "SHA256SUMS"])
    func checkpoint(file: String) throws {
        try eachFlip(of: { "checkpoints/\($0.ids[2])/\(file)" }) { original, said in
            let place = original.place
            let verify = try place.call(["checkpoints", "it", "verify", "--state-dir", place.state])
            #expect(try verify.waitForEnd() == .exited(1), said)
            #expect(verify.text(.output).contains("BAD"), said)
            let doctor = try place.call(["doctor", "it", "--digests", "--state-dir", place.state])
            #expect(try doctor.waitForEnd() == .exited(1), said)
            #expect(doctor.text(.output).contains("\(original.ids[2]): "), said)
            #expect(try start(original, said)?.id.description == original.ids[1], said)
            #expect(place.names(in: "set-aside") == [original.ids[2]], said)
        }
    }

    @Test("in what is derived costs nothing", arguments: ["status.json", "events.jsonl"])
    func derived(file: String) throws {
        try eachFlip(of: { _ in file }) { original, said in
            let place = original.place
            for command in [["status"], ["events"], ["list"], ["checkpoints", "it", "list"]] {
                let call = try place.call(command + ["--state-dir", place.state])
                let ending = try call.waitForEnd()
                // A flipped format may be a newer one.
                #expect([.exited(0), .exited(1), .exited(125)].contains(ending), said)
                #expect(call.lines(.errors).count == (ending == .exited(0) ? 0 : 1), said)
            }
            #expect(try start(original, said)?.id.description == original.ids[2], said)
        }
    }

    @Test("in the pins is found, and frees no checkpoint")
    func pins() throws {
        try eachFlip(of: { _ in "pins.json" }) { original, said in
            let place = original.place
            let doctor = try place.call(["doctor", "it", "--state-dir", place.state])
            #expect(try doctor.waitForEnd() == .exited(1), said)
            #expect(doctor.text(.output).contains("pins.json"), said)
            let program = try place.puppet(["--keep-last", "1"])
            #expect(
                try program.hello(accepts: false).resume?.id.description == original.ids[2], said)
            let next = try program.checkpoint(step: 4)
            try program.errorLine(with: "pins.json")
            try place.stop(program)
            #expect(place.checkpoints == original.ids + ["\(next.id)"], said)
        }
    }

    @Test("in the run's record ends in a refusal, or does not matter")
    func record() throws {
        try eachFlip(of: { _ in "run.json" }) { original, said in
            let place = original.place
            for command in [["status"], ["list"], ["checkpoints", "it", "list"], ["doctor"]] {
                let call = try place.call(command + ["--state-dir", place.state])
                let ending = try call.waitForEnd()
                #expect([.exited(0), .exited(1), .exited(125)].contains(ending), said)
            }
            if let resume = try start(original, said) {
                #expect(resume.id.description == original.ids[2], said)
            }
        }
    }
}
