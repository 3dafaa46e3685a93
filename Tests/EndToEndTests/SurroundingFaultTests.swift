import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Surroundings in which nothing works as it should: each has its own true sentence.
@Suite("Odd surroundings", .onStage)
struct SurroundingFaultTests {
    private func run(_ line: String, _ place: Place, _ job: [String]) throws -> Program {
        let program = try place.start(
            ["sh", "-c", line, "sh", place.binary] + place.arguments(["--backoff", "0ms..0ms"])
                + job)
        _ = try program.waitForEnd()
        return program
    }

    @Test("ulimit -f 0: the start says what the limit is and where it is raised")
    func fileSize() throws {
        let place = try Place()
        let program = try run("ulimit -f 0; \"$@\"", place, ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        #expect(program.lines(.errors).count == 1)
        #expect(
            program.text(.errors).contains(
                "files may have 0 bytes here: raise that (ulimit -f, LimitFSIZE= in a unit)"))
    }

    @Test("a limit of file sizes that is met later stops neither us nor the job")
    func fileSizeLater() throws {
        let place = try Place()
        // In units of 512 bytes.
        let job = ["sh", "-c", "ulimit -f; trap '' XFSZ; head -c 99999 /dev/zero > big; echo over"]
        let program = try run("ulimit -f 64; \"$@\"", place, job)
        #expect(program.lines(.output) == ["64", "over"])
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test(
        "umask 0277: the supervisor works, says so, and the job keeps it",
        .enabled(if: userId() == 0, "only root may become another user"))
    func mask() throws {
        let place = try Place()
        let chown = try place.start(["chown", "-R", "54321", place.path])
        #expect(try chown.waitForEnd() == .exited(0))
        let binary = "\(place.path)/supervise"
        let copy = try place.start(["install", "-m", "755", place.binary, binary])
        #expect(try copy.waitForEnd() == .exited(0))
        let line = "umask 0277; exec setpriv --reuid 54321 --regid 54321 --clear-groups \"$@\""
        let program = try place.start(
            ["sh", "-c", line, "sh", binary] + place.arguments([]) + ["sh", "-c", "umask"])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        #expect(program.lines(.output) == ["0277"])
        #expect(program.text(.errors).contains("the umask 0277 takes"))
    }

    @Test("a directory that is gone before the second attempt is named, and the run goes on in it")
    func directory() throws {
        let place = try Place()
        let directory = try place.directory.makeDirectory("work")
        let job = [
            "sh", "-c",
            "[ $SUPERVISE_ATTEMPT -gt 1 ] || { cd /; rmdir \"$0\"; exit 3; }; pwd", directory,
        ]
        let program = try place.supervise(
            ["--chdir", directory, "--backoff", "50ms..50ms", "--max-failures", "1000"], job)
        let line = try program.errorLine(with: "working directory")
        #expect(line.contains("\(directory) is gone; make it again"))
        #expect(!line.contains("command cannot be executed"))
        _ = try place.directory.makeDirectory("work")
        try program.line(starting: directory)
        #expect(try program.waitForEnd() == .exited(0))
    }

    /// Calls it in a directory as a shell would, with PWD.
    private func call(
        _ place: Place, in directory: String, _ options: [String] = [], _ job: String
    ) throws -> Program {
        let program = try place.start(
            [
                "sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", directory, place.binary,
                "--state-dir", place.state,
            ] + options + ["--", "sh", "-c", job], environment: ["PWD": place.path])
        _ = try program.waitForEnd()
        return program
    }

    private func runs(_ place: Place) -> [String] {
        ((try? Disk().list(place.state)) ?? []).map(\.name).filter { !$0.hasPrefix(".") }.sorted()
    }

    private func link(_ place: Place, to release: String) throws {
        _ = try place.directory.makeDirectory("releases/\(release)")
        let link = try place.start(["ln", "-sfn", "releases/\(release)", "\(place.path)/current"])
        #expect(try link.waitForEnd() == .exited(0))
    }

    @Test("a directory that is reached by a link keeps one run, whatever the link leads to")
    func link() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("releases")
        try link(place, to: "7")
        let job = "echo $SUPERVISE_NAME $SUPERVISE_ATTEMPT; pwd -P; exit 3"
        let first = try call(place, in: "\(place.path)/current", ["--max-failures", "1"], job)
        try link(place, to: "8")
        let second = try call(place, in: "\(place.path)/current", ["--max-failures", "1"], job)
        #expect(runs(place).count == 1)
        let name = try #require(runs(place).first)
        #expect(first.lines(.output) == ["\(name) 1", "\(place.path)/releases/7"])
        #expect(second.lines(.output) == ["\(name) 2", "\(place.path)/releases/8"])
    }

    @Test("an unfinished run by the other path is gone on with, and of two the newer one")
    func otherPath() throws {
        let place = try Place()
        _ = try place.directory.makeDirectory("releases")
        try link(place, to: "7")
        let job = "echo $SUPERVISE_NAME $SUPERVISE_ATTEMPT; exit 3"
        let once = ["--max-failures", "1"]
        let physical = try call(place, in: "\(place.path)/releases/7", once, job)
        let again = try call(place, in: "\(place.path)/current", once, job)
        let old = try #require(physical.lines(.output).first?.split(separator: " ").first)
        #expect(again.lines(.output) == ["\(old) 2"])
        #expect(again.text(.errors).contains("begun by the path \(place.path)/releases/7"))
        // One by each path.
        let moved = try place.start(["mv", "\(place.state)/\(old)", "\(place.path)/aside"])
        #expect(try moved.waitForEnd() == .exited(0))
        let newer = try call(place, in: "\(place.path)/current", once, job)
        let new = try #require(newer.lines(.output).first?.split(separator: " ").first)
        #expect(new != old)
        let back = try place.start(["mv", "\(place.path)/aside", "\(place.state)/\(old)"])
        #expect(try back.waitForEnd() == .exited(0))
        let both = try call(place, in: "\(place.path)/current", once, job)
        #expect(both.lines(.output) == ["\(new) 2"])
        #expect(both.text(.errors).contains("are both unfinished"))
        let option = " --state-dir \(place.state)"
        #expect(both.text(.errors).contains("going on with \(new), the newer one"))
        #expect(both.text(.errors).contains("supervise resume \(old)\(option)"))
    }

    @Test("a PWD that leads elsewhere, or is no absolute path, counts for nothing")
    func wrongVariable() throws {
        let place = try Place()
        for value in ["/", "current", "\(place.path)/missing", "\(place.path)/./"] {
            let program = try place.start(
                [place.binary, "--state-dir", place.state, "--", "true"],
                environment: ["PWD": value])
            #expect(try program.waitForEnd() == .exited(0))
        }
        #expect(runs(place).count == 1)
    }
}
