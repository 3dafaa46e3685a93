import Glibc
import SuperviseSystem
import Testing

@Suite("Unix sockets")
struct SocketTests {
    @Test("a line goes to the listener and one comes back, from a peer that the kernel knows")
    func conversation() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixListener(path: directory.path + "/s")
        #expect(try listener.accept() == nil)
        let client = try UnixClient(path: listener.path)
        let connection = try #require(try listener.accept())
        #expect(connection.peer.pid == processId() && connection.peer.uid == userId())
        var received: [UInt8] = []
        #expect(try connection.read(into: &received) == .nothingYet)
        try client.send(line: "hello")
        #expect(try connection.read(into: &received) == .bytes(6))
        #expect(received == Array("hello\n".utf8))
        let answer = Array("one\ntwo\nthr".utf8)
        #expect(try connection.write(answer[...]) == answer.count)
        #expect(try client.readLine(within: .seconds(20)) == "one")
        #expect(try client.readLine(within: nil) == "two")
        #expect(throws: SystemError(call: "read", code: ETIMEDOUT, subject: listener.path)) {
            try client.readLine(within: .milliseconds(1))
        }
        connection.close()
        #expect(try client.readLine(within: nil) == nil)
        #expect(throws: SystemError(call: "send", code: EPIPE, subject: listener.path)) {
            try client.send(line: "anyone?")
        }
    }

    @Test("a reader that does not read is never waited for")
    func slowReader() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixListener(path: directory.path + "/s")
        let client = try UnixClient(path: listener.path)
        let connection = try #require(try listener.accept())
        let much = [UInt8](repeating: 65, count: 1 << 20)
        var sent = 0
        while true {
            let count = try connection.write(much[...])
            if count == 0 { break }
            sent += count
        }
        #expect(sent > 0)
        withExtendedLifetime(client) {}
    }

    @Test("the socket is for its owner alone, and a dead one is replaced")
    func permissions() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/s"
        let dead = try UnixListener(path: path)
        let listener = try UnixListener(path: path)
        var status = stat()
        try systemCall("stat") { stat(path, &status) }
        #expect(status.st_mode == S_IFSOCK | 0o600)
        _ = try UnixClient(path: path)
        #expect(try dead.accept() == nil)
        #expect(try listener.accept() != nil)
        listener.removeName()
        #expect(throws: SystemError(call: "connect", code: ENOENT, subject: path)) {
            try UnixClient(path: path)
        }
    }

    @Test("a path of 100 bytes is taken, one of 101 is refused, and a file in the way stays")
    func paths() throws {
        let directory = try TemporaryDirectory()
        let room = 100 - directory.path.utf8.count - 1
        let longest = directory.path + "/" + String(repeating: "x", count: room)
        _ = try UnixListener(path: longest)
        #expect(throws: SystemError(call: "bind", code: ENAMETOOLONG, subject: longest + "x")) {
            try UnixListener(path: longest + "x")
        }
        let file = try directory.write("file", "mine")
        #expect(throws: SystemError(call: "bind", code: EADDRINUSE, subject: file)) {
            try UnixListener(path: file)
        }
        #expect(try readSmallFile(file) == "mine")
    }

    @Test("a flood of connections beyond the descriptors is turned away, not left waiting")
    func outOfDescriptors() throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene("few-descriptors", directory.path + "/s")
        #expect(try scene.readLine() == "listening")
        var clients: [UnixClient] = []
        for _ in 0..<40 { clients.append(try UnixClient(path: directory.path + "/s")) }
        try scene.send("go")
        let line = try #require(try scene.readLine())
        #expect(line.hasSuffix("and nobody waits"), "\(line)")
        #expect(line != "40 served, 0 turned away, and nobody waits")
    }
}

@Suite("Surroundings")
struct SurroundingsTests {
    @Test("random digits are as many as asked for, and differ")
    func random() throws {
        let one = try randomHex(bytes: 8)
        #expect(one.count == 16 && one.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(try randomHex(bytes: 8) != one)
    }

    @Test("the machine's facts are those of its own tools")
    func facts() throws {
        #expect(try bootId().count == 36)
        #expect(try Scene(command: ["uname", "-n"]).readLine() == hostName())
        #expect(try Scene(command: ["id", "-u"]).readLine() == "\(userId())")
        #expect(try Scene(command: ["pwd", "-P"]).readLine() == (try currentDirectory()))
        #expect(processorCount() >= 1)
        #expect(!isPid1)
        #expect(environmentVariable("PATH") != nil && environmentVariable("NO_SUCH_NAME") == nil)
    }

    @Test("variables keep what follows their first equals sign")
    func environment() throws {
        let scene = try Scene(
            command: [try Scene.fixture(), "environment"], environment: ["A=b=c", "EMPTY=", "odd"])
        #expect(try scene.readLines() == ["A -> b=c", "EMPTY -> "])
    }

    @Test("a standard error that nobody reads holds a process up once and stops nothing")
    func stuckStandardError() throws {
        // The pipe of the scene's output is the standard error, too: full, and not read until the end.
        let scene = try Scene(
            command: ["sh", "-c", "exec \"$0\" shout 2>&1", try Scene.fixture()])
        #expect(try scene.waitForEnd() == .exited(0))
    }

    @Test("a standard error without a reader stops nothing")
    func brokenStandardError() throws {
        let scene = try Scene(
            command: ["sh", "-c", "\"$0\" shout 2>&1 | true", try Scene.fixture()])
        #expect(try scene.waitForEnd() == .exited(0))
    }
}
