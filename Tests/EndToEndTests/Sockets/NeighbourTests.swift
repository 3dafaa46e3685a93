import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// Many runs of one user on one machine.
@Suite("Neighbours", .onStage)
struct NeighbourTests {
    @Test("a run that starts and ends wakes none of the others")
    func startsAndEnds() throws {
        let place = try Place()
        let others = try (1...24).map { number in
            try place.call(place.arguments([], name: "n\(number)") + ["sleep", "1000"])
        }
        for number in 1...24 {
            let file = place.file("status.json", of: "n\(number)")
            try waitBriefly { try readSmallFile(file).contains(#""phase":"running""#) }
        }
        var before = try others.map { try wakeUps(of: $0.pid) }
        // What their starts leave to be done is done when nothing has changed for some starts of others.
        for _ in 1...3 {
            try startOne(place)
            before = try others.map { try wakeUps(of: $0.pid) }
        }
        for _ in 1...5 { try startOne(place) }
        #expect(try others.map { try wakeUps(of: $0.pid) } == before)
        for program in others { try program.signal(9) }
        for program in others { _ = try program.waitForEnd() }
    }

    private func startOne(_ place: Place) throws {
        let program = try place.call(place.arguments([], name: "one") + ["true"])
        #expect(try program.waitForEnd() == .exited(0))
    }

    /// Of all its threads.
    private func wakeUps(of pid: Int32) throws -> Int {
        let tasks = "/proc/\(pid)/task"
        return try Disk().list(tasks).map { task in
            let text = try readSmallFile("\(tasks)/\(task.name)/status")
            let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt") }
            return Int(line?.split(separator: "\t").last ?? "") ?? 0
        }.reduce(0, +)
    }

    @Test("the directory of a run's sockets goes with the run, however it ends")
    func directoryGoes() throws {
        let place = try Place()
        let runtime = "\(place.path)/r/supervise"
        #expect(try place.supervise(["--max-failures", "1"], ["false"]).waitForEnd() == .exited(1))
        #expect(try Disk().list(runtime).isEmpty)
        #expect(try place.supervise(["--fresh"], ["true"]).waitForEnd() == .exited(0))
        #expect(try Disk().list(runtime).isEmpty)
        // A start that is refused, and one for which there is nothing to do.
        let again = try place.supervise(["--when-completed", "exit"], ["true"])
        #expect(try again.waitForEnd() == .exited(0))
        #expect(try Disk().list(runtime).isEmpty)
        #expect(try place.supervise([], ["no/such/program"]).waitForEnd() != .exited(0))
        #expect(try Disk().list(runtime).isEmpty)
    }

    @Test("what a killed supervisor left is gone after the next start of its run, wherever that is")
    func killed() throws {
        let place = try Place()
        let program = try place.puppet()
        let socket = try #require(try place.status().socket)
        try program.signal(9)
        _ = try program.waitForEnd()
        let elsewhere = try place.directory.makeDirectory("r2")
        let next = try place.puppet([], environment: ["XDG_RUNTIME_DIR": elsewhere])
        #expect(!pathExists(parent(of: socket)))
        #expect(try place.status().socket?.hasPrefix(elsewhere) == true)
        try next.hello(accepts: false)
        try place.stop(next)
        #expect(try Disk().list("\(elsewhere)/supervise").isEmpty)
    }

    @Test("nothing stays in /tmp where the usual directory is somebody else's")
    func foreignDirectory() throws {
        guard userId() == 0 else { return print("not tried: only root can be somebody else") }
        let place = try Place()
        // A number that nobody has.
        let user = 2_000_000_000 + Int(processId())
        let usual = "/tmp/supervise-\(user)"
        try Disk().makeDirectory(usual)
        defer { try? Disk().removeDirectory(usual) }
        try place.shell(
            "chmod 711 . && install -m 755 '\(place.binary)' . && install -d -o \(user) s")
        let tell = "echo $SUPERVISE_SOCKET; ls -d ${SUPERVISE_SOCKET%/*/sock}"
        let program = try place.start(
            ["setpriv", "--reuid=\(user)", "--regid=65533", "--clear-groups", "./supervise"]
                + ["--state-dir", "\(place.path)/s", "--", "sh", "-c", tell],
            environment: ["XDG_RUNTIME_DIR": ""])
        #expect(try program.waitForEnd() == .exited(0), "\(program.text(.errors))")
        let lines = program.lines(.output)
        let made = try #require(lines.last)
        #expect(made.hasPrefix("/tmp/supervise."))
        #expect(lines.first?.hasPrefix("\(made)/") == true)
        #expect(!pathExists(made))
    }

    private func parent(of path: String) -> String {
        path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }
}
