import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// What was saved is in a state that a supervisor must not go on from: it says so in one line,
/// exits with 125 and touches nothing.
@Suite("Saved state that cannot be used", .onStage)
struct SavedStateTests {
    /// Expects that a start is refused and changes nothing.
    private func expectRefusal(
        _ place: Place, _ options: [String] = [], says parts: String...
    ) throws {
        let before = try place.fingerprint(of: place.path)
        let program = try place.supervise(options, [place.fixture, "puppet"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        for part in parts { #expect(program.text(.errors).contains(part)) }
        #expect(try place.fingerprint(of: place.path) == before)
    }

    @Test(
        "a run record that is garbage",
        arguments: [
            "", "{", "no JSON at all", "[1]", "{}", "{\"format\":1}", "{\"format\":0}", "\0\0\0",
        ])
    func garbageRecord(text: String) throws {
        let place = try Place()
        try place.stoppedRun(saving: [1, 2])
        try place.directory.write("state/it/run.json", text)
        try expectRefusal(place, says: "run.json", "damaged", "--fresh")
    }

    @Test("a run record that is a directory, a link into nowhere or unreadable")
    func oddRecord() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        try Disk().removeFile(place.file("run.json"))
        try Disk().makeDirectory(place.file("run.json"))
        try expectRefusal(place, says: "run.json")
    }

    @Test("a run record of a newer format")
    func newerRecord() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let text = try place.directory.read("state/it/run.json")
        #expect(text.contains("\"format\":2"))
        let newer = text.split(separator: "\"format\":2").joined(separator: "\"format\":3")
        try place.directory.write("state/it/run.json", newer)
        try expectRefusal(place, says: "run.json", "format 3", "newer")
        // Nor does one who wants to begin anew lose it.
        try expectRefusal(place, ["--fresh"], says: "format 3")
    }

    @Test("a manifest of a newer format")
    func newerManifest() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        let name = "state/it/checkpoints/\(ids[1])/manifest.json"
        let text = try place.directory.read(name)
        let newer = text.split(separator: "\"format\":1").joined(separator: "\"format\":7")
        try place.directory.write(name, newer)
        let line = """
            cd "$1" && sed -i "s/^[0-9a-f]*  manifest.json/$(sha256sum manifest.json)/" SHA256SUMS
            """
        let sums = ["sh", "-c", line, "sh", place.file("checkpoints/\(ids[1])")]
        #expect(try place.start(sums).waitForEnd() == .exited(0))
        try expectRefusal(place, says: ids[1], "format 7")
    }

    @Test(
        "a manifest that is garbage is set aside with its checkpoint, and an older one is used",
        arguments: ["", "{", "{\"format\":1}"])
    func garbageManifest(text: String) throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1, 2])
        try place.directory.write("state/it/checkpoints/\(ids[1])/manifest.json", text)
        let program = try place.puppet()
        #expect(try program.hello(accepts: false).resume?.id.description == ids[0])
        try program.errorLine(with: "resuming from \(ids[0])")
        #expect(program.text(.errors).contains("\(ids[1])"))
        try place.stop(program)
        #expect(place.names(in: "set-aside") == [ids[1]])
        #expect(try place.directory.read("state/it/set-aside/\(ids[1])/manifest.json") == text)
        #expect(try place.directory.read("state/it/set-aside/\(ids[1])/data/more") == "2")
    }

    @Test("checkpoints whose directory is missing, as where a disk is not mounted")
    func missingCheckpoints() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        try Disk().rename(place.file("checkpoints"), to: place.file("elsewhere"))
        try expectRefusal(place, says: "checkpoints is missing", "mount")
    }

    @Test("a checkpoint directory on another disk that is missing")
    func missingCheckpointDirectory() throws {
        let place = try Place()
        let disk = try place.directory.makeDirectory("disk")
        try place.stoppedRun(["--checkpoint-dir", disk], saving: [1])
        try Disk().rename(disk, to: "\(place.path)/unmounted")
        try expectRefusal(place, ["--checkpoint-dir", disk], says: disk, "missing")
        // The disk's mount point is there, and empty.
        _ = try place.directory.makeDirectory("disk")
        try expectRefusal(place, ["--checkpoint-dir", disk], says: disk, "missing")
        try expectRefusal(place, says: disk, "missing")
    }

    @Test("checkpoints that have all gone, though there were some")
    func emptiedCheckpoints() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        try Disk().removeTree(place.file("checkpoints/\(ids[0])"))
        try expectRefusal(place, says: "--resume-from none")
        let program = try place.puppet(["--resume-from", "none"])
        #expect(try program.hello(accepts: false).resume == nil)
        try place.stop(program)
    }

    @Test("a checkpoint that cannot be read is not a bad one", .enabled(if: userId() != 0))
    func unreadableCheckpoint() throws {
        let place = try Place()
        let ids = try place.stoppedRun(saving: [1])
        let file = "\(place.file("checkpoints"))/\(ids[0])/data/state"
        #expect(try place.start(["chmod", "0", file]).waitForEnd() == .exited(0))
        let record = try place.directory.read("state/it/run.json")
        let before = try place.fingerprint(of: place.file("checkpoints"))
        let program = try place.supervise([], [place.fixture, "puppet"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains("\(file): Permission denied"))
        #expect(try place.fingerprint(of: place.file("checkpoints")) == before)
        #expect(try place.directory.read("state/it/run.json") == record)
    }

    @Test("a state directory that cannot be written to")
    func readOnlyState() throws {
        let place = try Place()
        try place.stoppedRun(saving: [1])
        let call = [place.binary] + place.arguments([]) + ["true"]
        let before = try place.fingerprint(of: place.state)
        let program: Program
        if userId() == 0 {
            // Permissions do not hold root back; a file system that is read-only does.
            let line =
                "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && "
                + "exec \"$@\""
            program = try place.start(
                ["unshare", "--mount", "sh", "-c", line, "sh", place.state] + call)
        } else {
            let line = "chmod -R a-w \"$1\"; shift; exec \"$@\""
            program = try place.start(["sh", "-c", line, "sh", place.state] + call)
        }
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(program.text(.errors).contains(place.state))
        if userId() != 0 {
            _ = try place.start(["chmod", "-R", "u+w", place.state]).waitForEnd()
        } else {
            #expect(try place.fingerprint(of: place.state) == before)
        }
    }
}
