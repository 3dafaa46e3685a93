import Glibc
import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

/// The socket beside the state, for those who see the state and not the first socket.
@Suite("The socket beside the state", .onStage)
struct SecondSocketTests {
    /// A command in a container of its own, as far as that matters: other processes, another host name,
    /// no first socket, and the state at another path.
    private func elsewhere(_ place: Place, _ command: String, _ rest: [String]) throws -> Program {
        let volume = "\(place.path)/volume"
        let line = """
            mkdir -p volume && mount --bind state volume && mount -t tmpfs tmpfs r || exit 99
            echo other > /proc/sys/kernel/hostname; exec "$@"
            """
        let namespaces = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
        return try place.start(
            namespaces + ["--mount-proc", "sh", "-c", line, "sh", place.binary, command]
                + ["--state-dir", volume] + rest)
    }

    private func beside(_ place: Place) throws -> String {
        let name = try #require(try Disk().list("\(place.state)/.sockets").first?.name)
        return "\(place.state)/.sockets/\(name)/sock"
    }

    @Test(
        "another container with the same volume shows, asks and stops the run",
        .enabled(if: userId() == 0, "only root makes namespaces"))
    func otherContainer() throws {
        let place = try Place()
        let program = try place.puppet()
        let status = try elsewhere(place, "status", ["it", "--check", "job"])
        #expect(try status.waitForEnd() == .exited(0), "\(status.text(.errors))")
        #expect(status.lines(.output) == ["it running, attempt 1"])
        let doctor = try elsewhere(place, "doctor", ["it"])
        #expect(try doctor.waitForEnd() == .exited(0), "\(doctor.text(.output))")
        #expect(doctor.text(.output).contains("volume/.sockets/"))
        #expect(doctor.text(.output).contains("in another container (host name \(hostName()))"))
        let stop = try elsewhere(place, "stop", ["it", "--no-checkpoint"])
        try program.line(starting: "signal SIGTERM")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .signaled(SIGTERM))
        #expect(try stop.waitForEnd() == .exited(0), "\(stop.text(.errors))")
        #expect(try Disk().list("\(place.state)/.sockets").isEmpty)
    }

    @Test(
        "without it the message says where the run lives, and how to call a command there",
        .enabled(if: userId() == 0, "only root makes namespaces"))
    func unreachable() throws {
        let place = try Place()
        let program = try place.puppet()
        let socket = try beside(place)
        try place.shell("rm '\(socket)'")
        let stop = try elsewhere(place, "stop", ["it"])
        #expect(try stop.waitForEnd() == .exited(1))
        let host = hostName()
        let said = stop.text(.errors)
        let who = "(pid \(program.pid) in another container (host name \(host)))"
        #expect(said.contains("\(who) cannot be reached"))
        #expect(said.contains("podman exec \(host) supervise stop it"))
        #expect(said.contains("kubectl exec \(host) -- supervise stop it"))
        let doctor = try elsewhere(place, "doctor", ["it"])
        #expect(try doctor.waitForEnd() == .exited(1))
        #expect(doctor.text(.output).contains("its supervisor cannot be reached"))
        try place.stop(program)
    }

    @Test(
        "a second start in another container says whose the run is, and takes nobody for dead",
        .enabled(if: userId() == 0, "only root makes namespaces"))
    func inUse() throws {
        let place = try Place()
        let program = try place.puppet()
        let whose = "in use by pid \(program.pid) in another container (host name \(hostName()))"
        let start = try elsewhere(place, "run", ["--name", "it", "--", "true"])
        #expect(try start.waitForEnd() == .exited(125))
        #expect(start.text(.errors).contains(whose))
        let settle = try elsewhere(place, "settle", ["it"])
        #expect(try settle.waitForEnd() == .exited(1))
        #expect(settle.text(.errors).contains(whose))
        let resume = try elsewhere(place, "resume", ["it"])
        #expect(try resume.waitForEnd() == .exited(125))
        #expect(resume.text(.errors).contains(whose))
        let prune = try elsewhere(place, "prune", ["it"])
        #expect(try prune.waitForEnd() == .exited(0), "\(prune.text(.errors))")
        try place.stop(program)
    }

    @Test("a state whose path is too long for a socket is reached all the same")
    func longPath() throws {
        let place = try Place()
        let long = "\(place.path)/" + String(repeating: "x", count: 100)
        let program = try place.call(
            ["--state-dir", long, "--name", "it", "--", place.fixture, "puppet"], hasInput: true)
        try program.line(starting: "ready 1 ")
        let status = "\(long)/it/status.json"
        try waitBriefly { (try? readSmallFile(status))?.contains(#""phase":"running""#) == true }
        // The first socket is gone: only the one beside the state is left.
        try place.shell("mv r gone")
        let check = try place.call(["status", "--check", "supervisor", "--state-dir", long])
        #expect(try check.waitForEnd() == .exited(0), "\(check.text(.errors))")
        try program.say("exit 0")
        #expect(try program.waitForEnd() == .exited(0))
    }

    @Test("its directory is closed to other users, and what a killed supervisor left is replaced")
    func stale() throws {
        let place = try Place()
        let program = try place.puppet()
        let socket = try beside(place)
        #expect(try Disk().status("\(place.state)/.sockets").mode & 0o7777 == 0o700)
        try program.signal(SIGKILL)
        _ = try program.waitForEnd()
        // The guard settles the run, and then takes it away.
        try waitBriefly { !pathExists(socket) }
        let second = try place.puppet()
        #expect(try beside(place) == socket)
        #expect(pathExists(socket))
        try place.stop(second)
        #expect(!pathExists(socket))
    }

    @Test("in a moved or copied state it is that of the state's own run")
    func copied() throws {
        let place = try Place()
        let program = try place.puppet()
        try place.shell("cp -a state copy")
        let copy = try place.call(["stop", "it", "--state-dir", "\(place.path)/copy"])
        #expect(try copy.waitForEnd() == .exited(1))
        #expect(copy.text(.errors).contains("is not running"))
        try place.stop(program)
    }

    @Test(
        "a socket that another user has put there is not asked",
        .enabled(if: userId() == 0, "only root makes namespaces"))
    func foreign() throws {
        let place = try Place()
        let program = try place.puppet()
        let socket = try beside(place)
        let path = try #require(try place.status().socket)
        try place.shell("chmod 711 . && install -m 755 '\(place.fixture)' fixture")
        let directory = String(socket.dropLast(5))
        try place.shell(
            "rm '\(socket)' && chmod 711 state state/.sockets && chown 65534 '\(directory)'")
        let listener = try place.start(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]
                + ["PATH=/usr/bin:/bin", "python3", "-c"]
                + [
                    """
                    import socket, sys
                    one = socket.socket(socket.AF_UNIX); one.bind(sys.argv[1]); one.listen()
                    print("listens", flush=True); one.accept(); print("asked", flush=True)
                    one.accept()
                    """, socket,
                ])
        try listener.line(starting: "listens")
        let check = try place.call(["status", "--check", "job", "--state-dir", place.state])
        // By the first socket, with nothing said to the other one.
        #expect(try check.waitForEnd() == .exited(0), "\(check.text(.errors))")
        #expect(pathExists(path))
        try place.shell("rm '\(socket)' && chown 0 '\(directory)'")
        try place.stop(program)
    }
}
