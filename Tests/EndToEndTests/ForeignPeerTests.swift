import SuperviseFormats
import SuperviseSystem
import TestSupport
import Testing

@Suite(
    "Another user's connections", .onStage, .enabled(if: userId() == 0, "only root can be others"))
struct ForeignPeerTests {
    @Test("are closed without an answer, even where the directory lets them in")
    func closed() throws {
        let place = try Place()
        let program = try place.puppet()
        let socket = try #require(try place.status().socket)
        let open = """
            chmod 755 "$1" "$1/r" "$1/r/supervise" "$1"/r/supervise/*; chmod 777 "$2"
            """
        let prepared = try place.start(["sh", "-c", open, "sh", place.path, socket])
        #expect(try prepared.waitForEnd() == .exited(0))
        let fixture = "\(place.path)/fixture"
        let copied = try place.start(["install", "-m", "755", place.fixture, fixture])
        #expect(try copied.waitForEnd() == .exited(0))
        let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

        let question = #"{"type":"control","command":"stop"}"#
        let foreign = try place.start(other + [fixture, "ask", socket, question])
        #expect(try foreign.waitForEnd() == .exited(0))
        #expect(foreign.lines(.output) == ["connected", "closed"])

        // The same question from ourselves is answered: the probe works.
        let status = #"{"type":"control","command":"status"}"#
        let own = try place.start([fixture, "ask", socket, status])
        try own.line(starting: "{\"")
        try place.stop(program)
        #expect(try own.waitForEnd() == .exited(0))
    }

    @Test("another user's directory for sockets is not used, and another one is")
    func foreignDirectory() throws {
        let place = try Place()
        let runtime = try place.directory.makeDirectory("r/supervise")
        _ = try place.start(["chown", "65534", runtime]).waitForEnd()
        let program = try place.puppet()
        let socket = try #require(try place.status().socket)
        #expect(socket.hasPrefix("/tmp/supervise-"))
        try program.hello(accepts: false)
        try place.stop(program)
        #expect(try Disk().list(runtime).isEmpty)
    }
}
