import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Programs that work for the supervisor: as whom and where they run.
@Suite("A program that works for the supervisor", .onStage)
struct HelperAttackTests {
    private let place: Place
    private static let fixedPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private static let isRoot = userId() == 0

    init() throws {
        place = try Place()
        try place.directory.write(
            "look", "#!/bin/sh\nexec > '\(place.path)/seen'\nid -u; pwd; echo $PATH; echo end\n",
            mode: 0o755)
    }

    private func shell(_ line: String) throws {
        let program = try place.start(["sh", "-c", line])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
    }

    /// What the program has found.
    private func seen() throws -> [String] {
        try waitForChange(in: place.path) {
            (try? place.directory.read("seen"))?.hasSuffix("end\n") == true
        }
        return try place.directory.read("seen").split(separator: "\n").map(String.init)
    }

    private var hang: [String] {
        ["--heartbeat-timeout", DurationText.format(patience / 60), "--max-failures", "1"]
    }

    @Test("runs in / with a fixed PATH as the supervisor, found where supervise was called")
    func onHang() throws {
        try shell("mkdir job")
        let program = try place.supervise(
            hang + ["--chdir", "job", "--on-hang", "./look"], ["sleep", "1000"])
        #expect(try program.waitForEnd() == .exited(137), "\(program.text(.errors))")
        #expect(try seen() == ["\(userId())", "/", Self.fixedPath, "end"])
        // A resume, from anywhere, runs the same.
        #expect(try place.record().options["on-hang"]?.contains("\(place.path)/look") == true)
    }

    @Test("asks about the machine in / with a fixed PATH, found where supervise was called")
    func preempt() throws {
        try shell("mkdir job")
        let program = try place.supervise(
            ["--chdir", "job", "--preempt", "exec:./look", "--stop-timeout", "1s"],
            ["sleep", "1000"])
        #expect(try seen() == ["\(userId())", "/", Self.fixedPath, "end"])
        try program.signal(15)
        #expect(try program.waitForEnd() == .signaled(15))
    }

    @Test("loads nothing that the job's user has put where the job works", .enabled(if: isRoot))
    func pythonModule() throws {
        try shell("chmod 711 . r && install -d -o 65534 job")
        try place.directory.write(
            "job/json.py", "open('\(place.path)/owned', 'w').close()\n", mode: 0o644)
        try shell("chmod 711 '\(place.path)'")
        let look = "/usr/bin/env python3 -c 'import json; print(json.dumps(7))'"
        let line = "exec:\(look)"
        let program = try place.supervise(
            hang + ["--user", "65534:65533", "--chdir", "job", "--on-hang", look]
                + ["--preempt", line], ["sleep", "1000"])
        #expect(try program.waitForEnd() == .exited(137), "\(program.text(.errors))")
        let report = try Disk().readFile(place.file("output/hang-0001.txt"), limit: 1 << 20)
        #expect(String(decoding: report, as: UTF8.self).contains("\n7\n"))
        #expect(!pathExists("\(place.path)/owned"))
    }

    @Test("runs as the job's user, where the job works, if that is asked for", .enabled(if: isRoot))
    func asJob() throws {
        try shell("chmod 711 . r && install -d -o 65534 job && install -m 666 /dev/null seen")
        let program = try place.supervise(
            hang + ["--user", "65534:65533", "--chdir", "job", "--on-hang", "./look"]
                + ["--on-hang-user", "job"], ["sleep", "1000"])
        #expect(try program.waitForEnd() == .exited(137), "\(program.text(.errors))")
        let path = try #require(place.environment["PATH"])
        #expect(try seen() == ["65534", "\(place.path)/job", path, "end"])
    }

    @Test(
        "is refused as root where the job's user could put another in its place",
        .enabled(if: isRoot), arguments: ["--on-hang", "--preempt"])
    func changeable(option: String) throws {
        try shell("chmod 711 . r && install -d -o 65534 job && mv look job/")
        let text = (option == "--preempt" ? "exec:" : "") + "job/look"
        let program = try place.supervise(
            ["--user", "65534:65533", "--chdir", "job", option, text], ["true"])
        #expect(try program.waitForEnd() == .exited(125))
        let line = try program.errorLine(with: "\(option)")
        #expect(line.contains("/job/look as root") && line.contains("/job belongs to user nobody"))
        #expect(!pathExists(place.state))
        // As the job's own user it may.
        guard option == "--on-hang" else { return }
        let allowed = try place.supervise(
            ["--user", "65534:65533", "--chdir", "job", option, text, "--on-hang-user", "job"],
            ["true"])
        #expect(try allowed.waitForEnd() == .exited(0), "\(allowed.text(.errors))")
    }
}
