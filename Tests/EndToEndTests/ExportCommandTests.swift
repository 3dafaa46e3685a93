import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite("checkpoints export", .onStage)
struct ExportCommandTests {
    /// A stopped run whose first checkpoint is compressed, and that one's id.
    private func compressedRun() throws -> (Place, String) {
        let place = try Place()
        let program = try place.puppet(["--compress", "gzip"])
        try program.hello(accepts: false)
        let ids = try place.save(1...2, program)
        try place.waitUntilCompressed(ids[0])
        try place.stop(program)
        return (place, ids[0])
    }

    private func export(_ id: String, to target: String, of place: Place) throws -> Program {
        let words = ["checkpoints", "it", "export", id, target]
        let program = try place.call(words + ["--state-dir", place.state])
        try program.waitForEnd()
        return program
    }

    @Test("by somebody who may only read restores what is compressed, and changes nothing")
    func reader() throws {
        let (place, id) = try compressedRun()
        let prepare = """
            chmod -R a+rX,a-w state && mkdir -m 777 w && chmod 711 . && install -m 755 "$1" supervise
            """
        #expect(
            try place.start(["sh", "-c", prepare, "sh", place.binary]).waitForEnd() == .exited(0))
        let before = try place.fingerprint(of: place.state)
        let somebody =
            userId() == 0
            ? ["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups"] : ["env"]
        let words = ["checkpoints", "it", "export", id, "\(place.path)/w/copy"]
        let program = try place.start(
            somebody + ["\(place.path)/supervise"] + words + ["--state-dir", place.state])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(try place.directory.read("w/copy/state") == Place.weights(1))
        #expect(try place.fingerprint(of: place.state) == before)
        // So that the directory can be removed.
        #expect(try place.start(["chmod", "-R", "u+w", "state"]).waitForEnd() == .exited(0))
    }

    @Test(
        "to a disk that becomes full leaves nothing there, and says what to do",
        .enabled(if: userId() == 0, "only root mounts"), arguments: [false, true])
    func fullDisk(isCompressed: Bool) throws {
        let place = try Place()
        let program = try place.puppet(isCompressed ? ["--compress", "gzip"] : [])
        try program.hello(accepts: false)
        let text = String(repeating: "0123456789abcdef", count: 40_000)
        let large = try place.directory.write("large", text)
        var ids: [String] = []
        for step in 1...2 as ClosedRange<Int64> {
            try program.send(.add(.init(path: large, step: step)))
            ids.append(try program.committed().id.description)
        }
        if isCompressed { try place.waitUntilCompressed(ids[0]) }
        try place.stop(program)
        _ = try place.directory.makeDirectory("small")
        let line = """
            mount -t tmpfs -o size=256k none small && touch small/mine && "$@"
            echo "status $?"; ls -A small | tr '\\n' ' '
            """
        let words = ["checkpoints", "it", "export", ids[0], "\(place.path)/small/copy"]
        let call = [place.binary] + words + ["--state-dir", place.state]
        let exported = try place.start(["unshare", "--mount", "sh", "-c", line, "sh"] + call)
        try exported.waitForEnd()
        #expect(exported.lines(.output) == ["status 1", "mine "])
        let errors = exported.text(.errors)
        #expect(
            errors.contains("No space left on device") && errors.contains("make room on that disk"))
        #expect(!errors.contains("commit") && exported.lines(.errors).count == 1, "\(errors)")
    }

    @Test("is not made over what an export that was killed has left, and says so")
    func leftover() throws {
        let (place, id) = try compressedRun()
        _ = try place.directory.makeDirectory("copy.partial")
        let refused = try export(id, to: "copy", of: place)
        #expect(try refused.waitForEnd() == .exited(1))
        #expect(
            refused.text(.errors).contains("copy.partial is there already, perhaps from an export"))
        try Disk().removeDirectory("\(place.path)/copy.partial")
        #expect(try export(id, to: "copy", of: place).waitForEnd() == .exited(0))
    }

    @Test("beside a supervisor that goes on from the same checkpoint gives both all of it")
    func besideResume() throws {
        let (place, id) = try compressedRun()
        let program = try place.puppet(["--resume-from", id, "--compress", "gzip"])
        let resume = try #require(try program.hello(accepts: false).resume)
        #expect(try export(id, to: "copy", of: place).waitForEnd() == .exited(0))
        // While its own files are there, and while they are compressed again.
        _ = try place.save(3...4, program)
        #expect(try export(id, to: "again", of: place).waitForEnd() == .exited(0))
        for directory in ["\(place.path)/copy", "\(place.path)/again", resume.path] {
            let text = try Disk().readFile("\(directory)/state", limit: 1 << 20)
            #expect(String(decoding: text, as: UTF8.self) == Place.weights(1))
        }
        try place.stop(program)
    }
}
